"""Courtesy: formulas around a request, replaced by what they come to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from kinevla_ros.language.reading.asides.courtesy.calls import CALLS
from kinevla_ros.language.reading.asides.courtesy.clefts import CLEFTS
from kinevla_ros.language.reading.asides.courtesy.needed import needed
from kinevla_ros.language.reading.asides.courtesy.orders import ORDERS
from kinevla_ros.language.reading.asides.courtesy.states import STATES
from kinevla_ros.language.reading.asides.courtesy.turns import TURNS
from kinevla_ros.language.reading.asides.courtesy.wishes import WISHES
from kinevla_ros.language.reading.asides.courtesy.written import WRITTEN


class Formula(NamedTuple):
    """A pattern, what stands for it, and the words that it takes away on purpose."""

    needed: frozenset[str]
    pattern: re.Pattern[str]
    meant: str
    words: frozenset[str]


_FORMULAS = tuple(
    # None begins or ends inside a word.
    Formula(
        needed(pattern),
        re.compile(rf"(?<![\w'](?=[\w']))(?:{pattern})(?<![\w'](?=[\w']))"),
        meant,
        frozenset(re.findall(r"[a-z']+", pattern)),
    )
    for pattern, meant in (*CALLS, *WRITTEN, *CLEFTS, *WISHES, *STATES, *ORDERS, *TURNS)
)


_PIECES = frozenset().union(*(formula.needed for formula in _FORMULAS))


def without_courtesy(words: list[str], matters: Callable[[str], bool]) -> list[str]:
    """The words of a sentence without it; "," stands for whatever divides the sentence.

    Args:
        matters: whether a word names something of a task, or denies: no formula takes one away
            that does not hold it word for word.
    """
    text = " ".join(words)
    there = _pieces_in(text)
    for formula in _FORMULAS:
        if formula.needed and there.isdisjoint(formula.needed):
            continue
        said = formula.pattern.sub(lambda m, f=formula: _replaced(m, f, matters), text)  # type: ignore[misc]
        if said != text:
            text, there = said, _pieces_in(said)
    return text.split()


def _pieces_in(text: str) -> set[str]:
    return {piece for piece in _PIECES if piece in text}


def _replaced(found: re.Match[str], formula: Formula, matters: Callable[[str], bool]) -> str:
    """What stands for a formula, or the same words where one of them may not get lost."""
    said = found.expand(formula.meant)
    before, after = Counter(found[0].split()), Counter(said.split())
    lost = (word for word in before - after if word not in formula.words)
    return found[0] if any(map(matters, lost)) else said
