"""Poses as messages."""

from __future__ import annotations

import math

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion
from numpy.typing import NDArray

Array = NDArray[np.float64]


def to_point(position: Array) -> Point:
    """A position, shape (3,), m."""
    x, y, z = (float(value) for value in position)
    return Point(x=x, y=y, z=z)


def to_quaternion(rotation: Array) -> Quaternion:
    """A rotation matrix, shape (3, 3), as a unit quaternion (Shepperd's method)."""
    m = rotation
    trace = float(np.trace(m))
    products = np.array([trace, m[0, 0], m[1, 1], m[2, 2]])
    largest = int(products.argmax())
    square = 1 + trace if largest == 0 else 1 - trace + 2 * products[largest]
    length = 2 * math.sqrt(square)
    off = [(m[2, 1], m[1, 2]), (m[0, 2], m[2, 0]), (m[1, 0], m[0, 1])]
    if largest == 0:
        w, vector = length / 4, [(a - b) / length for a, b in off]
    else:
        i = largest - 1
        j, k = (i + 1) % 3, (i + 2) % 3
        vector = [0.0, 0.0, 0.0]
        vector[i] = length / 4
        vector[j], vector[k] = (m[i, j] + m[j, i]) / length, (m[i, k] + m[k, i]) / length
        a, b = off[i]
        w = (a - b) / length
    x, y, z = (float(value) for value in vector)
    return Quaternion(x=x, y=y, z=z, w=float(w))


def to_pose(position: Array, rotation: Array) -> Pose:
    """A position, shape (3,), m, and a rotation matrix, shape (3, 3)."""
    return Pose(position=to_point(position), orientation=to_quaternion(rotation))
