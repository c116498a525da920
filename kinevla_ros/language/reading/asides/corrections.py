"""Corrections in the middle of a request: "to the left, no sorry, I mean to the right"."""

from __future__ import annotations

from collections.abc import Sequence

from kinevla_ros.language.reading.tokens import Kind, Token

_SURE = frozenset({"sorry", "mean", "meant", "scratch", "oops", "actually", "correction", "rather"})
_WITH_NO = frozenset({"wait", "no"})
"""A correction only where both are said."""

_AROUND = (
    _SURE | _WITH_NO | {"i", "that", "not", "nope", "hang", "hold", "on", "my", "bad", "mistake"}
)
_JOINING = (Kind.PLACE, Kind.GRASP, Kind.ARTICLE, Kind.FILLER, Kind.BREAK)
_NAMING = (Kind.HEAD, Kind.OF, Kind.ARTICLE, Kind.LANDMARK, Kind.OBJECT, Kind.POSSESSIVE)


def corrected(tokens: Sequence[Token]) -> list[Token]:
    """The tokens, with what was said first left out where a correction of it follows at once.

    Both must name the same kind of slot, grasp or target, and nothing may stand between them but
    words that only correct; whatever else a denial may concern is left as it is.
    """
    found = list(tokens)
    i = 0
    while i < len(found):
        end = _marker(found, i)
        start = _first(found, i) if end > i else i
        again = _second(found, end) if start < i else None
        role = next((t.role for t in found[start:i] if t.kind is Kind.SLOT), None)
        if again is not None and found[again].role == role:
            rest = [*found[:start], *found[end:]]
            # "…, no wait, to the right, sorry".
            while rest and (rest[-1].word == "sorry" or rest[-1].kind is Kind.BREAK):
                rest.pop()
            return corrected(rest)
        i = max(i + 1, end)
    return found


def _marker(tokens: Sequence[Token], start: int) -> int:
    """Where the words end that announce a correction; `start` where there are none."""
    end = start
    while end < len(tokens) and (
        tokens[end].word in _AROUND
        or tokens[end].kind is Kind.BREAK
        or (tokens[end].kind is Kind.FILLER and tokens[end].word not in ("you", "so"))
    ):
        end += 1
    said = {token.word for token in tokens[start:end]}
    return end if said & _SURE or said >= _WITH_NO else start


def _first(tokens: Sequence[Token], end: int) -> int:
    """Where the slot begins that is named in front of a correction; `end` where none is."""
    start = end
    while start and tokens[start - 1].kind in _NAMING:
        start -= 1
    last = start
    while start and tokens[start - 1].kind is Kind.SLOT:
        start -= 1
    named = any(token.kind is Kind.OBJECT for token in tokens[last:end])
    return start if start < last and not named else end


def _second(tokens: Sequence[Token], start: int) -> int | None:
    """Where the slot is that corrects; None where something else follows."""
    i = start
    said_again = [token.kind for token in tokens[i : i + 2]] == [Kind.VERB, Kind.IT]
    i += 2 * said_again
    while i < len(tokens) and tokens[i].kind in _JOINING:
        i += 1
    return i if i < len(tokens) and tokens[i].kind is Kind.SLOT else None
