"""Table tops to learn from, made by formulas."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = 128


def table_textures() -> Iterator[NDArray[np.uint8]]:
    """Wood, cloth, stone and tiles, always the same, each shape (128, 128, 3), RGB."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    for colour in ((0.75, 0.55, 0.35), (0.45, 0.30, 0.20), (0.9, 0.85, 0.75)):
        grain = 6 * columns + 0.6 * _noise(rng, 4) + 0.1 * np.sin(4 * np.pi * rows)
        yield _painted(0.85 + 0.15 * np.sin(2 * np.pi * grain), colour)
    for colour in ((0.3, 0.4, 0.6), (0.6, 0.25, 0.25)):
        weave = np.sin(80 * np.pi * rows) * np.sin(80 * np.pi * columns)
        yield _painted(0.85 + 0.1 * weave, colour)
    for colour in ((0.6, 0.6, 0.62), (0.35, 0.37, 0.4)):
        yield _painted(0.8 + 0.2 * (_noise(rng, 8) + 0.5 * _noise(rng, 32)), colour)
    for colour in ((0.85, 0.85, 0.85), (0.4, 0.55, 0.45)):
        joint = ((8 * rows) % 1 < 0.06) | ((8 * columns) % 1 < 0.06)
        yield _painted(np.where(joint, 0.5, 1.0), colour)
    stripes = np.where((6 * columns) % 1 < 0.5, 1.0, 0.6)
    yield _painted(stripes, (0.8, 0.75, 0.6))


def _noise(rng: np.random.Generator, cells: int) -> NDArray[np.float64]:
    """Smooth noise in [-1, 1] of so many cells a side."""
    coarse = rng.uniform(-1, 1, (cells, cells))
    return np.asarray(cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC))


def _painted(
    brightness: NDArray[np.float64], colour: tuple[float, float, float]
) -> NDArray[np.uint8]:
    return np.clip(brightness[..., None] * colour * 255, 0, 255).astype(np.uint8)
