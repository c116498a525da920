"""Places that a request rules out beside the one that it names: "straight, to neither side"."""

from __future__ import annotations

from collections.abc import Sequence

from kinevla_ros.language.reading.tokens import Kind, Token

_DENIALS = frozenset({"not", "neither", "without", "no", "never"})
_GOING = frozenset("turning going veering drifting moving swerving deviating heading".split())  # noqa: SIM905
_SIDEWAYS = frozenset({"sideways", "sidewards"})
_INSIDE = (Kind.PLACE, Kind.ARTICLE, Kind.CHOICE, Kind.HEAD, Kind.FILLER, Kind.SLOT)


def without_exclusions(tokens: Sequence[Token]) -> list[Token]:
    """The tokens, without denials of several places of which the sentence names none elsewhere.

    "Neither left nor right" leaves nothing open where "to the front" is said beside it; a denial of
    one place alone may be meant to correct another, and stays.
    """
    for start, token in enumerate(tokens):
        if token.word not in _DENIALS or token.kind is not Kind.NEGATION:
            continue
        end = _end(tokens, start + 1)
        denied = {t.word for t in tokens[start:end] if t.kind is Kind.SLOT}
        words = {t.word for t in tokens[start:end]}
        sides = bool(words & _SIDEWAYS) or {"either", "side"} <= words or {"any", "side"} <= words
        sides |= {"neither", "side"} <= words
        several = len(denied) > 1 or (sides and not denied)
        rest = [*tokens[:start], *tokens[end:]]
        named = {t.word for t in rest if t.kind is Kind.SLOT and t.role == "target"}
        if several and _is_target(tokens[start:end]) and named and not named & denied:
            while start and tokens[start - 1].kind in (Kind.AND, Kind.PLACE):
                start -= 1
            return without_exclusions([*tokens[:start], *tokens[end:]])
    return list(tokens)


def _end(tokens: Sequence[Token], i: int) -> int:
    """Where the places that are denied end."""
    while i < len(tokens) and (
        tokens[i].kind in _INSIDE
        or tokens[i].word in _GOING | _SIDEWAYS
        or tokens[i].word in _DENIALS | {"nor", "or"}
    ):
        i += 1
    return i


def _is_target(tokens: Sequence[Token]) -> bool:
    return all(token.role == "target" for token in tokens if token.kind is Kind.SLOT)
