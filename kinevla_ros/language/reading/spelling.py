"""Typing errors of one letter, in words that English does not have."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection

from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTEST = 3
"""Shorter words have too many neighbours."""

LONG = 6
"""Shorter words may not have two errors."""

COMMON = 1000
"""Words seen more often than this in the list of English words are no typing errors."""

RARE = 50
"""The same for what would become a verb: another motion must not be taken for a known one."""


def neighbours(
    word: str, known: Collection[str], shortest: int = SHORTEST, errors: int = 1
) -> list[str]:
    """The known words that letters put in, left out, replaced or swapped make of a word."""
    if len(word) < shortest or not word.isalpha():
        return []
    near = process.extract(word, known, scorer=OSA.distance, score_cutoff=errors, limit=8)
    return [str(found[0]) for found in near]


def abbreviated(word: str, known: Collection[str]) -> list[str]:
    """The known words that a word without vowels stands for, as "fwd" for "forward"."""
    if len(word) < SHORTEST or not word.isalpha() or set(word) & set("aeiouy"):
        return []
    pattern = re.compile(".*".join(word) + "[aeiou]?")
    return [name for name in known if pattern.fullmatch(name)]


def is_english(word: str, more_often_than: int = COMMON) -> bool:
    """Whether people use the word, whatever it means."""
    return _english()[word] > more_often_than


@functools.cache
def _english():  # type: ignore[no-untyped-def]
    from spellchecker import SpellChecker

    return SpellChecker(distance=1).word_frequency
