"""Motion of the emulated RM75 controller: what it accepts, what it refuses, where the joints go.

The refusal of jumps follows the vendor's words: at most 10 deg from point to point, no joint above
its speed, else the joint reports 0x4000 and does not respond. What the documents leave open is
decided here: how points are judged that come too early, when a stream ends, and that no motion is
accepted while an error is latched.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.robot.model import POSITION_LIMITS, VELOCITY_LIMITS
from kinevla_ros.sim.controller.paths import BrakedPath, PlannedMove, TimedPath
from kinevla_ros.sim.controller.plant import ArmPlant

Array = NDArray[np.float64]

POSITION_LIMIT = np.array(POSITION_LIMITS)
VELOCITY_LIMIT = np.array(VELOCITY_LIMITS)
ACCELERATION_LIMIT = np.full(7, math.radians(600))
LARGEST_STEP = math.radians(10)

STREAM_TIMEOUT = 0.1
"""Without a point for so long (s), pass-through is over and the next point is a first one."""

JITTER = 0.02
"""A point may come so much (s) too early before its speed counts as too high."""

LONGEST_QUEUE = 300

DRAGGED = "current_drag"
"""The controller's word for an arm whose joints give way to a hand."""

TARGET_OVER_LIMIT = 0x1002
JOINT_DISABLED = 0x1010
POSITION_STEP = 0x4000


class ControllerMotion:
    """State machine of the arm; times are those of one monotonic clock, s."""

    def __init__(self, plant: ArmPlant) -> None:
        self.status = "idle"
        self.joint_errors = [0] * 7
        self.errors: list[int] = []
        self.enabled = [True] * 7
        self._plant = plant
        self._setpoint = plant.joint_positions()
        self._path: TimedPath | None = None
        self._queue: deque[tuple[Array, float]] = deque()
        self._resumable: tuple[Array, float] | None = None
        self._point_at = -math.inf
        self._follower = self._setpoint

    def joint_positions(self) -> Array:
        """Measured joint positions, shape (7,), rad."""
        return self._plant.joint_positions()

    def raise_error(self, code: int) -> None:
        """Latch a controller error."""
        if code not in self.errors:
            self.errors.append(code)

    def stream(self, target: Array, now: float) -> bool:
        """Take one pass-through point; False if it is ignored.

        Args:
            target: joint positions, shape (7,), rad.
            now: arrival time, s.
        """
        if self._path is not None or self.status in ("pause", DRAGGED) or not self._admits(target):
            return False
        first = self.status != "move_through_joint" or now - self._point_at > STREAM_TIMEOUT
        previous = self.joint_positions() if first else self._setpoint
        follower = previous if first else self._follower
        elapsed = JITTER if first else now - self._point_at
        reach = VELOCITY_LIMIT * elapsed
        follower = follower + np.clip(target - follower, -reach, reach)
        jumped = np.abs(target - previous) > LARGEST_STEP
        # A point that comes early leaves the follower behind, one at the right pace never does.
        jumped |= np.abs(target - follower) > VELOCITY_LIMIT * JITTER
        if jumped.any():
            for joint in np.flatnonzero(jumped):
                self.joint_errors[joint] |= POSITION_STEP
            return False
        self._follower, self._point_at = follower, now
        self.status = "move_through_joint"
        self._drive(target)
        return True

    def plan(self, goal: Array, percent: float, now: float) -> bool:
        """Move to `goal` at `percent` of full speed, after moves under way; False if refused."""
        busy = self.status in ("move_through_joint", "pause", DRAGGED) or isinstance(
            self._path, BrakedPath
        )
        if busy or len(self._queue) >= LONGEST_QUEUE or not 1 <= percent <= 100:
            return False
        if not self._admits(goal):
            return False
        self._queue.append((goal, percent))
        if self._path is None:
            self._start_next(now)
        return True

    def halt(self, status: str, share: float, now: float) -> None:
        """Come to rest with `share` of the largest deceleration and report `status`.

        In pass-through there is no plan to slow down on: the joints hold the last point.
        """
        goal_left = self._queue[0] if isinstance(self._path, PlannedMove) else None
        self._resumable = goal_left if status == "pause" else None
        self._queue.clear()
        if self.status == DRAGGED:
            self._drive(self.joint_positions())
        if self._path is not None:
            velocity = (self._path.at(now) - self._path.at(now - 1e-3)) / 1e-3
            self._path = BrakedPath(self._setpoint, velocity, ACCELERATION_LIMIT * share, now)
        self.status = status

    def drag(self, on: bool) -> bool:
        """Let the joints give way to a hand, or hold them where they are; False if refused.

        In drag mode the plant is the hand's: nothing is sent to it, and no motion is accepted.
        """
        if on:
            usable = not (self.errors or any(self.joint_errors)) and all(self.enabled)
            if self._path is not None or self.status == "pause":
                return False
            self.status = DRAGGED if usable else self.status
            return usable
        if self.status == DRAGGED:
            self.status = "idle"
            self._drive(self.joint_positions())
        return True

    def resume(self, now: float) -> bool:
        """Go on with the planned move that was paused."""
        if self.status != "pause" or self._path is not None:
            return False
        self.status = "idle"
        if self._resumable is None:
            return True
        return self.plan(*self._resumable, now)

    def tick(self, now: float) -> bool:
        """Drive the plant along the path; True when a planned move has just arrived."""
        if self._path is None:
            if self.status == "move_through_joint" and now - self._point_at > STREAM_TIMEOUT:
                self.status = "idle"
            return False
        self._drive(np.clip(self._path.at(now), -POSITION_LIMIT, POSITION_LIMIT))
        if now < self._path.end:
            return False
        arrived = isinstance(self._path, PlannedMove)
        self._path = None
        if arrived:
            self._queue.popleft()
            self.status = "idle"
            if self._queue:
                self._start_next(now)
        return arrived

    def _admits(self, target: Array) -> bool:
        if self.errors or any(self.joint_errors):
            return False
        if not all(self.enabled):
            self.raise_error(JOINT_DISABLED)
            return False
        if not (np.abs(target) <= POSITION_LIMIT).all():
            self.raise_error(TARGET_OVER_LIMIT)
            return False
        return True

    def _start_next(self, now: float) -> None:
        goal, percent = self._queue[0]
        share = percent / 100
        self._path = PlannedMove(
            self._setpoint, goal, VELOCITY_LIMIT * share, ACCELERATION_LIMIT * share, now
        )
        self.status = "move_J"

    def _drive(self, setpoint: Array) -> None:
        self._setpoint = setpoint
        self._plant.set_joint_target(setpoint)
