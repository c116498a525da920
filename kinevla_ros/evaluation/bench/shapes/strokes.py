"""Strokes of our own making: what `bench shapes` measures on without anybody's handwriting.

Each shape is a line that we drew as a formula, written again and again with a writer's variation:
another slant and size, a slow wobble of the hand, another timing. No recorded data is in it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Array = NDArray[np.float64]

REPETITIONS = 13
POINTS = 200

SLANT, WOBBLE, TIMING, PLACE = 0.05, 0.15, 0.02, 0.3
"""Spread of the affine map, of the wobble (units), of the timing (phase), of the place (units)."""


def strokes(seed: int) -> dict[str, list[Array]]:
    """Demonstrations by shape, each of shape (POINTS, 2), about 16 units large."""
    rng = np.random.default_rng(seed)
    return {
        name: [_written(line, rng) for _ in range(REPETITIONS)] for name, line in _LINES.items()
    }


def _hook() -> Array:
    """An open circle that ends in a bar towards its middle."""
    angle = np.linspace(np.radians(50), np.radians(350), 300)
    circle = 8 * np.column_stack([np.cos(angle), np.sin(angle)])
    bar = np.linspace(circle[-1], (1.0, circle[-1, 1]), 80)
    return np.concatenate([circle, bar[1:]])


def _wave() -> Array:
    """Two bows, one to each side."""
    down = np.linspace(0.0, 1.0, 300)
    return np.column_stack([5 * np.sin(2 * np.pi * down), 8 - 16 * down])


def _loop() -> Array:
    """A line that crosses itself on its way."""
    turn = np.linspace(0.0, 2 * np.pi, 300)
    return np.column_stack([2.5 * turn - 8 - 5 * np.sin(turn), 6 - 6 * np.cos(turn)])


_LINES = {"hook": _hook(), "loop": _loop(), "wave": _wave()}


def _written(line: Array, rng: np.random.Generator) -> Array:
    time = np.linspace(0.0, 1.0, POINTS)
    # A hand starts from rest and comes to rest: minimum jerk, a little early or late on the way.
    gone = 10 * time**3 - 15 * time**4 + 6 * time**5
    gone += (rng.normal(0, TIMING, (2, 1)) * np.sin(np.outer((1, 2), np.pi * gone))).sum(axis=0)
    way = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1)))
    points = PchipInterpolator(way / way[-1], line)(np.clip(gone, 0.0, 1.0))
    waves = np.sin(np.outer(gone, np.arange(1, 5) * np.pi) + rng.uniform(0, 2 * np.pi, 4))
    points = points @ (np.eye(2) + rng.normal(0, SLANT, (2, 2)))
    return points + waves @ rng.normal(0, WOBBLE, (4, 2)) + rng.normal(0, PLACE, 2)
