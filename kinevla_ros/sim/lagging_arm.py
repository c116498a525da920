"""An arm that does what it is sent, a little later."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import STREAM_PERIOD
from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE, Workspace
from kinevla_ros.robot.limits import RM75_LIMITS, JointLimits
from kinevla_ros.robot.motion.stream import StreamSample
from kinevla_ros.robot.state import ArmState
from kinevla_ros.sim.controller.plant import READY_POSE
from kinevla_ros.sim.stepped_arm import SteppedArm

Array = NDArray[np.float64]
Watch = Callable[[Array, Array | None], object]

HOME = np.array(READY_POSE)
DELAY = 3
"""Ticks after which the arm is where it was sent."""


class LaggingArm(SteppedArm):
    """An arm that is where it was sent `DELAY` ticks before; it has no gripper.

    Args:
        dt: time from tick to tick, s.
        watch: sees at each tick where the arm was and what it was sent, None for nothing; both of
            shape (7,), rad.
        workspace: where links and gripper may be.
        limits: limits of the joints.

    Attributes:
        q: where the arm is, shape (7,), rad.
    """

    def __init__(
        self,
        dt: float = STREAM_PERIOD,
        watch: Watch = lambda *_: None,
        workspace: Workspace = DEFAULT_WORKSPACE,
        limits: JointLimits = RM75_LIMITS,
    ) -> None:
        super().__init__(workspace, dt, limits=limits)
        self._watch = watch
        self.place(HOME)

    def place(self, q: Array) -> None:
        """Carry the arm, which is not enabled, to `q`, shape (7,), rad."""
        self.q = q
        self._way = deque([q] * DELAY)

    def measured(self, now: float) -> ArmState | None:
        return ArmState(self.q, now)

    def obey(self, sample: StreamSample | None) -> None:
        self._watch(self.q, None if sample is None else sample.position)
        self._way.append(self._way[-1] if sample is None else sample.position)
        self.q = self._way.popleft()
