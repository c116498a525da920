"""A path of the tool as joint positions with the times at which they are due."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from kinevla_ros.base.interpolation import at_times
from kinevla_ros.robot.kinematics import UnreachableError, top_down_ik
from kinevla_ros.robot.limits import RM75_LIMITS

Array = NDArray[np.float64]

SPEED_SHARE = 0.55
"""Of a joint's largest speed. Where a path asks for more it takes longer; an arm that follows a
tenth of a second late is then still near enough for the next chunk."""

EASED = 0.15
"""Share of a path over which it slows down before such a place, and speeds up after it."""


@dataclass(frozen=True, eq=False)
class JointPath:
    """Joint positions over time.

    Attributes:
        times: shape (N,), s, from 0, increasing.
        joints: shape (N, 7), rad.
    """

    times: Array
    joints: Array

    @property
    def duration(self) -> float:
        """From its first to its last position, s."""
        return float(self.times[-1])

    def at(self, times: ArrayLike) -> Array:
        """Joint positions at times, shape (T,): (T, 7); it rests at its ends before and after."""
        return at_times(np.atleast_1d(np.asarray(times, float)), self.times, self.joints)

    @classmethod
    def resting(cls, joints: Array) -> JointPath:
        """One that stays where it is."""
        return cls(np.zeros(1), joints[None])


def joint_path(tool: Array, joints: Array, duration: float) -> JointPath:
    """Joint positions along a path of the tool, held straight down.

    Args:
        tool: (x, y, z, yaw) at even times, shape (N, 4), m and rad, from where the arm is.
        joints: where the arm is, shape (7,), rad; joint 7 turns on from there without a jump.
        duration: of the path, s; longer where a joint would be too fast.

    Raises:
        UnreachableError: a pose is out of reach or beyond a joint's limit.
    """
    found = np.array([top_down_ik(pose[:3], pose[3]) for pose in tool])
    full = 2 * math.pi
    turns = np.unwrap(found[:, 6])
    found[:, 6] = turns + full * np.round((joints[6] - turns[0]) / full)
    if (np.abs(found[:, 6]) > RM75_LIMITS.target_upper[6]).any():
        raise UnreachableError("joint7 would have to turn on beyond its limit; turn it back first")
    steps = np.abs(np.diff(found, axis=0)) / (SPEED_SHARE * RM75_LIMITS.velocity)
    each = np.maximum(duration / max(1, len(found) - 1), steps.max(axis=1))
    return JointPath(np.append(0.0, np.cumsum(_eased(each))), found)


def _eased(times: Array) -> Array:
    """Times of steps that change gradually; none becomes shorter."""
    width = 1 + 2 * round(EASED * len(times) / 2)
    return np.asarray(uniform_filter1d(maximum_filter1d(times, width), width), dtype=np.float64)
