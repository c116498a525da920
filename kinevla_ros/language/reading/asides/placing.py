"""Ways to name a place that come to a common one: "left from the plate", "the end with leaves"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kinevla_ros.language.reading import english
from kinevla_ros.language.reading.asides import closed_words as closed
from kinevla_ros.language.reading.asides.remarks import is_open
from kinevla_ros.language.reading.asides.word_classes import (
    ABSTRACT,
    ADJECTIVE,
    NOUN,
    PERSON,
    PLAIN_VERB,
    QUANTITY,
    TIME,
    can_be,
    is_mostly,
    noun_class,
)
from kinevla_ros.language.reading.tokens import Kind, Token

_LIKE = (Kind.SLOT, Kind.VERB, Kind.PLACE, Kind.GRASP, Kind.FILLER)
_ENDS = (Kind.BREAK, Kind.AND, Kind.THEN)


def placed(tokens: Sequence[Token]) -> list[Token]:
    """The tokens, with each place named in one way."""
    found = list(tokens)
    for rule in (_hedged, _parts, _beside, _described, _distinguished):
        found = rule(found)
    return found


def _hedged(tokens: list[Token]) -> list[Token]:
    """Words that only hedge or stress a place: "like to the left", "more to the front"."""
    found = list(tokens)
    for i, token in enumerate(tokens):
        if token.kind is not Kind.UNKNOWN:
            continue
        before = tokens[i - 1] if i else None
        rest = [t for t in tokens[i + 1 : i + 3] if t.kind is not Kind.ARTICLE]
        after = rest[0].kind if rest else Kind.BREAK
        said_twice = before is not None and before.kind is Kind.ARTICLE
        whom = bool(rest) and rest[0].word in closed.PRONOUNS | closed.PEOPLE
        liked = whom or (before is not None and before.word in closed.PEOPLE)
        place = before is not None and before.kind in (Kind.SLOT, Kind.HEAD, Kind.LANDMARK)
        ends = i + 1 == len(tokens) or tokens[i + 1].kind in _ENDS
        grasp = before is not None and before.kind is Kind.SLOT and before.role == "grasp"
        if (
            (token.word == "like" and (after in _LIKE or said_twice) and not liked)
            or (token.word == "more" and (after is Kind.PLACE or _is_target(rest)))
            or (token.word == "only" and ends and (place or (before and before.word == "straight")))
            or (token.word == "one" and grasp)
        ):
            found[i] = replace(token, kind=Kind.FILLER)
    return found


def _parts(tokens: list[Token]) -> list[Token]:
    """Nouns for a part, known by what it is of: "the right flank of the plate"."""
    found = list(tokens)
    for i, token in enumerate(tokens[1:], 1):
        before, rest = (
            tokens[i - 1],
            [t for t in tokens[i + 1 : i + 4] if t.kind is not Kind.ARTICLE],
        )
        if before.kind is not Kind.SLOT or not is_open(token) or not can_be(token.word, NOUN):
            continue
        if is_mostly(token.word, PLAIN_VERB + ADJECTIVE) or can_be(token.word, PERSON + TIME):
            continue
        of = (
            len(rest) > 1
            and rest[0].kind is Kind.OF
            and rest[1].kind in (Kind.LANDMARK, Kind.OBJECT)
        )
        owned = any(t.kind is Kind.POSSESSIVE for t in tokens[max(0, i - 3) : i])
        ends = not rest or rest[0].kind in (*_ENDS, Kind.PLACE, Kind.VERB)
        first = i - 1
        while first and tokens[first - 1].kind is Kind.SLOT:
            first -= 1
        named = first > 0 and tokens[first - 1].kind is Kind.ARTICLE
        shape = named and noun_class(token.word) in (QUANTITY, ABSTRACT) and before.role == "grasp"
        if of or (ends and (owned or shape)):
            found[i] = replace(token, kind=Kind.FILLER)
    return found


def _is_target(tokens: list[Token]) -> bool:
    return bool(tokens) and tokens[0].kind is Kind.SLOT and tokens[0].role == "target"


def _beside(tokens: list[Token]) -> list[Token]:
    """The tokens, with "left from the plate" as "left of", and "for the left side" as "on"."""
    found = list(tokens)
    for i, token in enumerate(tokens[1:-1], 1):
        before = tokens[i - 2] if tokens[i - 1].kind is Kind.HEAD and i > 1 else tokens[i - 1]
        behind = tokens[i + 1 + (tokens[i + 1].kind is Kind.ARTICLE) :]
        if not behind:
            continue
        target = before.kind is Kind.SLOT and before.role == "target"
        if token.word == "from" and behind[0].kind is Kind.LANDMARK and target:
            found[i] = Token("of", Kind.OF)
        if token.word == "beside" and behind[0].kind is Kind.SLOT and behind[0].role == "grasp":
            found[i] = Token("near", Kind.GRASP)
        if token.word == "for" and tokens[i - 1].kind is Kind.IT and _is_target(behind):
            found[i] = Token("on", Kind.PLACE)
    return found


def _described(tokens: list[Token]) -> list[Token]:
    """The tokens, with "the end with the leaves" as "the leaves end"."""
    found = list(tokens)
    for i, token in enumerate(tokens):
        if token.kind is not Kind.WITH or not i or tokens[i - 1].kind is not Kind.HEAD:
            continue
        end = i + 1
        while end < len(tokens) and tokens[end].kind is Kind.ARTICLE:
            end += 1
        start = end
        while end < len(tokens) and tokens[end].kind is Kind.SLOT and tokens[end].role == "grasp":
            end += 1
        if end > start and (end == len(tokens) or tokens[end].kind is not Kind.HEAD):
            found[i - 1 : end] = [*tokens[start:end], tokens[i - 1]]
            return _described(found)
    return found


def _distinguished(tokens: list[Token]) -> list[Token]:
    """Words of slots that are verbs or of a body here: "lower it", "my hand"."""
    found = list(tokens)
    for i, token in enumerate(tokens):
        after = tokens[i + 1].kind if i + 1 < len(tokens) else Kind.BREAK
        lowered = english.LOWERING.get(token.word)
        if lowered and token.kind is Kind.SLOT and after is Kind.IT:
            found[i] = replace(token, kind=Kind.VERB, name=lowered, role="")
        mine = i and tokens[i - 1].word in ("my", "your")
        if token.kind is Kind.HEAD and token.word == "hand" and mine:
            found[i] = replace(token, kind=Kind.UNKNOWN)
    return found
