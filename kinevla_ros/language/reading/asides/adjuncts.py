"""Words and phrases that add nothing to a request: "gently", "in a hurry", "for my wife".

They are known by their class. What may name another thing, place, motion, number or time is left as
it is, and so refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from kinevla_ros.language.reading.asides import closed_words as closed
from kinevla_ros.language.reading.asides.remarks import NAMED, Spans, is_open, remarks
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
from kinevla_ros.language.reading.english import NEGATIONS
from kinevla_ros.language.reading.free.free_text import NEGATIONS as FOREIGN
from kinevla_ros.language.reading.spelling import is_english, neighbours
from kinevla_ros.language.reading.tokens import NAME, Kind, Token

_PURPOSE = (Kind.ARTICLE, Kind.FILLER, Kind.IT, Kind.LANDMARK, Kind.PARTICLE)
_MOST_WORDS = 5


def without_adjuncts(tokens: Sequence[Token]) -> list[Token]:
    """The tokens, with those of adjuncts as fillers."""
    found = list(tokens)
    for mark in (_descriptions, _phrases, _purposes, _adverbs, _calls, remarks):
        for start, end in mark(found):
            found[start:end] = [replace(t, kind=Kind.FILLER) for t in found[start:end]]
    return found


Marker = Callable[[Sequence[Token]], Spans]


def _descriptions(tokens: Sequence[Token]) -> Spans:
    """Adjectives in front of a thing or its part: there is one of each."""
    found: Spans = []
    for end, token in enumerate(tokens):
        if token.kind not in (*NAMED, Kind.SLOT, Kind.HEAD):
            continue
        start = end
        while start and is_open(tokens[start - 1]):
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
        if token.kind in NAMED and bound:
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
        if is_open(token)
        and is_mostly(token.word, ADVERB)
        and not can_be(token.word, THING + PLAIN_VERB)
    ]


_GREETINGS = frozenset("hey hi hello ok okay dear thanks please yo hiya so well right oi".split())  # noqa: SIM905


def _calls(tokens: Sequence[Token]) -> Spans:
    """Names and cries, of no class or behind a greeting, where no thing and no motion can stand."""
    found: Spans = []
    for i, token in enumerate(tokens):
        if not is_open(token) or not token.word.isalpha() or _is_near_a_danger(token.word):
            continue
        before = tokens[i - 1] if i else None
        after = tokens[i + 1] if i + 1 < len(tokens) else None
        greeting = before.word if before else ""
        greeted = greeting in _GREETINGS
        # "yeet it": a verb that no list has.
        follows = after.kind if after else Kind.BREAK
        verb = follows in (Kind.IT, Kind.ARTICLE, *NAMED) and not greeted
        asked = after is not None and after.word in closed.AUXILIARIES | {"to"}
        if verb or (asked and not (greeted and greeting in _HELLO)):
            continue
        if classes_of(token.word):
            called = greeted and follows in (Kind.BREAK, Kind.VERB, Kind.FILLER)
            fits = (
                called
                and greeting in _HELLO
                and not (is_mostly(token.word, PLAIN_VERB) or can_be(token.word, TIME))
            )
        else:
            begins = before is None or before.kind is Kind.BREAK
            ends = follows is Kind.BREAK and before is not None and before.kind in _WHOLE
            known = token.role == NAME or is_english(token.word, 0) or len(token.word) < 6
            cried = begins and i > 0 and follows is Kind.BREAK and token.role != NAME
            fits = greeted or (known and ((begins and not cried) or ends))
        if fits:
            found.append((i, i + 1))
    return found


def _is_near_a_danger(word: str) -> bool:
    """Whether a word changes a request, or may be meant to."""
    known = word in closed.FUNCTION_WORDS or word in _DANGEROUS
    return known or (not is_english(word) and bool(neighbours(word, _DANGEROUS)))


_HELLO = frozenset({"hey", "hi", "hello", "dear", "yo", "hiya", "thanks"})
_WHOLE = (Kind.SLOT, Kind.HEAD, Kind.LANDMARK, Kind.OBJECT, Kind.FILLER, Kind.IT, Kind.SURROUNDING)
_DANGEROUS = sorted(closed.CHANGING | NEGATIONS | FOREIGN)
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
        # "from my perspective": whose left is meant?
        seen = token.word == "from" and any(t.word in closed.VIEWPOINTS for t in tokens[start:end])
        if end is not None and not seen:
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
    objects = (Kind.IT, Kind.ARTICLE, *NAMED)
    if i - first > 1 and i < len(tokens) and tokens[i].kind in objects:
        i -= can_be(tokens[i - 1].word, PLAIN_VERB)
    if i == first or (i < len(tokens) and tokens[i].kind in (*NAMED, Kind.SLOT, Kind.HEAD)):
        return None
    limits = closed.FAR_FROM_NOW | closed.MEASURES
    if any(tokens[j].word in limits for j in range(first, i)) or (
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
    if not is_open(token):
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
        infinitive = token.word == "to" and is_open(first) and can_be(first.word, PLAIN_VERB)
        gerund = token.word == "for" and is_open(first) and is_mostly(first.word, GERUND)
        if not (infinitive or gerund) or (
            start and tokens[start - 1].kind in (Kind.AND, Kind.FILLER)
        ):
            continue
        end = start + 1
        while end < len(tokens) and (is_open(tokens[end]) or tokens[end].kind in _PURPOSE):
            end += 1
        if end == len(tokens) or tokens[end].kind is Kind.BREAK:
            found.append((start, end))
    return found
