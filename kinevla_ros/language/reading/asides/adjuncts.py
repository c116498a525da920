"""Words and phrases that add nothing to a request: "gently", "in a hurry", "for my wife".

They are known by their class. What may name another thing, place, motion, number or time is left as
it is, and so refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from kinevla_ros.language.reading.asides import closed_words as closed
from kinevla_ros.language.reading.asides.word_classes import (
    ABSTRACT,
    ADJECTIVE,
    ADVERB,
    BODY,
    GERUND,
    NOUN,
    PAST,
    PERSON,
    PLAIN_VERB,
    QUANTITY,
    THING,
    THIRD_PERSON,
    TIME,
    can_be,
    classes_of,
    is_mostly,
    noun_class,
)
from kinevla_ros.language.reading.spelling import is_english
from kinevla_ros.language.reading.tokens import NAME, Kind, Token

_NAMED = (Kind.OBJECT, Kind.LANDMARK, Kind.SURROUNDING)
_PURPOSE = (Kind.ARTICLE, Kind.FILLER, Kind.IT, Kind.LANDMARK, Kind.PARTICLE)
_MOST_WORDS = 5


def without_adjuncts(tokens: Sequence[Token]) -> list[Token]:
    """The tokens, with those of adjuncts as fillers."""
    found = list(tokens)
    for mark in (_descriptions, _phrases, _purposes, _adverbs, _calls):
        for start, end in mark(found):
            found[start:end] = [replace(t, kind=Kind.FILLER) for t in found[start:end]]
    return found


Spans = list[tuple[int, int]]
Marker = Callable[[Sequence[Token]], Spans]


def _is_open(token: Token) -> bool:
    """Whether a word is unknown and none that can change a request."""
    return token.kind is Kind.UNKNOWN and token.word not in closed.CHANGING


def _descriptions(tokens: Sequence[Token]) -> Spans:
    """Adjectives in front of a thing or its part: there is one of each."""
    found: Spans = []
    for end, token in enumerate(tokens):
        if token.kind not in (*_NAMED, Kind.SLOT, Kind.HEAD):
            continue
        start = end
        while start and _is_open(tokens[start - 1]):
            start -= 1
        while (
            start < end
            and is_mostly(tokens[start].word, PLAIN_VERB + THIRD_PERSON + PAST)
            and not _is_bound(tokens, start)
        ):
            start += 1
        words = [t.word for t in tokens[start:end]]
        first = start
        while first and tokens[first - 1].kind is Kind.FILLER:
            first -= 1
        bound = first and tokens[first - 1].kind in (Kind.ARTICLE, Kind.POSSESSIVE)
        if any(noun_class(w) == TIME for w in words):
            continue
        if token.kind in _NAMED and bound:
            # A noun describes as well: "the breakfast mug".
            fits = all(
                can_be(w, ADJECTIVE + ADVERB + PAST + GERUND) or w == words[0] for w in words
            )
        else:
            fits = all(
                is_mostly(w, ADJECTIVE + ADVERB + PAST) and not can_be(w, PLAIN_VERB) for w in words
            )
        if words and fits:
            found.append((start, end))
    return found


def _is_bound(tokens: Sequence[Token], start: int) -> bool:
    return start > 0 and tokens[start - 1].kind is Kind.ARTICLE


def _adverbs(tokens: Sequence[Token]) -> Spans:
    return [
        (i, i + 1)
        for i, token in enumerate(tokens)
        if _is_open(token)
        and is_mostly(token.word, ADVERB)
        and not can_be(token.word, THING + PLAIN_VERB)
    ]


_PLACES = frozenset("in at on by to under from about upon per via into within through".split())  # noqa: SIM905
_LIKENESS = frozenset({"like", "as"})
_BEFORE = frozenset({"before"})
_WITHOUT = frozenset({"without"})


def _phrases(tokens: Sequence[Token]) -> Spans:
    """Prepositions with nouns that are no place to put something."""
    found: Spans = []
    for start, token in enumerate(tokens):
        allowed = _allowed_behind(token.word)
        if not allowed or (found and start < found[-1][1]):
            continue
        end = _noun_phrase(tokens, start + 1, allowed)
        if end is not None:
            found.append((start, end))
    return found


def _allowed_behind(preposition: str) -> str:
    """Classes of the noun that may follow."""
    if preposition == "for":
        return PERSON + ABSTRACT + BODY + THING
    if preposition in _PLACES:
        return ABSTRACT
    if preposition == "with":
        return ABSTRACT + BODY
    if preposition in _LIKENESS or preposition in _BEFORE:
        return PERSON + ABSTRACT + THING + BODY
    return ABSTRACT if preposition in _WITHOUT else ""


def _noun_phrase(tokens: Sequence[Token], start: int, allowed: str) -> int | None:
    """Where a noun with what describes it ends, if it is of an allowed class."""
    i = start
    if i < len(tokens) and tokens[i].word in closed.PRONOUNS:
        return i + 1 if PERSON in allowed else None
    while i < len(tokens) and (
        tokens[i].kind is Kind.ARTICLE or tokens[i].word in closed.DETERMINERS
    ):
        i += 1
    first = i
    while i < len(tokens) and i - first < _MOST_WORDS and _can_stand_in(tokens, i, first):
        i += 1
    # "for my wife butter it": the last word may be a verb.
    objects = (Kind.IT, Kind.ARTICLE, *_NAMED)
    if i - first > 1 and i < len(tokens) and tokens[i].kind in objects:
        i -= can_be(tokens[i - 1].word, PLAIN_VERB)
    if i == first or (i < len(tokens) and tokens[i].kind in (*_NAMED, Kind.SLOT, Kind.HEAD)):
        return None
    if any(tokens[j].word in closed.FAR_FROM_NOW for j in range(first, i)) or (
        not noun_class(tokens[i - 1].word) and classes_of(tokens[i - 1].word)
    ):
        return None
    head = tokens[i - 1].word
    named = tokens[i - 1].role == NAME or (not classes_of(head) and is_english(head, 0))
    fits = noun_class(head) in allowed or (noun_class(head) == TIME and can_be(head, allowed))
    if not (named and PERSON in allowed) and not fits:
        return None
    if THING not in allowed and can_be(head, THING + QUANTITY):
        return None
    if head in closed.TOOLS_OF_THE_ROBOT and BODY not in allowed:
        return None
    if i < len(tokens) and tokens[i].kind is Kind.OF:
        further = _noun_phrase(tokens, i + 1, PERSON + ABSTRACT + BODY + THING)
        return further
    if i < len(tokens) and tokens[i].kind is Kind.POSSESSIVE:
        return _noun_phrase(tokens, i + 1, allowed)
    return i


def _can_stand_in(tokens: Sequence[Token], i: int, first: int) -> bool:
    """Whether a word can be part of a noun phrase that began at `first`."""
    token = tokens[i]
    if token.kind is Kind.FILLER:
        return can_be(token.word, ADJECTIVE + PERSON)
    if not _is_open(token):
        return False
    if not classes_of(token.word):
        return is_english(token.word, 0)
    if (
        is_mostly(token.word, PLAIN_VERB)
        and i > first
        and not is_mostly(tokens[i - 1].word, ADJECTIVE + GERUND)
    ):
        return False
    return can_be(token.word, NOUN | {ADJECTIVE, ADVERB, GERUND})


def _purposes(tokens: Sequence[Token]) -> Spans:
    """What "to make soup", "for slicing": up to the end of what a break ends."""
    found = []
    for start, token in enumerate(tokens[:-1]):
        first = tokens[start + 1]
        infinitive = token.word == "to" and _is_open(first) and can_be(first.word, PLAIN_VERB)
        gerund = token.word == "for" and _is_open(first) and is_mostly(first.word, GERUND)
        if not (infinitive or gerund) or (
            start and tokens[start - 1].kind in (Kind.AND, Kind.FILLER)
        ):
            continue
        end = start + 1
        while end < len(tokens) and (_is_open(tokens[end]) or tokens[end].kind in _PURPOSE):
            end += 1
        if end == len(tokens) or tokens[end].kind is Kind.BREAK:
            found.append((start, end))
    return found


def _calls(tokens: Sequence[Token]) -> Spans:
    """Whom one speaks to, and what one calls out, between breaks."""
    found = []
    start = 0
    for end in range(len(tokens) + 1):
        if end < len(tokens) and tokens[end].kind is not Kind.BREAK:
            continue
        described = start > 1 and tokens[start - 2].kind in _NAMED
        if start < end and (
            _is_call(tokens[start:end])
            or _is_view(tokens[start:end])
            or (described and (_is_state(tokens[start:end]) or _is_apposition(tokens[start:end])))
        ):
            found.append((start, end))
        start = end + 1
    return found


def _is_call(tokens: Sequence[Token]) -> bool:
    """Whether the words name a person or something that is no thing, and ask for nothing."""
    spoken_to = any(token.word == "you" for token in tokens)
    head = ""
    for i, token in enumerate(tokens):
        if token.word in closed.NO_CALL or (
            spoken_to and can_be(token.word, PLAIN_VERB + THIRD_PERSON)
        ):
            return False
        if token.kind in (Kind.FILLER, Kind.ARTICLE, Kind.OF, Kind.AND, Kind.POSSESSIVE):
            continue
        if head and token.kind is Kind.WITH:
            # "big guy with the metal arm"
            return head == PERSON and _is_open_phrase(tokens[i:])
        if not _is_open(token) or not _may_call(tokens, i):
            return False
        named = _head(token)
        head = head if named == ADJECTIVE and head else named or head
    if head in (ABSTRACT, BODY) and len(tokens) == 1:
        return False
    return (
        head in (PERSON, ABSTRACT, BODY, TIME, ADJECTIVE)
        if head
        else tokens[-1].kind is Kind.FILLER
    )


def _head(token: Token) -> str:
    """The class of a noun, or ADJECTIVE for what only describes."""
    if token.role == NAME or not classes_of(token.word) or can_be(token.word, PERSON):
        return PERSON
    return ADJECTIVE if is_mostly(token.word, ADJECTIVE + ADVERB) else noun_class(token.word)


def _may_call(tokens: Sequence[Token], i: int) -> bool:
    """Whether a word is no verb here, and English."""
    word = tokens[i].word
    if tokens[i].role == NAME:
        return True
    if not classes_of(word):
        return is_english(word, 0)
    if word in closed.FAR_FROM_NOW:
        return False
    if not can_be(word, PLAIN_VERB + THIRD_PERSON + PAST) or is_mostly(word, PERSON + ADJECTIVE):
        return True
    before = tokens[i - 1]
    own = before.kind is not Kind.FILLER or before.word in closed.DETERMINERS
    named = i and own and noun_class(word)
    return bool(named) or (i > 0 and not is_mostly(word, PLAIN_VERB + THIRD_PERSON + PAST))


def _is_view(tokens: Sequence[Token]) -> bool:
    """Whether the words only say how it is looked at: "as agreed", "given the weather"."""
    rest = tokens[1:]
    if tokens[0].word == "as" and rest and rest[0].word in closed.REPORTS:
        rest = rest[1:]
    return tokens[0].word in closed.VIEWS and len(tokens) > 1 and _is_open_phrase(rest)


def _is_open_phrase(tokens: Sequence[Token]) -> bool:
    """Whether no word of these can be part of a request."""
    harmless = (Kind.FILLER, Kind.ARTICLE, Kind.OF, Kind.AND, Kind.POSSESSIVE, Kind.WITH,
                Kind.PLACE, Kind.GRASP)  # fmt: skip
    return all(
        token.word not in closed.NO_CALL | closed.FAR_FROM_NOW
        and token.word != "you"
        and (token.kind in harmless or (_is_open(token) and not is_mostly(token.word, PLAIN_VERB)))
        for token in tokens
    )


def _is_state(tokens: Sequence[Token]) -> bool:
    """Whether words only describe: "washed and dried"."""
    return all(
        token.kind in (Kind.FILLER, Kind.AND)
        or (_is_open(token) and is_mostly(token.word, ADJECTIVE + ADVERB + PAST + GERUND))
        for token in tokens
    )


def _is_apposition(tokens: Sequence[Token]) -> bool:
    """Whether words name a thing another way: "a gift from our neighbour"."""
    harmless = (Kind.FILLER, Kind.ARTICLE, Kind.OF, Kind.RELATION, Kind.PLACE, Kind.GRASP)
    return tokens[0].word in ("a", "an", "my", "our") and all(
        token.kind in harmless
        or (_is_open(token) and not is_mostly(token.word, PLAIN_VERB + THIRD_PERSON))
        for token in tokens
    )
