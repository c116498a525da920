"""What makes a sentence no request for a task: each check raises Unreadable with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kinevla_ros.language.reading import english
from kinevla_ros.language.reading.mentions import Mention
from kinevla_ros.language.reading.tokens import BREAK, Kind, Token, Unreadable, verbs_of
from kinevla_ros.language.task_set import Goal, Slot

_BINDING = (Kind.ARTICLE, Kind.SLOT, Kind.PLACE, Kind.POSSESSIVE, Kind.AND)


def check_words(tokens: Sequence[Token], past: Mapping[str, str]) -> None:
    """Raise Unreadable for a word that has no place in a request."""
    unknown = list(dict.fromkeys(t.word for t in tokens if t.kind is Kind.UNKNOWN))
    if unknown:
        raise Unreadable(f"has words outside its scope ({', '.join(unknown[:5])})")
    if _asks(tokens):
        raise Unreadable("asks something and requests nothing")
    for i, token in enumerate(tokens):
        before = tokens[i - 1].word if i else BREAK
        if token.kind is Kind.NEGATION:
            raise Unreadable(f'says what is not to be done ("{token.word}"): say what is')
        if token.kind is Kind.CHOICE:
            raise Unreadable(f'leaves a choice open ("{token.word}")')
        if token.kind is Kind.VERB and (
            before == "i"
            or (token.word in past and (before in english.REQUESTERS or _reports(tokens, i)))
        ):
            raise Unreadable(f'tells what was done ("{token.word}") and asks for nothing')
        if token.kind is Kind.VERB and i and tokens[i - 1].kind is Kind.ARTICLE:
            raise Unreadable(f'has a motion in the place of a thing ("{before} {token.word}")')
        if token.kind is Kind.OBJECT and _stands_after(tokens, i) in english.TOWARDS:
            raise Unreadable(f"names the {token.word} as the place where something goes")
        if token.word in english.ADVERBS and _is_adverb(tokens, i):
            raise Unreadable(f'can be read in two ways ("{token.word} {tokens[i + 1].word}")')
        if token.kind is Kind.RELATION and not (_orders(tokens, i) or _is_vague(tokens, i)):
            raise Unreadable(f'names a place or time that is not known ("{token.word}")')
        if token.kind is Kind.PARTICLE:
            verbs = [t.name for t in tokens[:i] if t.kind is Kind.VERB]
            if verbs and verbs[-1] not in english.PARTICLES[token.word]:
                raise Unreadable(f'names a motion "{token.word}", which no task has')


def _asks(tokens: Sequence[Token]) -> bool:
    """Whether it begins as a question does that can be answered by yes or no."""
    said = [t.word for t in tokens if t.kind is not Kind.BREAK]
    return len(said) > 1 and said[0] == "do" and said[1] in english.REQUESTERS


def _reports(tokens: Sequence[Token], i: int) -> bool:
    """Whether a participle begins a sentence and has something behind it, as a report does."""
    begins = all(token.kind in (Kind.FILLER, Kind.BREAK) for token in tokens[:i])
    return begins and i + 1 < len(tokens) and tokens[i + 1].kind in (Kind.ARTICLE, Kind.OBJECT)


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


def check_verbs(goal: Goal, tokens: Sequence[Token]) -> None:
    """Raise Unreadable for a verb that asks for no part of the goal's motion."""
    grasp, move = verbs_of(goal)
    for token in tokens:
        if token.kind is Kind.VERB and token.name not in grasp | move:
            raise Unreadable(f'asks for another motion ("{token.word}")')


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
        if (moving and not by and not apart) or to or mention.before is Kind.WITH:
            raise Unreadable(
                f'does not say whether the {name} ("{mention.text}") is where it is held: '
                f'say "by {mention.text}"'
            )
        return
    if mention.before in (Kind.GRASP, Kind.RELATION):
        raise Unreadable(f'names no {name} with "{mention.preposition} {mention.text}"')
    if mention.verb and not moving and not mention.apart:
        moves = any(token.kind is Kind.VERB and token.name in move for token in tokens)
        if moves or mention.preposition in ("on", "at", "in", "upon", "over"):
            raise Unreadable(
                f'says "{mention.text}" of what is grasped: say it of where it is to go'
            )
