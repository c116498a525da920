"""What every source gives: one recording after the other, pictures only as they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Recording:
    """One episode as somebody recorded it.

    Attributes:
        number: of the episode, for the report.
        instruction: what was asked for.
        stamps: time of each frame, s, shape (n,).
        vectors: feature to values, shape (n, width).
        texts: feature to the text of each frame.
        pictures: gives the pictures of a camera at frames in rising order, RGB.
    """

    number: int
    instruction: str
    stamps: NDArray[np.float64]
    vectors: Mapping[str, NDArray[np.float64]]
    texts: Mapping[str, Sequence[str]]
    pictures: Callable[[str, Sequence[int]], list[Picture]]


class RecordingSource(Protocol):
    """A dataset to convert.

    Attributes:
        features: as meta/info.json describes them.
        cameras: names of the cameras, without prefix.
        episodes: their numbers.
    """

    features: Mapping[str, Mapping[str, Any]]
    cameras: tuple[str, ...]
    episodes: tuple[int, ...]

    def recordings(self, vectors: Sequence[str], texts: Sequence[str]) -> Iterator[Recording]:
        """Yield every episode with these features. Raises DatasetError for what is damaged."""
        ...
