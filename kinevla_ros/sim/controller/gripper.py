"""The EG2-4C2 gripper behind the emulated controller: positions at a finite speed."""

from __future__ import annotations

from typing import Any

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.robot.realman.gripper import FULL_POSITION, SUPPLY_24V, opening_of, position_of
from kinevla_ros.sim.controller.plant import ArmPlant
from kinevla_ros.sim.gripper import SPEED, start_of_travel

STALLED = 0.003
"""The pads hold something when they stay this much (m) wider than commanded."""


class Gripper:
    """Moves the plant's gripper to positions 1 (closed) .. 1000 (open)."""

    def __init__(self, plant: ArmPlant) -> None:
        self.voltage = 0
        self._plant = plant
        self._setpoint = plant.gripper()
        self._goal: float | None = None
        self._ticked_at = 0.0

    def move(self, position: object) -> bool:
        """Start towards `position`; False without supply or for anything but 1..1000."""
        if self.voltage != SUPPLY_24V or not isinstance(position, int):
            return False
        if not 1 <= position <= FULL_POSITION:
            return False
        self._goal = opening_of(position)
        self._setpoint = start_of_travel(self._setpoint, self._plant.gripper(), self._goal)
        return True

    def tick(self, now: float) -> bool:
        """Move on; True when the pads' target has just reached the goal."""
        elapsed, self._ticked_at = now - self._ticked_at, now
        if self._goal is None:
            return False
        reach = SPEED * min(elapsed, 0.1)
        self._setpoint += min(max(self._goal - self._setpoint, -reach), reach)
        self._plant.set_gripper(self._setpoint)
        if self._setpoint != self._goal:
            return False
        self._goal = None
        return True

    def state(self) -> dict[str, Any]:
        """Reply to get_gripper_state."""
        opening = self._plant.gripper()
        return {
            "command": "get_gripper_state",
            "enable": int(self.voltage == SUPPLY_24V),
            "status": int(self.voltage == SUPPLY_24V),
            "error": 0,
            "mode": self._mode(opening),
            "current_force": 0,
            "temperature": 30,
            "actpos": position_of(opening),
        }

    def _mode(self, opening: float) -> int:
        if self._goal is not None:
            return 4 if self._goal < self._setpoint else 5
        if opening > self._setpoint + STALLED:
            return 6
        if self._setpoint <= 0:
            return 2
        return 1 if self._setpoint >= GRIPPER_STROKE else 3
