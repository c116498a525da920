"""An arm state machine with an arm that does what it is sent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.robot.gate.check_result import CheckResult, Fault
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE
from kinevla_ros.robot.joint_target import JointTarget
from kinevla_ros.robot.kinematics import top_down_ik
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.motion.stream import StreamSample
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.status import SafetyState
from kinevla_ros.sim.lagging_arm import HOME, LaggingArm

Array = NDArray[np.float64]

DT = 0.02
SPACE = CollisionModel(DEFAULT_WORKSPACE)


def over_the_table(height: float) -> Array:
    """Joints with the tool straight down and its point so high, m."""
    return top_down_ik(np.array([0.35, 0.0, height]), 0.0)


class ArmBench(LaggingArm):
    """The lagging arm with a clock of its own, and with what may go wrong.

    Attributes:
        blocked, silent: the arm does not move; the arm sends no states.
        controller_errors: what the arm's states report.
        sent, path: what was sent and where the arm was, by tick.
    """

    def __init__(self, q: Array = HOME) -> None:
        super().__init__(DT)
        self.place(q)
        self.now = 100.0
        self.blocked = self.silent = False
        self.controller_errors: tuple[int, ...] = ()
        self.sequence = 0
        self.sent: list[StreamSample | None] = []
        self.path: list[Array] = []
        self.run(0.2)

    def measured(self, now: float) -> ArmState | None:
        if self.silent:
            return None
        return ArmState(self.q, now, controller_errors=self.controller_errors)

    def obey(self, sample: StreamSample | None) -> None:
        self.sent.append(sample)
        self.path.append(self.q)
        held = self.q
        super().obey(sample)
        if self.blocked:
            self.q = held

    def run(self, seconds: float) -> list[StreamSample | None]:
        first = len(self.sent)
        for _ in range(round(seconds / DT)):
            self.now += DT
            self.tick(self.now)
        return self.sent[first:]

    def send(self, speed: float = 0.5, age: float = 0.08) -> CheckResult:
        """Send a chunk that goes on at this speed from where the arm is."""
        self.sequence += 1
        times = 0.1 * np.arange(1, 6) - age
        chunk = ActionChunk(
            self.now - age, self.sequence, self.q + speed * times[:, None], np.full(5, 0.02)
        )
        return self.core.follow(chunk, self.now)

    def move(self, seconds: float = 0.4, speed: float = 0.5) -> None:
        for _ in range(round(seconds / 0.2)):
            assert (result := self.send(speed)).ok, result.reason
            self.run(0.2)

    @property
    def state(self) -> SafetyState:
        return self.core.status(self.now).state

    @property
    def fault(self) -> Fault:
        return self.core.status(self.now).fault

    @property
    def reason(self) -> str:
        return self.core.status(self.now).reason

    def lead(self, q: Array, age: float = 0.02, gripper: float | None = None) -> CheckResult:
        """Send a teleoperation target."""
        return self.core.lead(JointTarget(self.now - age, q, gripper), self.now)


def positions(samples: list[StreamSample | None]) -> Array:
    return np.array([sample.position for sample in samples if sample is not None])


def assert_smooth(samples: list[StreamSample | None], start: Array = HOME) -> None:
    """Check speed, acceleration and jerk by differences of what was sent."""
    path = np.concatenate([[start] * 3, positions(samples)])
    for order, limit in enumerate(
        (RM75_LIMITS.velocity, RM75_LIMITS.acceleration, RM75_LIMITS.jerk), start=1
    ):
        assert (abs(np.diff(path, order, axis=0)) / DT**order <= limit * 1.001).all()
