"""What a text must hold for a pattern to be found in it: a quick test before a slow one."""

from __future__ import annotations

import re._constants as op  # type: ignore[import-untyped,import-not-found]
import re._parser as parser  # type: ignore[import-untyped,import-not-found]
from collections.abc import Sequence
from typing import Any

Needed = frozenset[str]
"""Pieces of text, one of which must be there; empty where nothing is known."""


def needed(pattern: str) -> Needed:
    """The pieces of text that a pattern cannot do without one of."""
    return _of(list(parser.parse(pattern)))


def _of(items: Sequence[tuple[Any, Any]]) -> Needed:
    """Of parts that follow each other: the longest pieces that any of them needs."""
    found: list[Needed] = []
    run = ""
    for code, value in [*items, (None, None)]:
        if code is op.LITERAL:
            run += chr(value)
            continue
        if run:
            found.append(frozenset({run}))
            run = ""
        if code is op.SUBPATTERN:
            found.append(_of(list(value[3])))
        elif code is op.BRANCH:
            found.append(_either([_of(list(branch)) for branch in value[1]]))
        elif code is op.MAX_REPEAT and value[0] > 0:
            found.append(_of(list(value[2])))
        elif code is op.ASSERT and value[0] == 1:
            found.append(_of(list(value[1])))
    known = [pieces for pieces in found if pieces]
    return max(known, key=lambda pieces: min(map(len, pieces)), default=frozenset())


def _either(branches: Sequence[Needed]) -> Needed:
    return frozenset().union(*branches) if all(branches) else frozenset()
