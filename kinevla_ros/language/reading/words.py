"""The words of a text in any language, so that two texts can be compared."""

from __future__ import annotations

import unicodedata

_ALONE = ("\u3040", "\u9fff")
"""Scripts that put no spaces between words: each character counts as one."""


def words_of(text: str) -> list[str]:
    """Words in order, without capitals and punctuation; a symbol is a word."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return [w for word in "".join(map(_spaced, folded)).split() if (w := word.strip("'"))]


def plain(text: str) -> str:
    """A text as its words alone: two texts that say the same letter for letter are equal so."""
    return " ".join(words_of(text))


def _spaced(character: str) -> str:
    """A letter, mark or digit as it is, what is a word of its own apart, punctuation as a gap."""
    kind = unicodedata.category(character)[0]
    if kind == "S" or _ALONE[0] <= character <= _ALONE[1]:
        return f" {character} " if kind in "SLNM" else " "
    return character if kind in "LNM" or character == "'" else " "
