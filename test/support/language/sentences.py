"""Sentences written by hand, in no template's grammar, with what each means."""

from __future__ import annotations

import csv
from pathlib import Path

FIXTURES = Path(__file__).parents[2] / "fixtures"


def sentences(name: str) -> list[tuple[str, str]]:
    """Sentences and meanings: of `open`, which the reader was made with, or of `closed`.

    A meaning is the values of the slots, "ask: " and the missing slots, "refuse", or some of these
    joined by " or ".
    """
    with open(FIXTURES / f"sentences_{name}.tsv", encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["sentence"], row["meaning"]) for row in rows]


def kind(meaning: str) -> str:
    """`way`, `ask` or `refuse`: what is wanted first."""
    return next((k for k in ("ask", "refuse") if meaning.startswith(k)), "way")
