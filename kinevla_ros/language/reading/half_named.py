"""A direction that is named by half: "to a front corner" lies left or right, not straight ahead."""

from __future__ import annotations

import itertools
import re
from collections.abc import Container

BETWEEN = {
    "corner", "corners", "quadrant", "quadrants", "diagonal", "diagonally", "oblique", "obliquely",
    "slantwise", "askew",
}  # fmt: skip
SIDES = {"side", "sides", "edge", "edges"}


def speaks_of_more(text: str, named: Container[str]) -> bool:
    """Whether a text says that something lies to a side, and leaves open to which.

    Args:
        text: as it was said.
        named: words that say which side it is, where they stand before "side".
    """
    words = re.findall(r"[a-z]+", text.lower())
    return any(
        word in BETWEEN or (word in SIDES and before not in named)
        for before, word in itertools.pairwise(["", *words])
    )
