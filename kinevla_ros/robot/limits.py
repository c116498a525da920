"""Joint limits: what the arm can do, and the smaller part of it that policy motion may use."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.robot.model import POSITION_LIMITS

Array = NDArray[np.float64]

POSITION_MARGIN = 0.03
"""Targets keep this far from the position limits (rad), so that braking ends inside them."""


@dataclass(frozen=True, eq=False)
class JointLimits:
    """Limits of the seven joints, each of shape (7,), read-only.

    Attributes:
        lower: smallest position, rad.
        upper: largest position, rad.
        velocity: largest speed, rad/s.
        acceleration: largest acceleration, rad/s^2.
        jerk: largest jerk, rad/s^3.

    Raises:
        ValueError: A limit is missing, not finite or not positive, or no range is left.
    """

    lower: Array
    upper: Array
    velocity: Array
    acceleration: Array
    jerk: Array

    def __post_init__(self) -> None:
        for field in fields(self):
            values = np.array(getattr(self, field.name), dtype=np.float64)
            if values.shape != (len(JOINT_NAMES),):
                raise ValueError(
                    f"{field.name} has shape {values.shape}; a limit is needed for each of "
                    f"{', '.join(JOINT_NAMES)}"
                )
            if not np.isfinite(values).all():
                raise ValueError(f"{field.name} limit of {_where(~np.isfinite(values))} is missing")
            values.flags.writeable = False
            object.__setattr__(self, field.name, values)
        for name in ("velocity", "acceleration", "jerk"):
            if (bad := getattr(self, name) <= 0).any():
                raise ValueError(f"{name} limit of {_where(bad)} is not positive")
        if (bad := self.upper - self.lower <= 2 * POSITION_MARGIN).any():
            raise ValueError(f"position limits of {_where(bad)} leave no room inside the margin")

    def stricter(self, other: JointLimits) -> JointLimits:
        """Return the limits that satisfy both.

        Raises:
            ValueError: The two position ranges have nothing in common.
        """
        return JointLimits(
            lower=np.maximum(self.lower, other.lower),
            upper=np.minimum(self.upper, other.upper),
            velocity=np.minimum(self.velocity, other.velocity),
            acceleration=np.minimum(self.acceleration, other.acceleration),
            jerk=np.minimum(self.jerk, other.jerk),
        )

    def equal(self, other: JointLimits) -> bool:
        """Tell whether all limits are the same."""
        return all(
            np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)
        )

    @property
    def target_lower(self) -> Array:
        """Smallest position a target may have, shape (7,), rad."""
        return self.lower + POSITION_MARGIN

    @property
    def target_upper(self) -> Array:
        """Largest position a target may have, shape (7,), rad."""
        return self.upper - POSITION_MARGIN


def _where(bad: NDArray[np.bool_]) -> str:
    return ", ".join(compress(JOINT_NAMES, bad))


RM75_LIMITS = JointLimits(
    lower=-np.array(POSITION_LIMITS),
    upper=np.array(POSITION_LIMITS),
    velocity=np.array([2.0, 2.0, 2.5, 2.5, 2.5, 2.5, 3.0]),
    acceleration=np.full(7, 10.0),
    jerk=np.full(7, 400.0),
)
"""Positions from the vendor's manual; the rest is ours: about two thirds of the arm's speed (3.14
and 3.92 rad/s), its default acceleration (10.5 rad/s^2) rounded down, and a jerk, of which the
vendor names no limit, that reaches full acceleration in 25 ms."""
