"""What a request to the listener is wrapped in: "I was hoping you might find the time to".

A frame is known by its words, in whatever order: it begins where a sentence does, ends in front of
the verb of a task, and between the two stand only words of asking, wishing and politeness, the last
person among them the one spoken to. What denies, reports, or asks about what is or was done has
other words.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from kinevla_ros.language.reading.asides import closed_words as closed
from kinevla_ros.language.reading.asides.word_classes import ADVERB, GERUND, PAST, can_be, is_mostly
from kinevla_ros.language.reading.tokens import Kind, Token


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LINKS = _words(
    "i i'd i'm we we'd you you'd it it'd it's that that'd this there me us my our your a an the to "
    "was am of for if as so and by in on with about at some any one 's"
)
_ASKED = _words("think mind fancy reckon believe suppose feel care")
_WISHES = _words(
    "wonder wondering wondered hope hoping hoped like love want wanted wish need needing "
    "prefer appreciate appreciated appreciative grateful glad happy happier delighted "
    "thankful thrilled obliged pleased overjoyed ecstatic nice lovely great kind good "
    "wonderful perfect ideal best better helpful amazing awesome fantastic brilliant super "
    "cool sweet pleasure favour favor honour honor kindness courtesy service chance chances "
    "possibility possible trouble troubling bother ask asking asked request requesting beg "
    "begging implore urge suggest suggesting propose recommend advise require think thinking "
    "thought guess suppose believe reckon figure feel see know make mean world day life lot "
    "bit much deal trust expect expecting count rely delight please help question way time "
    "moment forever eternally deeply huge big small little quick tiny really wise smart "
    "clever sensible idea useful handy say must demand insist invite"
)
_DOING = _words(
    "able manage managed try trying attempt help helping assist willing ready prepared free "
    "happy glad kind good nice enough go ahead proceed start begin find get around round to "
    "time moment second sec minute effort have had need ought want wish like care choose "
    "decide agree consider do doing be being are were is better best please kindly so as and "
    "by me us for a an the favour favor solid honour kindness it this that up out over here "
    "now also just maybe perhaps possibly possible at some point about in take make your hand "
    "arm gripper using use job task supposed meant asked welcome bring yourself bold dear"
)
_PLAIN = _words(
    "be being been are is were do doing have had going now also just maybe perhaps possibly kindly "
    "please here over out up it able willing"
)
_WAITING = _words("hoping wondering thinking wanting going asking wanted hoped wondered about")
_MODALS = closed.MODALS | _words("would 'd will")
_BARRED = _words("thank thanks did does why when where who whom whose how don't not never no")
_STATED = _words("like love enjoy prefer know remember see believe think feel")


def without_frames(tokens: Sequence[Token]) -> list[str]:
    """The words of a sentence without such frames."""
    words = [token.word for token in tokens]
    kept: list[str] = []
    i = 0
    while i < len(tokens):
        begins = not i or tokens[i - 1].kind is Kind.BREAK
        end = _frame(tokens, i) if begins else None
        if end is None:
            kept.append(words[i])
            i += 1
            continue
        # "if you moved the cup": what is wished for is to be moved.
        past = is_mostly(words[end], PAST) and not can_be(words[end], GERUND)
        kept += ["be"] if past and words[end] not in ("put", "set") else []
        kept.append(words[end])
        i = end + 1
    return kept


def _frame(tokens: Sequence[Token], start: int) -> int | None:
    """Where the verb of the task stands behind a frame; None where none begins."""
    listener = None
    i = start
    while i < len(tokens) and not _is_task_verb(tokens, i):
        word = tokens[i].word
        if word in _BARRED:
            return None
        if word == "you":
            listener = i
        elif not _may_stand(tokens[i], listener is not None):
            return None
        i += 1
    if i == start or i == len(tokens):
        return None
    if listener is None:
        return i if _is_impersonal(tokens[start:i], tokens[i].word) else None
    return i if _asks(tokens[start:i], listener - start, tokens[i].word) else None


def _is_task_verb(tokens: Sequence[Token], i: int) -> bool:
    """Whether a verb that moves or grasps stands here with what it moves."""
    if tokens[i].kind is not Kind.VERB or i + 1 == len(tokens):
        return False
    follows = tokens[i + 1]
    return follows.kind in (Kind.ARTICLE, Kind.OBJECT, Kind.IT, Kind.PARTICLE, Kind.SLOT) and not (
        follows.kind is Kind.ARTICLE
        and i + 2 < len(tokens)
        and tokens[i + 2].word in _WISHES | _DOING
    )


def _may_stand(token: Token, behind_listener: bool) -> bool:
    known = _DOING if behind_listener else _PLAIN
    if token.word in _LINKS or token.word in _MODALS or token.word in known:
        return True
    if token.kind is Kind.FILLER or is_mostly(token.word, ADVERB):
        return token.word not in closed.CHANGING
    return token.word in (_WISHES if not behind_listener else _WISHES & _DOING)


def _is_done_by_another(words: Sequence[str]) -> bool:
    """Whether "me to" is the last, what is too much, or what the listener may be asked for."""
    pairs = set(itertools.pairwise(words))
    ends = words[-2:] in (["me", "to"], ["us", "to"], ["them", "to"])
    return ends or "too" in words or bool({("be", "asked"), ("need", "help")} & pairs)


def _is_time(words: Sequence[str]) -> bool:
    """Whether words put off what is asked for: "in a minute"."""
    lengths = {"time", "moment", "second", "sec", "minute", "point", "day", "bit"}
    return (
        len(words) == 3 and words[0] in ("in", "for", "at", "about", "on") and words[2] in lengths
    )


def _is_impersonal(frame: Sequence[Token], verb: str) -> bool:
    """Whether words name nobody and propose what follows: "care to", "it would be lovely to"."""
    words = [token.word for token in frame]
    if {"was", "were"} & set(words):
        return False
    if any(w in closed.PEOPLE | {"i'd", "i'm", "we'd", "my", "our"} for w in words):
        return False
    if _is_done_by_another(words):
        return False
    wished = bool(set(words) & _WISHES)
    joined = words[-1] == "to" or (
        words[-1] in ("of", "like", "fancy", "mind") and can_be(verb, GERUND)
    )
    return wished and joined


def _asks(frame: Sequence[Token], listener: int, verb: str) -> bool:
    """Whether the words ask the listener for what follows."""
    words = [token.word for token in frame]
    before, after = words[:listener], words[listener + 1 :]
    if any(word in closed.PEOPLE for word in after):
        return False
    if after[:1] in (["were"], ["was"], ["had"]) and "if" not in before:
        return False
    if _is_done_by_another(words) or ("was" in before and not set(before) & _WAITING):
        return False
    if any(_is_time(words[i : i + 3]) for i in range(len(words))):
        return False
    modal = any(word in _MODALS or word.endswith("'d") for word in words)
    if ({*before, *after} & _STATED and not modal) or "know" in before:
        return False
    if before and before[-1] in ("do", "are", "have", "were", "had"):
        return before[-1] in ("do", "are") and bool(
            set(after) & (_ASKED | {"able", "ready", "willing"})
        )
    wished = bool(set(before) & _WISHES)
    obliged = bool(set(after) & {"have", "need", "ought", "better", "supposed", "meant", "to"})
    if is_mostly(verb, PAST) and not can_be(verb, GERUND) and verb not in ("put", "set"):
        return "if" in before and wished
    if can_be(verb, GERUND):
        joined = (after or before)[-1:] or [""]
        return joined[0] in (
            "by",
            "of",
            "about",
            "for",
            "to",
            "in",
            "mind",
            "consider",
            "start",
            "begin",
            "try",
        )
    return modal or obliged or (wished and ("if" in before or (after or before)[-1] == "to"))
