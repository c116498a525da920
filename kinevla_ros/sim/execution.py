"""The arm's own execution path in simulated time: the real arm core drives the cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.codec.chunk import ActionChunk
from kinevla_ros.robot.arm import ArmCore
from kinevla_ros.robot.collision import CollisionModel
from kinevla_ros.robot.following import REST_TIME
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.workspace import CELL_WORKSPACE
from kinevla_ros.sim.cell import Cell

PERIOD = 0.02
LATENCY = 0.1
"""Usual time from an observation to its chunk at the arm (s)."""

Array = NDArray[np.float64]


class SimulatedArm:
    """Splice, limits and stream as on the robot, clocked by the simulation.

    Args:
        latency: simulated time from an observation to its chunk at the arm (s).

    Attributes:
        now: simulated time (s).
    """

    def __init__(self, cell: Cell, latency: float = LATENCY) -> None:
        self._cell, self._latency, self._sequence = cell, latency, 0
        self._waiting: list[tuple[float, ActionChunk]] = []
        self.now = 0.0
        self.core = ArmCore(RM75_LIMITS, CollisionModel(CELL_WORKSPACE), dt=PERIOD)
        # The core enables an arm only once it has seen it rest.
        for age in np.arange(REST_TIME + PERIOD, 0.0, -PERIOD):
            self.core.on_state(self._measured(-age))
        enabled = self.core.enable(self.now)
        if not enabled.ok:
            raise RuntimeError(f"the simulated arm cannot start: {enabled.reason}")

    def chunk(self, positions: Array, gripper: Array) -> ActionChunk:
        """A chunk of the present observation: positions [5, 7] rad, gripper [5] m."""
        self._sequence += 1
        return ActionChunk(self.now, self._sequence, positions, gripper)

    def submit(self, chunk: ActionChunk) -> None:
        """Hand over a chunk; it reaches the arm after the latency."""
        self._waiting.append((chunk.stamp + self._latency, chunk))

    def run(self, seconds: float) -> None:
        """Stream to the cell for a while."""
        for _ in range(round(seconds / PERIOD)):
            while self._waiting and self._waiting[0][0] <= self.now + 1e-9:
                self.core.on_chunk(self._waiting.pop(0)[1], self.now)
            self.core.on_state(self._measured(self.now))
            sample = self.core.tick(self.now)
            if sample is not None:
                self._cell.set_joint_target(sample.position)
                if sample.gripper is not None:
                    self._cell.set_gripper(sample.gripper)
            self._cell.step(PERIOD)
            self.now += PERIOD

    def _measured(self, stamp: float) -> ArmState:
        return ArmState(self._cell.joint_positions(), stamp, self._cell.gripper(), (), ())
