"""Whom one speaks to, and what one calls out or remarks, between breaks: "mate", "as agreed"."""

from __future__ import annotations

from collections.abc import Sequence

from kinevla_ros.language.reading.asides import closed_words as closed
from kinevla_ros.language.reading.asides.word_classes import (
    ABSTRACT,
    ADJECTIVE,
    ADVERB,
    BODY,
    GERUND,
    PAST,
    PERSON,
    PLAIN_VERB,
    THIRD_PERSON,
    TIME,
    can_be,
    classes_of,
    is_mostly,
    noun_class,
)
from kinevla_ros.language.reading.spelling import is_english
from kinevla_ros.language.reading.tokens import NAME, Kind, Token

NAMED = (Kind.OBJECT, Kind.LANDMARK, Kind.SURROUNDING)

Spans = list[tuple[int, int]]
"""Where words begin and end that add nothing to a request."""


def is_open(token: Token) -> bool:
    """Whether a word is unknown and none that can change a request."""
    return token.kind is Kind.UNKNOWN and token.word not in closed.CHANGING


def remarks(tokens: Sequence[Token]) -> Spans:
    """Whom one speaks to, and what one calls out, between breaks."""
    found = []
    start = 0
    for end in range(len(tokens) + 1):
        if end < len(tokens) and tokens[end].kind is not Kind.BREAK:
            continue
        described = start > 1 and tokens[start - 2].kind in NAMED
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
        if not is_open(token) or not _may_call(tokens, i):
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
        and (token.kind in harmless or (is_open(token) and not is_mostly(token.word, PLAIN_VERB)))
        for token in tokens
    )


def _is_state(tokens: Sequence[Token]) -> bool:
    """Whether words only describe: "washed and dried"."""
    return all(
        token.kind in (Kind.FILLER, Kind.AND)
        or (is_open(token) and is_mostly(token.word, ADJECTIVE + ADVERB + PAST + GERUND))
        for token in tokens
    )


def _is_apposition(tokens: Sequence[Token]) -> bool:
    """Whether words name a thing another way: "a gift from our neighbour"."""
    harmless = (Kind.FILLER, Kind.ARTICLE, Kind.OF, Kind.RELATION, Kind.PLACE, Kind.GRASP)
    return tokens[0].word in ("a", "an", "my", "our") and all(
        token.kind in harmless
        or (is_open(token) and not is_mostly(token.word, PLAIN_VERB + THIRD_PERSON))
        for token in tokens
    )
