"""What an emulated controller moves: the arm's measured side, and a joint model without physics."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.robot.model import VELOCITY_LIMITS

Array = NDArray[np.float64]

READY_POSE = (0.0, 0.3, 0.0, 1.5, 0.0, 1.3, 0.0)


class ArmPlant(Protocol):
    """An arm with a gripper that follows position targets.

    The methods are called from the controller's thread and must not block.
    """

    def joint_positions(self) -> Array:
        """Return the measured joint positions, shape (7,), rad."""
        ...

    def set_joint_target(self, q: Array) -> None:
        """Let the joints follow `q`, shape (7,), rad, from now on."""
        ...

    def gripper(self) -> float:
        """Return the measured opening, m."""
        ...

    def set_gripper(self, opening: float) -> None:
        """Let the gripper follow `opening`, m, from now on."""
        ...


class JointPlant:
    """Joints that run to their targets at full speed and stop there; the gripper follows at once.

    Args:
        q: joint positions at the start, shape (7,), rad. The vendor's client takes a state of
            seven zeros for a broken packet, hence the default.
        clock: time in s; the joints move on whenever somebody looks.
    """

    def __init__(
        self,
        q: Array | tuple[float, ...] = READY_POSE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._q: Array = np.array(q, dtype=float)
        self._target = self._q.copy()
        self._opening = GRIPPER_STROKE
        self._clock = clock
        self._moved_at = clock()
        self._lock = threading.Lock()

    def joint_positions(self) -> Array:
        with self._lock:
            self._move()
            return self._q.copy()

    def set_joint_target(self, q: Array) -> None:
        with self._lock:
            self._move()
            self._target = np.array(q, dtype=float)

    def gripper(self) -> float:
        return self._opening

    def set_gripper(self, opening: float) -> None:
        self._opening = opening

    def _move(self) -> None:
        now = self._clock()
        reach = np.asarray(VELOCITY_LIMITS) * (now - self._moved_at)
        self._q += np.clip(self._target - self._q, -reach, reach)
        self._moved_at = now
