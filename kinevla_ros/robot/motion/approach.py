"""A slow way to where a motion begins, clear of all that the gate knows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.chunk import CHUNK_DT, JOINT_NAMES
from kinevla_ros.robot.gate.collision import CollisionModel, too_near
from kinevla_ros.robot.gate.command_checks import RESERVE
from kinevla_ros.robot.limits import JointLimits

Array = NDArray[np.float64]

SPEED = 0.4
"""Of the joint that has the longest way, at its fastest (rad/s)."""

SHORTEST = 0.5
"""So long takes even the shortest way (s)."""

_PEAK = 1.875
"""Largest speed of a minimum-jerk motion, as a multiple of its mean."""


class NoApproach(ValueError):
    """No checked way leads there; the message says what is in the way."""


def approach(
    start: Array,
    goal: Array,
    limits: JointLimits,
    space: CollisionModel,
    over: Sequence[Array] = (),
) -> Array:
    """Joint targets `CHUNK_DT` apart that end at the goal, at rest at each corner.

    The way is straight in the joints; where that is blocked, it goes over one of the given places.

    Args:
        start: where the arm is, shape (7,), rad.
        goal: where it shall be, shape (7,), rad.
        limits: limits of the joints.
        space: clearances of the arm.
        over: places clear of everything that is usual, each of shape (7,), rad.

    Returns:
        Shape (n, 7), rad; without the start.

    Raises:
        NoApproach: the goal is beyond a limit, or something is in the way.
    """
    beyond = np.maximum(limits.target_lower - goal, goal - limits.target_upper)
    if (worst := float(beyond.max())) > 0:
        column = int(beyond.argmax())
        raise NoApproach(
            f"the motion begins with {JOINT_NAMES[column]} at {goal[column]:.3f} rad, "
            f"{worst:.3f} rad beyond what a target may be"
        )
    if (found := space.obstacle(goal[None], RESERVE)) is not None:
        raise NoApproach(too_near(found, "the start of the motion").reason)
    ways = [np.vstack([start, goal]), *(np.vstack([start, place, goal]) for place in over)]
    for way in ways:
        if space.obstacle(way, RESERVE) is None:
            return np.vstack([slowly(begin, end) for begin, end in pairwise(way)])
    found = space.obstacle(ways[0], RESERVE)
    assert found is not None
    reason = too_near(found, "the straight way to the start of the motion").reason
    raise NoApproach(f"{reason}; move the arm nearer to the start first")


def slowly(start: Array, goal: Array) -> Array:
    """Targets `CHUNK_DT` apart of a minimum-jerk motion from rest to rest, shape (n, 7), rad.

    Args:
        start, goal: its ends, shape (7,), rad.
    """
    seconds = max(_PEAK * float(abs(goal - start).max()) / SPEED, SHORTEST)
    share = np.linspace(0, 1, int(np.ceil(seconds / CHUNK_DT)) + 1)[1:, None]
    share = share**3 * (10 - 15 * share + 6 * share**2)
    return np.asarray(start + share * (goal - start))
