"""One thing that is wrong with a dataset: where, what, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kinevla_ros.data.lerobot.reader import DatasetReader


class FaultPlace(NamedTuple):
    """Where a fault is first met; numbers count from 0, None where it concerns all."""

    episode: int | None = None
    frame: int | None = None


WHOLE = FaultPlace()


@dataclass(frozen=True)
class Finding:
    """A fault, in one line.

    Attributes:
        feature: column or file.
        problem: what is wrong with it.
        cure: what to do.
        at: where it is first met.
        stops: whether training refuses; a note otherwise.
    """

    feature: str
    problem: str
    cure: str
    at: FaultPlace = WHOLE
    stops: bool = True

    def __str__(self) -> str:
        places = self.at._asdict().items()
        where = [f"{name} {number}" for name, number in places if number is not None]
        return f"{', '.join([*where, self.feature])}: {self.problem}; {self.cure}"


def place(reader: DatasetReader, row: int) -> FaultPlace:
    """Episode and frame of a row."""
    starts = [entry.start for entry in reader.episodes]
    number = int(np.searchsorted(starts, row, side="right")) - 1
    return FaultPlace(number, int(row) - starts[number])
