"""What an episode's joints and gripper say: where something was grasped and where it was let go."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.robot.kinematics import tool_poses

CLOSED = 0.9
"""An opening below this share of the widest one of the episode has something in it, or nothing."""

STEADY = 0.002
"""The gripper has closed when its opening is so near to what it is while it holds, m."""

LEAST_LIFT = 0.02
"""What is carried is lifted by as much, m; what is pushed is not."""


@dataclass(frozen=True, eq=False)
class Carry:
    """From a grasp to the release.

    Attributes:
        grasp, release: frames at which the gripper had closed and began to open.
        start, end: tool then, shape (3,), m.
        turn: by which the tool turned about the vertical in between, rad.
        width: opening while held, m.
        lift: greatest height above the grasp, m.
    """

    grasp: int
    release: int
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    turn: float
    width: float
    lift: float

    def moved(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where a point of what was held, shape (2,), m, lay after the release."""
        cosine, sine = math.cos(self.turn), math.sin(self.turn)
        x, y = point - self.start[:2]
        return self.end[:2] + np.array([cosine * x - sine * y, sine * x + cosine * y])


def find_carry(states: NDArray[np.float64]) -> Carry | None:
    """The longest way on which something was held; None where nothing was lifted.

    A grasp that failed, and was tried again, is a short one.

    Args:
        states: joint positions (rad) and opening (m), shape (n, 8).
    """
    tools, rotations = tool_poses(states[:, :7])
    yaws = np.unwrap(np.arctan2(rotations[:, 1, 0], rotations[:, 0, 0]))
    opening = states[:, 7]
    closed = np.concatenate([[False], opening < CLOSED * opening.max(), [False]])
    edges = np.flatnonzero(np.diff(closed))
    best: Carry | None = None
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        carry = _carry(tools, yaws, opening, int(first), int(last))
        if carry.lift > LEAST_LIFT and (best is None or _way(carry) > _way(best)):
            best = carry
    return best


def _way(carry: Carry) -> float:
    return float(np.linalg.norm(carry.end - carry.start))


def _carry(
    tools: NDArray[np.float64],
    yaws: NDArray[np.float64],
    opening: NDArray[np.float64],
    first: int,
    last: int,
) -> Carry:
    width = float(np.median(opening[first:last]))
    held = first + np.flatnonzero(opening[first:last] <= width + STEADY)
    grasp, release = int(held[0]), int(held[-1])
    # The gripper is symmetric, and the tool has turned by less than half a turn.
    turn = math.remainder(float(yaws[release] - yaws[grasp]), 2 * math.pi)
    lift = float(tools[grasp : release + 1, 2].max() - tools[grasp, 2])
    return Carry(grasp, release, tools[grasp], tools[release], turn, width, lift)
