"""The arm state machine with an arm that does what it is sent, in whatever time it is given."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import STREAM_PERIOD
from kinevla_ros.robot.gate.check_result import CheckResult
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.motion.state_machine import ArmStateMachine
from kinevla_ros.robot.motion.stream import StreamSample
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.status import SafetyState
from kinevla_ros.sim.controller.plant import READY_POSE

Array = NDArray[np.float64]
Watch = Callable[[Array, Array | None], object]

HOME = np.array(READY_POSE)
DELAY = 3
"""Ticks after which the arm is where it was sent."""

SETTLING = 0.3
"""From the last target until the arm has been seen at rest (s)."""


class LaggingArm:
    """The real arm state machine, and an arm that is where it was sent `DELAY` ticks before.

    Args:
        dt: time from tick to tick, s.
        watch: sees at each tick where the arm was and what it was sent, None for nothing; both of
            shape (7,), rad.

    Attributes:
        core: what decides.
        space: clearances as the core measures them.
        q: where the arm is, shape (7,), rad.
    """

    def __init__(self, dt: float = STREAM_PERIOD, watch: Watch = lambda *_: None) -> None:
        self.space = CollisionModel(DEFAULT_WORKSPACE)
        self.core, self.dt, self._watch = ArmStateMachine(RM75_LIMITS, self.space, dt), dt, watch
        self.place(HOME)

    def place(self, q: Array) -> None:
        """Carry the arm, which is not enabled, to `q`, shape (7,), rad."""
        self.q = q
        self._way = deque([q] * DELAY)

    def tick(self, now: float) -> StreamSample | None:
        """One tick of the core at the time `now`, s, and of the arm."""
        self.core.on_state(ArmState(self.q, now))
        sample = self.core.tick(now)
        self._watch(self.q, None if sample is None else sample.position)
        self._way.append(self._way[-1] if sample is None else sample.position)
        self.q = self._way.popleft()
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
