"""Which of the vendor's ROS driver's joint states are measurements.

The driver publishes joint states from a timer with the time of the timer: when the arm's packets
stop it repeats the last one for ever, with fresh stamps, and before the first packet it publishes
zeros. A state that differs from the one before is new. One that does not is only believed if the
controller, asked over TCP, gives the same positions: an arm at rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.robot.model import VELOCITY_LIMITS
from kinevla_ros.robot.realman.sample import SampleFilter

Array = NDArray[np.float64]

DRIVER_RAD_PER_DEG = 0.01745
"""The driver's own value, in both directions of its state; 0.019 % short of the true one."""

ASK_AFTER = 0.04
"""The controller is asked when no joint has moved for so long, and then as often, s."""

AGREEMENT = 0.005
"""So near (rad) answer and joint state are one; sent and asked at different times."""


def true_angles(published: Sequence[float]) -> Array:
    """Return the driver's joint angles, (N,) rad, in true radians."""
    return np.array(published, dtype=float) * (math.radians(1) / DRIVER_RAD_PER_DEG)


class JointStateJudge:
    """Keeps the last measured joint positions and when they were; times are monotonic, s."""

    def __init__(self) -> None:
        self.stamp = -math.inf
        """When the arm was last known to be at `q`."""
        self.q: Array | None = None
        self.heard = -math.inf
        """When the controller last answered, whatever it said."""
        self._pushed: Array | None = None
        self._answered: Array | None = None
        self._sound: SampleFilter | None = None
        self._asked = -math.inf

    def on_joint_state(self, published: Sequence[float], now: float) -> None:
        """Take a joint state of the driver, 7 angles, rad."""
        if len(published) != 7:
            return
        q = true_angles(published)
        before, self._pushed = self._pushed, q
        moved = before is not None and not np.array_equal(before, q)
        if moved and self._sound is not None and self._sound.accepts(0, q.tolist(), now):
            self.q, self.stamp = q, now

    def must_ask(self, now: float) -> bool:
        """Tell whether the controller is to be asked now; asking is counted."""
        if now - max(self.stamp, self._asked) < ASK_AFTER:
            return False
        self._asked = now
        return True

    def on_answer(self, published: Sequence[float], now: float) -> None:
        """Take the controller's answer to the last question, 7 angles, rad."""
        if len(published) != 7:
            return
        answer = true_angles(published)
        self._answered, self.heard = answer, now
        if self._sound is None and np.isfinite(answer).all() and answer.any():
            self._sound = SampleFilter(VELOCITY_LIMITS, answer.tolist(), now)
        if self._pushed is None or self._sound is None:
            return
        if self.agrees and self._sound.accepts(0, answer.tolist(), now):
            self.q, self.stamp = self._pushed, max(self.stamp, min(self._asked, now))

    @property
    def agrees(self) -> bool:
        """Whether the last answer and the last joint state are the same."""
        if self._pushed is None or self._answered is None:
            return False
        return bool((np.abs(self._answered - self._pushed) <= AGREEMENT).all())
