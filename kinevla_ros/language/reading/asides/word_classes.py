"""Classes of English words: what part of speech a word can be, and what kind of thing it names.

`word_classes.txt` holds them; `scripts/word_classes.py` writes it from WordNet.
"""

from __future__ import annotations

import functools
from pathlib import Path

ADJECTIVE, ADVERB = "jr"
THING, BODY, PERSON, TIME, QUANTITY, ABSTRACT = "tbpmqa"
PLAIN_VERB, RARE_VERB, THIRD_PERSON, PAST, GERUND = "vVsdg"
"""Letters of the table; the last five are forms of a verb, a rare one is mostly something else."""

NOUN = frozenset({THING, BODY, PERSON, TIME, QUANTITY, ABSTRACT})
FINITE = frozenset({THIRD_PERSON, PAST})


def classes_of(word: str) -> str:
    """The classes of a word, the commonest first; empty where it is not known."""
    return _table().get(word, "")


def can_be(word: str, classes: str | frozenset[str]) -> bool:
    """Whether a word has one of the classes."""
    return bool(set(classes_of(word)) & set(classes))


def is_mostly(word: str, classes: str | frozenset[str]) -> bool:
    """Whether its commonest class is one of these."""
    return classes_of(word)[:1] in set(classes) if classes_of(word) else False


def noun_class(word: str) -> str:
    """What it names if it is a noun; empty for others."""
    return next((kind for kind in classes_of(word) if kind in NOUN), "")


@functools.cache
def _table() -> dict[str, str]:
    lines = Path(__file__).with_suffix(".txt").read_text(encoding="ascii").splitlines()
    return dict(line.split() for line in lines if not line.startswith("#"))
