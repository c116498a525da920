"""The stages of a skill, and the path that the tool follows in one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.skills.joint_path import JointPath, joint_path
from kinevla_ros.skills.motion import PHASES, Motion
from kinevla_ros.skills.planar import nearest_grasp, tool_path

Array = NDArray[np.float64]

OFFSET = 0.01
"""A tool farther off its path goes back to where the path comes from above (m)."""

_SETTLED = 0.6
"""Share of the way that is left after which a path that was left is met again."""


_RISE_TIME, _RISE_STEPS = 1.0, 30


class Stage(Enum):
    """What a skill is at."""

    APPROACH = "approach"
    CLOSE = "close"
    CARRY = "carry"
    OPEN = "open"
    RETREAT = "retreat"
    DONE = "done"


@dataclass(frozen=True, eq=False)
class Leg:
    """The path of one stage.

    Attributes:
        stage: which it is.
        began: when its path begins, s.
        path: over time since then.
        first: phase of the motion that the path begins with, 0 to PHASES - 1.
        start: where the stage began, tool pose, shape (4,), m and rad.
        goal: where it ends, likewise.
        anchor: pose of its anchor (x, y, yaw) when it was planned; None of a stage without one.
    """

    stage: Stage
    began: float
    path: JointPath
    first: int = 0
    start: Array | None = None
    goal: Array | None = None
    anchor: Array | None = None

    def phase(self, now: float) -> int:
        """Of the motion, at a time; its last one after its end."""
        passed = int(np.searchsorted(self.path.times, now - self.began))
        return min(self.first + passed, PHASES - 1)

    def nearest_phase(self, joints: Array) -> int:
        """Of the motion, where its path comes nearest to an arm."""
        return self.first + int(np.abs(self.path.joints - joints).max(axis=1).argmin())

    @classmethod
    def still(cls, stage: Stage, now: float, joints: Array) -> Leg:
        """One that stays where the arm is."""
        return cls(stage, now, JointPath.resting(joints))

    def over(self, now: float, joints: Array, settle: float, near: float) -> bool:
        """Whether its time is over, and the arm is within `near` (rad) of its end."""
        arrived = bool(np.abs(joints - self.path.joints[-1]).max() < near)
        return arrived and now >= self.began + self.path.duration + settle

    def strayed(self, now: float, joints: Array, lag: float) -> float:
        """How far the arm is from where it was on the path within the last `lag` seconds, rad."""
        recent = self.path.at(np.linspace(now - lag, now, 11) - self.began)
        return float(np.abs(recent - joints).max(axis=1).min())


def plan(
    stage: Stage, motion: Motion, duration: float, joints: Array, goal: Array, now: float
) -> Leg:
    """The leg from where the arm is to a goal.

    Args:
        motion: of the demonstration.
        duration: of the demonstrated one, s.
        joints: where the arm is, shape (7,), rad.
        goal: tool pose, shape (4,); its yaw or that turned by half a turn, whichever is nearer.
        now: when it begins, s.

    Raises:
        UnreachableError: the path leads out of reach.
    """
    start = tool_path(joints[None])[0][0]
    goal = np.append(goal[:3], nearest_grasp(goal[3], start[3]))
    path = joint_path(motion.between(start, goal), joints, duration)
    return Leg(stage, now, path, 0, start, goal)


def replan(
    leg: Leg, motion: Motion, duration: float, joints: Array, goal: Array, now: float, begin: int
) -> Leg:
    """The rest of a leg from where the arm is, to a goal that may have moved.

    The shape of what is left is kept; the distance from it fades along the way.

    Args:
        joints: where the path shall begin, shape (7,), rad.
        begin: phase of the motion that the arm has come to.

    Raises:
        UnreachableError: the path leads out of reach.
    """
    assert leg.start is not None and leg.goal is not None
    goal = np.append(goal[:3], nearest_grasp(goal[3], leg.goal[3]))
    motion_path = motion.between(leg.start, goal)
    here = tool_path(joints[None])[0][0]
    if np.linalg.norm(here[:3] - motion_path[begin, :3]) > OFFSET:
        begin = min(begin, PHASES // 2)
    rest = motion_path[min(begin, PHASES - 2) :]
    offset = here - rest[0]
    offset[3] = np.remainder(offset[3] + np.pi, 2 * np.pi) - np.pi
    fading = np.clip(1.0 - np.linspace(0.0, 1.0, len(rest)) / _SETTLED, 0.0, 1.0) ** 2
    left = duration * (len(rest) - 1) / (PHASES - 1)
    path = joint_path(rest + fading[:, None] * offset, joints, left)
    return Leg(leg.stage, now, path, begin, leg.start, goal)


def rise(height: float, joints: Array, now: float) -> Leg:
    """Straight up by a height (m) from where the arm is.

    Raises:
        UnreachableError: that is out of reach.
    """
    here = tool_path(joints[None])[0][0]
    phase = np.linspace(0.0, 1.0, _RISE_STEPS)
    minimum_jerk = phase**3 * (10.0 - 15.0 * phase + 6.0 * phase**2)
    tool = here + np.outer(minimum_jerk, [0.0, 0.0, height, 0.0])
    return Leg(Stage.RETREAT, now, joint_path(tool, joints, _RISE_TIME))
