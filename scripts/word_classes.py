#!/usr/bin/env python3
"""Write the table of English words and their classes from WordNet's dictionary files.

Usage: word_classes.py /usr/share/wordnet >kinevla_ros/language/reading/asides/word_classes.txt

The files are those of Debian's package wordnet-base (WordNet 3.0). Which words are common, and so
in the table, is taken from the list of pyspellchecker.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

from spellchecker import SpellChecker

LEAST = 100
"""Words seen less often in the list of pyspellchecker are left out, unless WordNet counted them."""

SHARE = 0.08
"""Senses that make up less of a word's uses are left out, if uses were counted."""

NOUN_CLASSES = {
    **dict.fromkeys((5, 6, 13, 15, 17, 20, 27), "t"),  # animal, artifact, food, place, ...: a thing
    8: "b",  # body
    14: "p",  # group
    18: "p",  # person
    28: "m",  # time
    **dict.fromkeys((23, 24, 25), "q"),  # quantity, relation, shape
}
"""WordNet's lexicographer file to a class; other nouns are abstract ("a")."""

SUFFIXES = {
    "noun": [("", "", ""), ("s", "", ""), ("ses", "s", ""), ("xes", "x", ""), ("zes", "z", ""),
             ("ches", "ch", ""), ("shes", "sh", ""), ("men", "man", ""), ("ies", "y", "")],
    "verb": [("", "", "v"), ("s", "", "s"), ("ies", "y", "s"), ("es", "e", "s"), ("es", "", "s"),
             ("ed", "e", "d"), ("ed", "", "d"), ("ing", "e", "g"), ("ing", "", "g"),
             ("ied", "y", "d")],
    "adj": [("", "", ""), ("er", "", ""), ("est", "", ""), ("er", "e", ""), ("est", "e", ""),
            ("ier", "y", ""), ("iest", "y", "")],
    "adv": [("", "", "")],
}  # fmt: skip
"""Endings and what stands for them in the lemma, after WordNet's morphy, with the verb's form."""

BRITISH = (
    ("or", "our"), ("iz", "is"), ("yz", "ys"), ("ter", "tre"), ("og", "ogue"), ("ense", "ence"),
    ("l", "ll"), ("ray", "rey"),
)  # fmt: skip
"""American spellings and British ones, which pyspellchecker's list does not have."""

NOTICE = """\
# Words of English and their classes, written by scripts/word_classes.py from WordNet 3.0.
# j adjective, r adverb; nouns: t thing, b body, p person, m time,
# q quantity, relation or shape, a abstract;
# verbs: v plain form (V where that is rare), s with "he", d past or participle,
# g with -ing. The commonest class first.
#
# WordNet 3.0 Copyright 2006 by Princeton University. All rights reserved.
#
# This software and database is being provided to you, the LICENSEE, by Princeton University under
# the following license. By obtaining, using and/or copying this software and database, you agree
# that you have read, understood, and will comply with these terms and conditions.:
#
# Permission to use, copy, modify and distribute this software and database and its documentation
# for any purpose and without fee or royalty is hereby granted, provided that you agree to comply
# with the following copyright notice and statements, including the disclaimer, and that the same
# appear on ALL copies of the software, database and documentation, including modifications that you
# make for internal use or for distribution.
#
# THIS SOFTWARE AND DATABASE IS PROVIDED "AS IS" AND PRINCETON UNIVERSITY MAKES NO REPRESENTATIONS
# OR WARRANTIES, EXPRESS OR IMPLIED. BY WAY OF EXAMPLE, BUT NOT LIMITATION, PRINCETON UNIVERSITY
# MAKES NO REPRESENTATIONS OR WARRANTIES OF MERCHANTABILITY OR FITNESS FOR ANY PARTICULAR PURPOSE OR
# THAT THE USE OF THE LICENSED SOFTWARE, DATABASE OR DOCUMENTATION WILL NOT INFRINGE ANY THIRD PARTY
# PATENTS, COPYRIGHTS, TRADEMARKS OR OTHER RIGHTS.
#
# The name of Princeton University or Princeton may not be used in advertising or publicity
# pertaining to distribution of the software and/or database. Title to copyright in this software,
# database and any associated documentation shall at all times remain with Princeton University and
# LICENSEE agrees to preserve same."""

Uses = dict[str, dict[str, float]]


def lemmas(folder: Path) -> dict[str, Uses]:
    """Part of speech to lemma to class to how often it was used so; once at least."""
    files = {"noun": "1", "verb": "2", "adj": "35", "adv": "4"}
    counts = _counts(folder)
    found: dict[str, Uses] = {}
    for part in files:
        lexnames = dict(_lexnames(folder / f"data.{part}"))
        uses: Uses = defaultdict(lambda: defaultdict(float))
        for line in _lines(folder / f"index.{part}"):
            word, _, senses, pointers, *rest = line.split()
            if not word.isalpha():
                continue
            for number, offset in enumerate(rest[int(pointers) + 2 :][: int(senses)], 1):
                kind = {"noun": NOUN_CLASSES.get(lexnames[offset], "a"), "adj": "j", "adv": "r"}
                # What was never counted still weighs a little, the first sense most.
                weight = counts.get((part, word, offset), 0) + 0.5 / number
                uses[word][kind.get(part, "v")] += weight
        found[part] = uses
    return found


def _counts(folder: Path) -> dict[tuple[str, str, str], int]:
    parts = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}
    ordered: dict[tuple[str, str], list[str]] = {}
    for part in set(parts.values()):
        for line in _lines(folder / f"index.{part}"):
            word, _, senses, pointers, *rest = line.split()
            ordered[part, word] = rest[int(pointers) + 2 :][: int(senses)]
    found: dict[tuple[str, str, str], int] = {}
    for line in _lines(folder / "cntlist.rev"):
        key, number, count = line.split()
        word, rest = key.split("%")
        part = parts[rest[0]]
        offsets = ordered.get((part, word), [])
        if int(number) <= len(offsets):
            found[part, word, offsets[int(number) - 1]] = int(count)
    return found


def _lexnames(path: Path):  # type: ignore[no-untyped-def]
    for line in _lines(path):
        offset, lexname, *_ = line.split(maxsplit=2)
        yield offset, int(lexname)


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text("latin-1").splitlines() if not line.startswith("  ")]


def irregular(folder: Path, part: str) -> dict[str, list[str]]:
    """Irregular forms to their lemmas."""
    rows = (line.split() for line in _lines(folder / f"{part}.exc"))
    return {form: found for form, *found in rows}


def classes(word: str, known: dict[str, Uses], exceptions: dict[str, dict[str, list[str]]]) -> str:
    """The classes of one form, the commonest first; empty for what WordNet does not have."""
    uses: dict[str, float] = defaultdict(float)
    for part, endings in SUFFIXES.items():
        found = {}
        for lemma in exceptions[part].get(word, []):
            found[lemma] = "g" if word.endswith("ing") else "d"
        for ending, instead, form in endings if not found else endings[:1]:
            lemma = word[: len(word) - len(ending)] + instead
            if word.endswith(ending) and len(lemma) > 1:
                for near in (lemma, _undoubled(lemma) if form in ("d", "g") else ""):
                    if near in known[part]:
                        found.setdefault(near, form)
        for lemma, form in found.items():
            for kind, count in known[part].get(lemma, {}).items():
                uses[form if kind == "v" else kind] += count
    total = sum(uses.values())
    kept = {kind: count for kind, count in uses.items() if count >= SHARE * total}
    rare = "V" if "v" in uses and "v" not in kept else ""
    return "".join(sorted(kept, key=lambda kind: -kept[kind])) + rare


def _undoubled(lemma: str) -> str:
    return lemma[:-1] if re.search(r"([^aeiou])\1$", lemma) else ""


def main() -> None:
    """Write the table."""
    folder = Path(sys.argv[1] if len(sys.argv) == 2 else "")
    if not (folder / "index.noun").exists():
        sys.exit(__doc__)
    known = lemmas(folder)
    exceptions = {part: irregular(folder, part) for part in SUFFIXES}
    print(NOTICE)
    frequency = SpellChecker(distance=1).word_frequency
    common = {word for word in frequency.words() if frequency[word] >= LEAST}
    counted = {w for uses in known.values() for w, count in uses.items() if sum(count.values()) > 2}
    british = {w.replace(a, b) for a, b in BRITISH for w in common if a in w}
    for word in sorted(common | counted | british):
        found = classes(word, known, exceptions)
        if found and word.isascii() and word.isalpha() and len(word) > 1:
            print(word, found)


if __name__ == "__main__":
    main()
