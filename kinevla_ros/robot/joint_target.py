"""Where a person wants the arm, as teleoperation sends it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.chunk import JOINT_NAMES

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class JointTarget:
    """Where a person wants the arm.

    Attributes:
        stamp: when the person wanted it, s.
        positions: shape (7,), rad, read-only.
        gripper: opening, m; None to leave the gripper as it is.

    Raises:
        ValueError: There are not seven positions.
    """

    stamp: float
    positions: Array
    gripper: float | None = None

    def __post_init__(self) -> None:
        positions = np.array(self.positions, dtype=np.float64)
        if positions.shape != (len(JOINT_NAMES),):
            raise ValueError(
                f"a target has positions of shape {positions.shape}; the arm has seven joints"
            )
        positions.flags.writeable = False
        object.__setattr__(self, "positions", positions)
