"""What makes a sentence no request for a task: each check raises Unreadable with the reason."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence

from kinevla_ros.language.reading import english
from kinevla_ros.language.reading.asides.word_classes import PLAIN_VERB, is_mostly
from kinevla_ros.language.reading.mentions import Mention
from kinevla_ros.language.reading.tokens import (
    BREAK,
    NOUNS,
    Kind,
    Token,
    Unreadable,
    verbs_of,
)
from kinevla_ros.language.task_set import Goal, Slot, TaskSet

_BINDING = (Kind.ARTICLE, Kind.SLOT, Kind.PLACE, Kind.POSSESSIVE, Kind.AND)


def check_words(tokens: Sequence[Token], past: Mapping[str, str]) -> None:
    """Raise Unreadable for a word that has no place in a request."""
    unknown = list(dict.fromkeys(t.word for t in tokens if t.kind is Kind.UNKNOWN))
    if unknown:
        raise Unreadable(f"has words outside its scope ({', '.join(unknown[:5])})")
    if _asks(tokens):
        raise Unreadable("asks something and requests nothing")
    if _tells_where_it_is(tokens):
        raise Unreadable("tells where something is and requests nothing")
    if _thanks(tokens):
        raise Unreadable("thanks for what was done and requests nothing")
    for i, token in enumerate(tokens):
        before = tokens[i - 1].word if i else BREAK
        if token.kind is Kind.NEGATION:
            raise Unreadable(f'says what is not to be done ("{token.word}"): say what is')
        if token.kind is Kind.CHOICE:
            raise Unreadable(f'leaves a choice open ("{token.word}")')
        if token.kind is Kind.VERB and (
            before == "i"
            or _is_announced(tokens, i)
            or (token.word in past and (before in english.REQUESTERS or _reports(tokens, i)))
        ):
            raise Unreadable(f'tells what was done ("{token.word}") and asks for nothing')
        if token.kind is Kind.VERB and i and tokens[i - 1].kind is Kind.ARTICLE:
            raise Unreadable(f'has a motion in the place of a thing ("{before} {token.word}")')
        if token.kind is Kind.OF and not _is_of_something(tokens, i):
            raise Unreadable('does not say of what ("of")')
        if token.word == "over" and _followed_by(tokens, i, Kind.HEAD):
            raise Unreadable("names a place that is not known (over)")
        if token.kind in (Kind.LANDMARK, Kind.SURROUNDING) and _is_moved(tokens, i):
            raise Unreadable(f"asks to move the {token.word}")
        if token.kind is Kind.OBJECT and _shown_in(tokens, i):
            raise Unreadable(f"names something of the {token.word}, and not the {token.word}")
        if token.kind is Kind.OBJECT and _stands_after(tokens, i) in english.TOWARDS:
            raise Unreadable(f"names the {token.word} as the place where something goes")
        if token.word in english.ADVERBS and _is_adverb(tokens, i):
            raise Unreadable(f'can be read in two ways ("{token.word} {tokens[i + 1].word}")')
        if token.kind is Kind.RELATION and not (_orders(tokens, i) or _is_vague(tokens, i)):
            raise Unreadable(f'names a place or time that is not known ("{token.word}")')
        if token.name == "keep" and i + 1 < len(tokens) and tokens[i + 1].kind is Kind.VERB:
            raise Unreadable(f'asks to go on with what is not done ("{tokens[i + 1].word}")')
        if token.kind is Kind.PARTICLE and _is_part(tokens[:i]):
            raise Unreadable(f'says which way a part points ("{before} {token.word}")')
        if token.kind is Kind.PARTICLE:
            verbs = [t.name for t in tokens[:i] if t.kind is Kind.VERB]
            if verbs and verbs[-1] not in english.PARTICLES[token.word]:
                raise Unreadable(f'names a motion "{token.word}", which no task has')


def _is_part(tokens: Sequence[Token]) -> bool:
    """Whether the last words name a part by which something is held."""
    rest = [token for token in tokens if token.kind is not Kind.HEAD]
    return bool(rest) and rest[-1].kind is Kind.SLOT and rest[-1].role == "grasp"


def _asks(tokens: Sequence[Token]) -> bool:
    """Whether it begins as a question does that can be answered by yes or no."""
    said = [t.word for t in tokens if t.kind is not Kind.BREAK]
    if len(said) < 2:
        return False
    asked = (
        english.REQUESTERS | english.ARTICLES | {t.word for t in tokens if t.kind is Kind.OBJECT}
    )
    offers = re.search(r"\byou (?:like|want|need|prefer) (?:me|us) to\b", " ".join(said))
    if offers or (said[0] == "when" and said[1] in english.ANNOUNCING | english.ASKING):
        return True
    return (said[0] == "do" and said[1] in english.REQUESTERS) or (
        said[0] in english.ASKING and said[1] in asked - {"you", "robot"}
    )


def _tells_where_it_is(tokens: Sequence[Token]) -> bool:
    """Whether it says "it is" of a place and has no verb of a request."""
    kinds = [token.kind for token in tokens]
    if Kind.VERB in kinds or Kind.OBJECT not in kinds:
        return False
    return (Kind.IT, Kind.BE) in itertools.pairwise(kinds[kinds.index(Kind.OBJECT) :])


def _thanks(tokens: Sequence[Token]) -> bool:
    """Whether it thanks for a motion."""
    for i, token in enumerate(tokens[:-1]):
        thanked = any(t.word in ("thanks", "thank") for t in tokens[max(0, i - 2) : i])
        if token.word == "for" and thanked and tokens[i + 1].kind is Kind.VERB:
            return True
    return False


def _is_announced(tokens: Sequence[Token], i: int) -> bool:
    """Whether somebody else will do it: "we will move"."""
    modal = i - 1
    while (
        modal > 0
        and tokens[modal].kind is Kind.FILLER
        and tokens[modal].word not in english.ANNOUNCING
    ):
        modal -= 1
    if [t.word for t in tokens[max(0, i - 2) : i]] == ["let", "me"]:
        return True
    if modal < 1 or tokens[modal].word not in english.ANNOUNCING:
        return False
    return tokens[modal - 1].word in english.REQUESTERS - {"you", "robot"}


def _reports(tokens: Sequence[Token], i: int) -> bool:
    """Whether a participle begins a sentence and has something behind it, as a report does."""
    begins = all(token.kind in (Kind.FILLER, Kind.BREAK) for token in tokens[:i])
    return begins and i + 1 < len(tokens) and tokens[i + 1].kind in (Kind.ARTICLE, Kind.OBJECT)


def _followed_by(tokens: Sequence[Token], i: int, kind: Kind) -> bool:
    """Whether a word of this kind follows, articles left out."""
    after = (token.kind for token in tokens[i + 1 :] if token.kind is not Kind.ARTICLE)
    return next(after, Kind.BREAK) is kind


def _is_of_something(tokens: Sequence[Token], i: int) -> bool:
    """Whether something that is known follows "of"."""
    skipped = (Kind.ARTICLE, Kind.FILLER)
    after = next((t for t in tokens[i + 1 :] if t.kind not in skipped), None)
    return after is not None and after.kind in (*NOUNS, Kind.HEAD, Kind.SLOT)


def _is_moved(tokens: Sequence[Token], i: int) -> bool:
    """Whether a landmark is what a verb moves."""
    after = tokens[i + 1].kind if i + 1 < len(tokens) else Kind.BREAK
    before = i - 1
    while before >= 0 and tokens[before].kind in (Kind.ARTICLE, Kind.FILLER):
        before -= 1
    moved = before >= 0 and tokens[before].kind is Kind.VERB
    if moved and before < i - 1 and tokens[i - 1].kind is Kind.ARTICLE and after is Kind.SLOT:
        return True
    return moved and after not in (Kind.POSSESSIVE, Kind.SLOT, Kind.HEAD)


def _shown_in(tokens: Sequence[Token], i: int) -> bool:
    """Whether it is "the picture of" an object that is named."""
    while i and tokens[i - 1].kind is Kind.ARTICLE:
        i -= 1
    return i > 1 and tokens[i - 1].kind is Kind.OF and tokens[i - 2].kind is Kind.SURROUNDING


def _stands_after(tokens: Sequence[Token], i: int) -> str:
    """The word in front of a noun, its article left out."""
    while i and tokens[i - 1].kind is Kind.ARTICLE:
        i -= 1
    return tokens[i - 1].word if i else ""


def _is_adverb(tokens: Sequence[Token], i: int) -> bool:
    """Whether nothing in front of a word makes a place of it, and a preposition follows."""
    bound = i and tokens[i - 1].kind in _BINDING
    return not bound and i + 1 < len(tokens) and tokens[i + 1].kind in (Kind.PLACE, Kind.GRASP)


def _orders(tokens: Sequence[Token], i: int) -> bool:
    """Whether it only says what comes first, grasping or the rest, or from where it is held."""
    if tokens[i].word == "from":
        rest = (token for token in tokens[i + 1 :] if token.kind is not Kind.ARTICLE)
        return next((token.kind is Kind.SLOT for token in rest), False)
    verb = next((token for token in tokens[i + 1 : i + 4] if token.kind is Kind.VERB), None)
    wanted = {"after": english.GRASP_VERBS, "before": english.MOVE_VERBS}.get(tokens[i].word)
    return verb is not None and wanted is not None and verb.name in wanted


def _is_vague(tokens: Sequence[Token], i: int) -> bool:
    """Whether it says "beside" of a landmark and no side: which one can be asked."""
    if tokens[i].word not in ("beside", "by"):
        return False
    rest = [token for token in tokens[i + 1 :] if token.kind not in (Kind.ARTICLE, Kind.FILLER)]
    after = any(token.kind is Kind.SLOT for token in rest if token.word != "answer")
    return bool(rest) and rest[0].kind is Kind.LANDMARK and (not after or _is_answered(tokens, i))


def _is_answered(tokens: Sequence[Token], i: int) -> bool:
    return any(token.word == "answer" and token.kind is Kind.BREAK for token in tokens[i:])


def check_spelling(tokens: Sequence[Token], may_be_a_slot: Callable[[Token], bool]) -> None:
    """Raise Unreadable for "the let front": a word of a slot with a typing error?"""
    for i, token in enumerate(tokens):
        # "the robot" is one; no verb stands behind "the".
        article = i > 0 and tokens[i - 1].kind is Kind.ARTICLE and is_mostly(token.word, PLAIN_VERB)
        slot = i + 1 < len(tokens) and tokens[i + 1].kind is Kind.SLOT
        if (article or slot) and may_be_a_slot(token):
            raise Unreadable(f'can be read in two ways ("{token.word}")')


def check_verbs(goal: Goal, tokens: Sequence[Token]) -> None:
    """Raise Unreadable for a verb that asks for no part of the goal's motion."""
    grasp, move = verbs_of(goal)
    for token in tokens:
        if token.kind is Kind.VERB and token.name not in grasp | move:
            raise Unreadable(f'asks for another motion ("{token.word}")')


def check_whole(goal: Goal, tasks: TaskSet, tokens: Sequence[Token]) -> None:
    """Raise Unreadable for "half of" an object that has no parts."""
    if any(tasks.slots[name].of == goal.object for name in goal.slots):
        return
    for head, of, *noun in zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False):
        if head.kind is Kind.HEAD and of.kind is Kind.OF and Kind.OBJECT in {t.kind for t in noun}:
            raise Unreadable(f'names a part of the {goal.object} ("{head.word}")')


def check_role(
    goal: Goal, slot: Slot, name: str, mention: Mention, tokens: Sequence[Token]
) -> None:
    """Raise Unreadable where a word stands for where a thing is, or goes, and not for the slot."""
    _, move = verbs_of(goal)
    moving = mention.verb in move
    if slot.role == "grasp":
        by = mention.before is Kind.GRASP
        place = mention.before in (Kind.PLACE, Kind.WITH)
        apart = mention.apart and not place
        to = mention.preposition in ("to", "into", "onto", "towards", "toward")
        held = mention.verb and mention.heads and not (moving or mention.apart)
        other = mention.before is Kind.WITH and not held
        if (moving and not by and not apart) or to or other:
            raise Unreadable(
                f'does not say whether the {name} ("{mention.text}") is where it is held: '
                f'say "by {mention.text}"'
            )
        return
    near = mention.preposition == "near" and slot.of is None
    if mention.before in (Kind.GRASP, Kind.RELATION, Kind.WITH) and not near:
        raise Unreadable(f'names no {name} with "{mention.preposition} {mention.text}"')
    if mention.verb and not moving and not mention.apart:
        goes = mention.preposition in english.TOWARDS
        moves = any(token.kind is Kind.VERB and token.name in move for token in tokens) and not goes
        if moves or mention.preposition in ("on", "at", "in", "upon", "over"):
            raise Unreadable(
                f'says "{mention.text}" of what is grasped: say it of where it is to go'
            )
