"""Poses on the table: of objects (x, y, yaw) and of a tool held straight down (x, y, z, yaw).

Metres and radians in `base_link`; the first two numbers lie in the table plane, the last one is a
turn about the vertical, and a height between them stays as it is.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.angles import wrapped
from kinevla_ros.robot.kinematics import tool_poses

Array = NDArray[np.float64]


def placed(frame: Array, local: Array) -> Array:
    """A pose that lies in a frame, as the base sees it.

    Args:
        frame: (x, y, yaw), shape (3,).
        local: pose as the frame sees it, shape (3,) or (4,).
    """
    found = np.array(local, dtype=float)
    found[:2] = frame[:2] + _turn(frame[2]) @ local[:2]
    found[-1] += frame[2]
    return found


def seen_from(frame: Array, pose: Array) -> Array:
    """A pose as a frame sees it; the inverse of `placed`."""
    found = np.array(pose, dtype=float)
    found[:2] = _turn(-frame[2]) @ (pose[:2] - frame[:2])
    found[-1] = wrapped(found[-1] - frame[2])
    return found


def nearest_grasp(yaw: float, to: float) -> float:
    """Of a gripper's yaws that grasp alike, half a turn apart, the one nearest to another yaw."""
    return to + math.remainder(yaw - to, math.pi)


def tool_path(joints: Array) -> tuple[Array, Array]:
    """Tool poses along a path, and how far the tool leans from straight down.

    Args:
        joints: shape (N, 7), rad.

    Returns:
        Poses, shape (N, 4), the yaw without jumps, and angles, shape (N,), rad.
    """
    positions, rotations = tool_poses(joints)
    yaw = np.unwrap(np.arctan2(rotations[:, 1, 0], rotations[:, 0, 0]))
    tilt = np.arccos(np.clip(-rotations[:, 2, 2], -1.0, 1.0))
    return np.column_stack([positions, yaw]), tilt


def _turn(angle: float) -> Array:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s], [s, c]])
