"""How far a task is, by its chunks: grasped, released, at rest."""

from __future__ import annotations

import numpy as np

from kinevla_ros.action import Execute
from kinevla_ros.base.chunk import ActionChunk

Stage = Execute.Feedback

REST_WAY = 0.03
"""A chunk in which no joint goes further is one of rest, rad; motion goes ten times as far."""

REST_TIME = 1.0
"""The task is over when the chunks have rested for so long after a release, s."""

IDLE_TIME = 4.0
"""Without a release it has come to nothing after so long, s."""

CLOSED, OPEN = 0.35, 0.65
"""Shares of the widest opening so far below and above which the gripper is one or the other."""


class TaskProgress:
    """Follows the chunks of one task; times are those of the chunks, s."""

    def __init__(self) -> None:
        self.stage: int = Stage.WAITING
        self._widest = 0.0
        self._moved = False
        self._resting_since: float | None = None
        self._released = False

    def follow(self, chunk: ActionChunk) -> None:
        """Take the next chunk."""
        rests = float(np.ptp(chunk.positions, axis=0).max()) < REST_WAY
        self._moved |= not rests
        self._widest = max(self._widest, float(chunk.gripper.max()))
        last = float(chunk.gripper[-1])
        if self.stage == Stage.WAITING:
            self.stage = Stage.REACHING
        if self.stage == Stage.REACHING and last < CLOSED * self._widest:
            self.stage = Stage.HOLDING
        elif self.stage == Stage.HOLDING and last > OPEN * self._widest:
            self.stage, self._released = Stage.RELEASED, True
        if not rests or not self._moved:
            self._resting_since = None
        elif self._resting_since is None:
            self._resting_since = chunk.stamp
        if self.rested(chunk.stamp) >= REST_TIME and self._released:
            self.stage = Stage.RESTING

    def rested(self, now: float) -> float:
        """How long the chunks have rested since they last moved, s."""
        return 0.0 if self._resting_since is None else now - self._resting_since

    @property
    def done(self) -> bool:
        """Whether something was grasped, released, and the arm left in peace."""
        return self.stage == Stage.RESTING

    def idle(self, now: float) -> bool:
        """Whether nothing has been released and nothing moves any more."""
        return not self._released and self.rested(now) >= IDLE_TIME

    @property
    def share(self) -> float:
        """0 to 1: stages that are over."""
        return self.stage / Stage.RESTING
