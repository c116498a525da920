"""Task parameters: the frames that a motion starts and ends in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TaskFrame:
    """Where something is in the world: x_world = A x_frame + b.

    Attributes:
        axes: A, shape (D, D), a rotation: the frame's axes in the world, one a column.
        origin: b, shape (D,), in the unit of the demonstrations.

    Raises:
        ValueError: shapes do not fit, a number is not finite, or A is no rotation.
    """

    axes: Array
    origin: Array

    def __post_init__(self) -> None:
        axes, origin = np.asarray(self.axes, float), np.asarray(self.origin, float)
        if origin.ndim != 1 or axes.shape != (len(origin), len(origin)):
            raise ValueError(
                f"a frame of axes {axes.shape} and origin {origin.shape}; give (D, D) and (D,)"
            )
        if not (np.isfinite(axes).all() and np.isfinite(origin).all()):
            raise ValueError("a frame holds a number that is not finite")
        if abs(axes @ axes.T - np.eye(len(origin))).max() > 1e-6 or np.linalg.det(axes) < 0:
            raise ValueError("a frame's axes are no rotation; make them orthonormal, right-handed")
        object.__setattr__(self, "axes", axes)
        object.__setattr__(self, "origin", origin)

    @classmethod
    def at(cls, origin: Array) -> TaskFrame:
        """With the world's axes."""
        return cls(np.eye(len(origin)), origin)

    def inside(self, points: Array) -> Array:
        """Points of the world, shape (..., D), as the frame sees them."""
        return (points - self.origin) @ self.axes


def seen_from(demonstrations: Array, frames: Sequence[TaskFrame]) -> Array:
    """Each demonstration as its own frame sees it.

    Args:
        demonstrations: shape (M, N, D).
        frames: one for each demonstration.

    Raises:
        ValueError: the numbers of frames or their dimensions are others.
    """
    if len(frames) != len(demonstrations):
        raise ValueError(
            f"{len(frames)} frames for {len(demonstrations)} demonstrations; give each its own"
        )
    dims = {len(frame.origin) for frame in frames}
    if dims != {demonstrations.shape[2]}:
        raise ValueError(
            f"frames of {sorted(dims)} dimensions for points of {demonstrations.shape[2]}"
        )
    pairs = zip(demonstrations, frames, strict=True)
    return np.stack([frame.inside(points) for points, frame in pairs])
