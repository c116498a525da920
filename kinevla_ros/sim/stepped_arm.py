"""The arm as a policy meets it, in whatever time it is given: the real arm state machine in front
of an arm that is not real.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from kinevla_ros.base.arm import STREAM_PERIOD
from kinevla_ros.robot.gate.check_result import CheckResult
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.workspace import Workspace
from kinevla_ros.robot.limits import RM75_LIMITS, JointLimits
from kinevla_ros.robot.motion.state_machine import ArmStateMachine
from kinevla_ros.robot.motion.stream import StreamSample
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.status import SafetyState

SETTLING = 0.3
"""From the last target until the arm has been seen at rest (s)."""


class SteppedArm(ABC):
    """At each tick the state machine sees the arm, and the arm does what it is sent.

    Args:
        workspace: where the arm may be.
        dt: time from tick to tick, s.
        gripper_lead: so much earlier the gripper's targets are sent, s.
        limits: limits of the joints.

    Attributes:
        core: what decides.
        space: clearances as the core measures them.
    """

    def __init__(
        self,
        workspace: Workspace,
        dt: float = STREAM_PERIOD,
        gripper_lead: float = 0.0,
        limits: JointLimits = RM75_LIMITS,
    ) -> None:
        self.space, self.dt = CollisionModel(workspace), dt
        self.core = ArmStateMachine(limits, self.space, dt, gripper_lead)

    @abstractmethod
    def measured(self, now: float) -> ArmState | None:
        """The arm's state at the time `now`, s; None if it sends none."""

    @abstractmethod
    def obey(self, sample: StreamSample | None) -> None:
        """Move for one period as was sent; None is nothing new."""

    def tick(self, now: float) -> StreamSample | None:
        """One tick of the core at the time `now`, s, and of the arm; what was sent."""
        if (state := self.measured(now)) is not None:
            self.core.on_state(state)
        sample = self.core.tick(now)
        self.obey(sample)
        return sample

    def rest(self, now: float) -> float:
        """Disable, and wait until the arm has been at rest; returns the time it is then, s."""
        self.core.disable()
        since = now
        while now - since < SETTLING:
            now += self.dt
            if self.tick(now) is not None:
                since = now
        return now

    def enable(self, now: float) -> CheckResult:
        """Clear a fault of the resting arm and enable it, or say why that is not possible."""
        result = self.core.reset(now)
        return self.core.enable(now) if result.ok else result

    @property
    def enabled(self) -> bool:
        """Whether chunks are accepted."""
        state = self.core.status(0.0).state
        return state not in (SafetyState.DISABLED, SafetyState.FAULTED)
