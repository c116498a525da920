"""The demonstrator in a person's place: it leads the arm of the cell through a task."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from kinevla_ros.base import topics
from kinevla_ros.base.chunk import CHUNK_DT
from kinevla_ros.base.interpolation import at_times
from kinevla_ros.language.command import Command
from kinevla_ros.sim.cell.cell import CellState
from kinevla_ros.sim.demonstrations.demonstrator import Plan, done, plan
from kinevla_ros.stack.teleop.person import DeviceLost, PersonDone, Wish

Array = NDArray[np.float64]

SILENT = 5.0
"""A cell that has not answered for so long does not run (s)."""

AHEAD = 0.1
"""So far ahead on its plan the demonstrator holds the leader (s): the arm trails it."""

LEAD = 0.25
"""So near the leader stays to where the arm was when it was planned (rad): further off it would be
let go, and a busy cell answers late."""

TAKES_HOLD = 0.3
"""So long it holds the leader where the arm is before it moves it (s)."""


class Player:
    """See `Person`; asks the cell node where everything is, ten times a second.

    Args:
        node: that asks.
        command: what it is to do.
    """

    usage = "the demonstrator leads the arm. Ctrl-C ends it."

    def __init__(self, node: Node, command: Command) -> None:
        self._client = node.create_client(Trigger, topics.CELL_STATE)
        self._node, self._command = node, command
        self._asked: Future | None = None
        self._asked_at = self._planned_at = self._heard_at = -np.inf
        self._held_since = -np.inf
        self._plan: Plan | None = None
        self._begin: Array | None = None

    def read(self, now: float) -> Wish:
        """See `Person`."""
        self._heard_at = now if self._heard_at == -np.inf else self._heard_at
        if self._asked is not None and self._asked.done():
            self._take(self._asked.result(), now)
        if now - self._asked_at >= CHUNK_DT and self._client.service_is_ready():
            self._asked, self._asked_at = self._client.call_async(Trigger.Request()), now
        if now - self._heard_at > SILENT:
            raise DeviceLost(f"{self._client.service_name} does not answer: only the cell has it")
        if self._plan is None or self._begin is None:
            return Wish(False)
        if now - self._held_since < TAKES_HOLD:
            return Wish(True, joints=self._begin)
        due = CHUNK_DT * np.arange(len(self._plan.positions) + 1)
        path = np.vstack([self._begin, self._plan.positions])
        at = now - self._planned_at + AHEAD
        way = at_times(at, due, path) - self._begin
        joints = self._begin + way * min(1.0, LEAD / max(float(abs(way).max()), LEAD))
        step = min(int(at / CHUNK_DT), len(self._plan.gripper) - 1)
        return Wish(True, joints=joints, gripper=float(self._plan.gripper[step]))

    def let_go(self) -> None:
        """See `Person`."""
        self._plan = None

    def close(self) -> None:
        """See `Person`."""
        self._node.destroy_client(self._client)

    def _take(self, answer: Any, now: float) -> None:
        asked_at, self._asked = self._asked_at, None
        if answer is None or not answer.success:
            return
        state = cell_state(answer.message)
        self._heard_at = now
        if done(state, self._command):
            raise PersonDone
        if self._plan is None:
            self._held_since = now
        self._plan, self._begin, self._planned_at = plan(state, self._command), state.q, asked_at


def cell_state(text: str) -> CellState:
    """What the cell node's service `state` says."""
    fields = json.loads(text)
    arrays: dict[str, Any] = {name: np.array(fields[name]) for name in ("q", "tool")}
    arrays["poses"] = {name: np.array(pose) for name, pose in fields["poses"].items()}
    return CellState(**{**fields, **arrays})
