"""Bounds of the action dimensions, and the way from physical units to [-1, 1] and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.action_space import RM75, SLACK, ActionSpace

HALF_RANGE_FLOOR = 0.05
"""Least half range of a joint offset, rad, so that noise in an idle joint stays small; in other
units what counts as much."""


@dataclass(frozen=True, eq=False)
class ActionStatistics:
    """Minimum and maximum of every action dimension in the training data.

    Minimum and maximum, not quantiles: a clipped joint position is a pose out of reach.

    Attributes:
        lower, upper: Bounds, shape (D,), read-only.

    Raises:
        ValueError: Shapes differ, a bound is not finite, or a range is empty.
    """

    lower: NDArray[np.float32]
    upper: NDArray[np.float32]

    def __post_init__(self) -> None:
        for name in ("lower", "upper"):
            with np.errstate(over="ignore"):  # what is too large is infinite, and refused
                bound = np.array(getattr(self, name), dtype=np.float32)
            if bound.ndim != 1 or not np.isfinite(bound).all():
                raise ValueError(f"{name} must be a vector of finite numbers, not {bound}")
            bound.flags.writeable = False
            object.__setattr__(self, name, bound)
        if self.lower.shape != self.upper.shape or not (self.lower < self.upper).all():
            raise ValueError(f"lower {self.lower} must lie below upper {self.upper}")

    @classmethod
    def fit(cls, chunks: NDArray[np.float32], space: ActionSpace = RM75) -> ActionStatistics:
        """Measure the bounds of chunks, shape (N, H, D), as `Codec.encode` takes them.

        A dimension whose half range is below `HALF_RANGE_FLOOR` gets that one around its middle;
        the gripper's bounds are its own whatever the data.

        Raises:
            ValueError: A number is not finite, or the gripper's value is out of its bounds.
        """
        if not np.isfinite(chunks).all():
            raise ValueError("chunks hold NaN or infinity; remove such episodes from the dataset")
        steps = chunks.reshape(-1, chunks.shape[-1]).astype(np.float64)
        lowest, highest = steps.min(axis=0), steps.max(axis=0)
        half = np.maximum((highest - lowest) / 2, HALF_RANGE_FLOOR * space.radians)
        middle = (highest + lowest) / 2
        lower, upper = middle - half, middle + half
        index, gripper = space.gripper_index, space.gripper
        if gripper is not None:
            low, high = gripper.bounds
            slack = SLACK * (high - low)
            if lowest[index] < low - slack or highest[index] > high + slack:
                raise ValueError(
                    f"{gripper.name} spans {lowest[index]:.4f} to {highest[index]:.4f} "
                    f"{space.units[space.names.index(gripper.name)]}; it must lie within "
                    f"{low:g} and {high:g}, closed and open as the action space says"
                )
            lower[index], upper[index] = low, high
        return cls(lower, upper)

    def normalise(self, chunks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map the bounds to [-1, 1], shape (..., D); values beyond them map beyond, unclipped."""
        scaled = (chunks - self.lower) / (self.upper - self.lower)
        return np.asarray(2 * scaled - 1, dtype=np.float32)

    def denormalise(self, chunks: NDArray[np.float32]) -> NDArray[np.float32]:
        """Undo `normalise`, shape (..., D)."""
        scaled = (chunks + 1) / 2
        return np.asarray(self.lower + scaled * (self.upper - self.lower), dtype=np.float32)
