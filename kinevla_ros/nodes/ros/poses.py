"""Poses as messages."""

from __future__ import annotations

import numpy as np
import pinocchio
from geometry_msgs.msg import Point, Pose, Quaternion
from numpy.typing import NDArray

Array = NDArray[np.float64]


def to_point(position: Array) -> Point:
    """A position, shape (3,), m."""
    x, y, z = (float(value) for value in position)
    return Point(x=x, y=y, z=z)


def to_quaternion(rotation: Array) -> Quaternion:
    """A rotation matrix, shape (3, 3), as a unit quaternion."""
    x, y, z, w = (float(value) for value in pinocchio.Quaternion(rotation).coeffs())
    return Quaternion(x=x, y=y, z=z, w=w)


def to_pose(position: Array, rotation: Array) -> Pose:
    """A position, shape (3,), m, and a rotation matrix, shape (3, 3)."""
    return Pose(position=to_point(position), orientation=to_quaternion(rotation))
