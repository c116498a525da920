"""What the arm says about itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ArmState:
    """One measured state.

    Attributes:
        q: joint positions, shape (7,), rad.
        stamp: arrival time on this machine's monotonic clock, s; the controller sends none.
        gripper: opening, m; None if the gripper does not answer.
        controller_errors: the controller's error codes; empty when all is well.
        joint_errors: error bits of each of the seven joints; empty when all is well.
        dragged: whether the joints give way to a hand.
    """

    q: NDArray[np.float64]
    stamp: float
    gripper: float | None = None
    controller_errors: tuple[int, ...] = ()
    joint_errors: tuple[int, ...] = ()
    dragged: bool = False
