"""The words of a text: in any language, to compare two texts, and of an English sentence."""

from __future__ import annotations

import re
import unicodedata

from kinevla_ros.language.reading.tokens import BREAK

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


def split(text: str) -> list[str]:
    """Words in lower case, possessives apart, and "," for whatever divides a sentence."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    plain = re.sub(r"(?<= )[-/|+](?= )", ",", plain)
    plain = re.sub(r"[-=]>|[=\u2192]", ",", plain)
    plain = plain.replace("&", " and ").replace("/", " or ").replace("_", " ")
    found: list[str] = []
    for word in re.findall(r"[^\W_]+(?:'[^\W_]+)*|[,;:.!?()\n\u2013\u2014]", plain):
        if not word[0].isalnum():
            found.append(BREAK)
        elif word.endswith("'s") and word != "let's":
            found += [word[:-2], "'s"]
        else:
            found.append(word)
    return found


def names_in(text: str) -> frozenset[str]:
    """Words with a capital where no sentence begins: names of people, in lower case."""
    found = re.findall(r"(?<=[a-z0-9,;] )[A-Z][a-z]+", text)
    # Titles and shouting have capitals everywhere.
    return (
        frozenset(map(str.lower, found)) if len(found) * 4 <= len(text.split()) + 3 else frozenset()
    )
