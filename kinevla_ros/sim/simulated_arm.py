"""The arm's own execution path in simulated time: the real arm state machine drives the cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import STREAM_PERIOD
from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.base.observation import Observation
from kinevla_ros.robot.gate.tracking import REST_TIME
from kinevla_ros.robot.gate.workspace import CELL_WORKSPACE
from kinevla_ros.robot.motion.stream import StreamSample
from kinevla_ros.robot.realman.gripper import (
    DELAY,
    LINE_PERIOD,
    GripperLine,
    is_new,
    opening_of,
)
from kinevla_ros.robot.state import ArmState
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.stepped_arm import SteppedArm

LATENCY = 0.1
"""Usual time from an observation to its chunk at the arm (s)."""

Array = NDArray[np.float64]


class SimulatedArm(SteppedArm):
    """Splice, limits, stream and the gripper's slow line as on the robot, in simulated time.

    Args:
        latency: simulated time from an observation to its chunk at the arm (s).

    Attributes:
        now: simulated time (s).
        opening: of the gripper, as last read (m).
    """

    def __init__(self, cell: Cell, latency: float = LATENCY) -> None:
        super().__init__(CELL_WORKSPACE, gripper_lead=DELAY)
        self._cell, self._latency, self._sequence = cell, latency, 0
        self._waiting: list[tuple[float, ActionChunk]] = []
        self.now = 0.0
        self.opening = cell.gripper()
        self._commanded: float | None = None  # the newest target of the gripper
        self._line, self._next_turn = GripperLine(), 0.0
        # The core enables an arm only once it has seen it rest.
        for age in np.arange(REST_TIME + STREAM_PERIOD, 0.0, -STREAM_PERIOD):
            self.core.on_state(self.measured(-age))
        enabled = self.core.enable(self.now)
        if not enabled.ok:
            raise RuntimeError(f"the simulated arm cannot start: {enabled.reason}")

    def observe(self) -> Observation:
        """What a policy sees now, with the gripper's opening as last read."""
        return replace(self._cell.observe(), gripper=self.opening, stamp=self.now)

    def chunk(self, positions: Array, gripper: Array) -> ActionChunk:
        """A chunk of the present observation: positions (5, 7) rad, gripper (5,) m."""
        self._sequence += 1
        return ActionChunk(self.now, self._sequence, positions, gripper)

    def follow(self, chunk: ActionChunk) -> None:
        """Hand over a chunk; it reaches the arm after the latency."""
        self._waiting.append((chunk.stamp + self._latency, chunk))

    def run(self, seconds: float) -> None:
        """Stream to the cell for a while."""
        for _ in range(round(seconds / STREAM_PERIOD)):
            while self._waiting and self._waiting[0][0] <= self.now + 1e-9:
                self.core.follow(self._waiting.pop(0)[1], self.now)
            self.tick(self.now)
            self.now += STREAM_PERIOD

    def measured(self, now: float) -> ArmState:
        return ArmState(self._cell.joint_positions(), now, self.opening)

    def obey(self, sample: StreamSample | None) -> None:
        if sample is not None:
            self._cell.set_joint_target(sample.position)
            if sample.gripper is not None and is_new(sample.gripper, self._commanded):
                self._commanded = sample.gripper
                self._line.move(sample.gripper)
        if self.now >= self._next_turn - 1e-9:
            self._use_line()
        self._cell.step(STREAM_PERIOD)

    def _use_line(self) -> None:
        """Send the gripper its target, or read it."""
        self._next_turn += LINE_PERIOD
        position = self._line.next()
        if position is None:
            self.opening = self._cell.gripper()
        else:
            self._cell.set_gripper(opening_of(position))
            self._line.sent(position)
