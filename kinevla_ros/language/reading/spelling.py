"""Typing errors of one letter, where only one known word is near and English has no such word."""

from __future__ import annotations

import functools
from collections.abc import Collection

from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTEST = 3
"""Shorter words have too many neighbours."""

COMMON = 1000
"""Words seen more often than this in the list of English words are no typing errors."""


def corrected(word: str, known: Collection[str]) -> str:
    """The one known word that is a letter put in, left out, replaced or swapped away.

    A word that English has, or that is near to no known word or to several, comes back as it is.
    """
    if len(word) < SHORTEST or not word.isalpha():
        return word
    near = process.extract(word, known, scorer=OSA.distance, score_cutoff=1, limit=2)
    if len(near) != 1 or is_english(word):
        return word
    return str(near[0][0])


def is_english(word: str) -> bool:
    """Whether people use the word, whatever it means."""
    return _english()[word] > COMMON


@functools.cache
def _english():  # type: ignore[no-untyped-def]
    from spellchecker import SpellChecker

    return SpellChecker(distance=1).word_frequency
