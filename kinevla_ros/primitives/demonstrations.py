"""Demonstrations: brought to one length, and checked before anything is learnt from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.interpolation import at_times

Array = NDArray[np.float64]

STEPS = 200
"""Phases of a primitive, unless another number is named."""

_REST = 1e-9  # what rounding leaves of no motion, as a share of the coordinates


def resampled(demonstrations: Sequence[Array], steps: int = STEPS) -> Array:
    """Demonstrations of any lengths, each at the same phases, linearly between its points.

    Args:
        demonstrations: each of shape (N_i, D), its points evenly spaced in time.

    Returns:
        Shape (M, steps, D).

    Raises:
        ValueError: there is none, one has another shape or number of dimensions, holds less than
            two points or a number that is not finite.
    """
    if not len(demonstrations):
        raise ValueError("there is no demonstration; give at least one")
    found = []
    for number, points in enumerate(np.asarray(each, dtype=float) for each in demonstrations):
        if points.ndim != 2 or len(points) < 2:
            raise ValueError(
                f"demonstration {number} has shape {points.shape}; give one point a row, (N, D), "
                "and at least two"
            )
        _check_finite(points, f"demonstration {number}")
        phases = np.linspace(0.0, 1.0, len(points))
        query = np.linspace(0.0, 1.0, steps)
        found.append(at_times(query, phases, points))
    widths = sorted({points.shape[1] for points in found})
    if len(widths) > 1:
        raise ValueError(f"demonstrations have {widths} dimensions; give them all the same")
    return np.stack(found)


def check(demonstrations: Array, least: int = 1, steps: int = 2) -> Array:
    """Demonstrations as an array of floats.

    Args:
        demonstrations: shape (M, N, D).
        least: how many there must be.
        steps: how many points each must have.

    Raises:
        ValueError: shape, number or values are not what is wanted.
    """
    found = np.asarray(demonstrations, dtype=float)
    if found.ndim != 3 or not found.shape[2]:
        raise ValueError(
            f"demonstrations have shape {found.shape}; give (M, N, D), for example by resampled()"
        )
    if len(found) < least:
        raise ValueError(f"{len(found)} demonstrations are too few; give at least {least}")
    if found.shape[1] < steps:
        raise ValueError(f"{found.shape[1]} points are too few; resample to at least {steps}")
    _check_finite(found, "a demonstration")
    return found


def extent(demonstrations: Array) -> float:
    """Root mean square distance of the points from the middle of their demonstration.

    The same in every frame. A demonstration at rest has the extent 1.

    Args:
        demonstrations: shape (M, N, D).
    """
    distances = demonstrations - demonstrations.mean(axis=1, keepdims=True)
    found = float(np.sqrt((distances**2).sum(axis=2).mean()))
    return found if found > _REST * abs(demonstrations).max() else 1.0


def _check_finite(values: Array, what: str) -> None:
    if not np.isfinite(values).all():
        raise ValueError(f"{what} holds a number that is not finite; leave it out or correct it")
