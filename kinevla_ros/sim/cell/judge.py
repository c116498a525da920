"""Success as the paper means it: the goal, and every kinematic constraint of the instruction.

A `Judge` watches an episode from the simulator's state and gives a judgement at its end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.language.command import Command
from kinevla_ros.sim.cell.cell import Cell, CellState
from kinevla_ros.sim.cell.scene import PLATE_RADIUS

DIRECTIONS = {
    "front": (1.0, 0.0),
    "left_front": (math.sqrt(0.5), -math.sqrt(0.5)),
    "right_front": (math.sqrt(0.5), math.sqrt(0.5)),
}
"""Unit vectors in the table plane; left is the front camera's left (-y)."""

CONE = math.radians(22.5)
LIFT = 0.03
MOVED = 0.05
PART_MARGIN = 0.008
SIDE_MARGIN = 0.02
LAY_AXIS = {"along": 0.0, "across": math.pi / 2}
"""Yaw of the carrot, either way round (rad); towards the camera it is along."""
LAY_CONE = math.radians(30)
STILL = 0.02


@dataclass(frozen=True)
class Judgement:
    """Result of an episode.

    Attributes:
        goal: whether the coarse goal was reached.
        constraints: kinematic constraint to whether it was kept.
        measures: the figures behind them (m, rad).
    """

    goal: bool
    constraints: dict[str, bool]
    measures: dict[str, float] = field(default_factory=dict)

    @property
    def kinematic(self) -> bool:
        """Goal and every kinematic constraint."""
        return self.goal and all(self.constraints.values())


class Judge:
    """Watches one episode: call `watch` at each control step, then `judgement`."""

    def __init__(self, cell: Cell, command: Command) -> None:
        self._cell, self._command = cell, command
        self._start = cell.state().poses[command.object]
        self._lifted = False
        self._dragged = 0.0
        self._part: float | None = None
        self._carried: list[NDArray[np.float64]] = []

    def watch(self, state: CellState) -> None:
        """Take note of the lift, the grasped part and the way the object is carried."""
        item = state.poses[self._command.object]
        if item[2] - self._start[2] > LIFT:
            if not self._lifted:
                self._part = self._grasped_part()
            self._lifted = True
            self._carried.append(item[:2].copy())
        elif not self._lifted:
            self._dragged = max(self._dragged, math.dist(item[:2], self._start[:2]))

    def _grasped_part(self) -> float | None:
        """Where the pads touch the object along its x axis (m), or None without a grasp."""
        name = self._command.object
        points = self._cell.contacts("pad_", name)
        if not points:
            return None
        body = self._cell.data.body(name)
        axis = body.xmat.reshape(3, 3)[:, 0]
        return float(np.mean([(p - body.xpos) @ axis for p in points]))

    def judgement(self) -> Judgement:
        """Judge the state as it is now."""
        state, name = self._cell.state(), self._command.object
        item = state.poses[name]
        released = not self._cell.contacts("pad_", name)
        at_rest = released and self._cell.speed(name) < STILL
        # "Grasp first, then move": pushing the object along the table is another motion.
        order = self._lifted and self._dragged < LIFT
        if name == "bread":
            return self._bread(item, at_rest, order)
        return self._carrot(item, state.poses["plate"], at_rest, order)

    def _bread(self, item: NDArray[np.float64], at_rest: bool, order: bool) -> Judgement:
        way = item[:2] - self._start[:2]
        length = float(np.linalg.norm(way))
        wanted = np.array(DIRECTIONS[str(self._command.slot("direction"))])
        angle = math.acos(np.clip(way @ wanted / max(length, 1e-9), -1, 1))
        path = np.array(self._carried).reshape(-1, 2) - self._start[:2]
        along = np.outer(path @ wanted, wanted)
        bend = float(np.linalg.norm(path - along, axis=1).max()) if len(path) else math.inf
        goal = length > MOVED and self._lifted and at_rest and item[2] < self._start[2] + 0.01
        return Judgement(
            bool(goal),
            {"direction": angle < CONE and bend < 0.06, "order": bool(order)},
            {"distance": length, "angle": angle, "bend": bend},
        )

    def _carrot(
        self, item: NDArray[np.float64], plate: NDArray[np.float64], at_rest: bool, order: bool
    ) -> Judgement:
        offset = item[:2] - plate[:2]
        on_plate = bool(self._cell.contacts("carrot", "plate")) and (
            float(np.linalg.norm(offset)) < PLATE_RADIUS
        )
        goal = bool(on_plate and at_rest and self._lifted)
        if lay := self._command.slot("lay"):
            turn = abs(math.remainder(float(item[3]) - LAY_AXIS[lay], math.pi))
            kept = {"lay": turn < LAY_CONE, "order": bool(order)}
            return Judgement(goal, kept, {"turn": turn})
        part = self._part if self._part is not None else math.nan
        towards_upper = part if self._command.slot("part") == "upper" else -part
        towards_side = offset[1] if self._command.slot("side") == "right" else -offset[1]
        return Judgement(
            goal,
            {
                "part": towards_upper > PART_MARGIN,
                "side": bool(towards_side > SIDE_MARGIN),
                "order": bool(order),
            },
            {"part": part, "side": float(offset[1])},
        )
