"""The arm as its states show it: how old they are, whether it follows, whether it rests."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.robot.gate.arm_checks import ArmCase
from kinevla_ros.robot.gate.check_result import PASSED, CheckResult, Fault, refused
from kinevla_ros.robot.gate.gate import ARM_CHECKS, run_checks
from kinevla_ros.robot.gate.tracking import REST_TIME, TrackingMonitor
from kinevla_ros.robot.motion.stream import StreamSample
from kinevla_ros.robot.state import ArmState


class MeasuredArm:
    """Takes what was measured and what was sent, and judges it.

    Args:
        max_state_age: oldest state, s.

    Attributes:
        state: the newest, None before the first.
    """

    def __init__(self, max_state_age: float) -> None:
        self.state: ArmState | None = None
        self._max_state_age = max_state_age
        self._tracking = TrackingMonitor()
        self._moved_at = math.inf  # when the last target in motion was sent; infinite at rest

    def measured(self, state: ArmState) -> None:
        """Take a state; one that is not newer than the last is ignored."""
        if self.state is None or state.stamp > self.state.stamp:
            self.state = state
            self._tracking.measured(state)

    def sent(self, sample: StreamSample, now: float) -> None:
        """Take what the stream has sent."""
        self._tracking.sent(sample.position, sample.goal, now)
        self._moved_at = now if sample.velocity.any() else math.inf

    def brought_to(self, position: NDArray[np.float64], now: float) -> None:
        """Take where somebody else has sent it, shape (7,), rad."""
        self._tracking.sent(position, position, now)

    def let_go(self) -> None:
        """Nothing is sent any more."""
        self._tracking.restart()
        self._moved_at = math.inf

    def check(self, now: float) -> CheckResult:
        """Whether it is well while targets are sent."""
        return run_checks(ARM_CHECKS, self._case(now, self._moved_at))

    def rests(self) -> CheckResult:
        """Whether it is at rest."""
        if self.state is None or not self._tracking.at_rest(self.state):
            return refused(Fault.NONE, f"the arm has not been at rest for {REST_TIME} s")
        return PASSED

    def fit(self, now: float, since: float) -> CheckResult:
        """Whether it is well and at rest, by a state that is newer than `since`, s."""
        if not (result := run_checks(ARM_CHECKS, self._case(now))).ok:
            return result
        assert self.state is not None
        if self.state.stamp <= since:
            return refused(Fault.STALE_STATE, "the arm has sent no state since the fault")
        return self.rests()

    def _case(self, now: float, moved_at: float = math.inf) -> ArmCase:
        return ArmCase(self.state, self._tracking, now, moved_at, self._max_state_age)
