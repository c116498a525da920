"""Forward kinematics of links and tool, and the closed-form inverse for a tool held down."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.robot.model import FLANGE_LENGTH, LINKS, POSITION_LIMITS, TOOL_LENGTH

Array = NDArray[np.float64]

_SHOULDER = LINKS[0].xyz[2]
_UPPER_ARM = -LINKS[2].xyz[1]
_FOREARM = -LINKS[4].xyz[1]


class UnreachableError(ValueError):
    """The pose lies outside the arm's reach or joint limits."""


def forward(q: Array) -> tuple[Array, Array]:
    """Pose of the tool centre point in `base_link`.

    Args:
        q: joint positions, shape (7,), rad.

    Returns:
        Position, shape (3,), m, and rotation matrix, shape (3, 3).
    """
    return link_poses(q)["tool"]


def tool_poses(q: Array) -> tuple[Array, Array]:
    """Poses of the tool centre point along a path.

    Args:
        q: joint positions, shape (n, 7), rad.

    Returns:
        Positions, shape (n, 3), m, and rotation matrices, shape (n, 3, 3), as of `forward`.
    """
    count = len(q)
    positions, rotations = np.zeros((count, 3)), np.tile(np.eye(3), (count, 1, 1))
    for link, angles in zip(LINKS, np.asarray(q).T, strict=True):
        positions = positions + rotations @ np.asarray(link.xyz)
        about_z = np.tile(np.eye(3), (count, 1, 1))
        about_z[:, 0, 0] = about_z[:, 1, 1] = np.cos(angles)
        about_z[:, 1, 0] = np.sin(angles)
        about_z[:, 0, 1] = -about_z[:, 1, 0]
        rotations = rotations @ _about_x(link.roll) @ about_z
    positions = positions + rotations @ np.array([0.0, 0.0, TOOL_LENGTH])
    return positions, rotations @ _about_z(math.pi)


def link_poses(q: Array) -> dict[str, tuple[Array, Array]]:
    """Poses of the links `link1` to `link7` and of `tool` in `base_link`.

    Args:
        q: joint positions, shape (7,), rad.

    Returns:
        Position, shape (3,), m, and rotation matrix, shape (3, 3), by name.
    """
    position, rotation = np.zeros(3), np.eye(3)
    poses = {}
    for link, angle in zip(LINKS, q, strict=True):
        position = position + rotation @ np.asarray(link.xyz)
        rotation = rotation @ _about_x(link.roll) @ _about_z(angle)
        poses[link.name] = position, rotation
    position = position + rotation @ np.array([0.0, 0.0, TOOL_LENGTH])
    poses["tool"] = position, rotation @ _about_z(math.pi)
    return poses


def tool_yaw(q: Array) -> float:
    """Direction of the tool's x axis in the table plane, rad in (-pi, pi]."""
    _, rotation = forward(q)
    return math.atan2(rotation[1, 0], rotation[0, 0])


def jacobian(q: Array) -> Array:
    """How the tool centre point moves and turns with each joint, in `base_link`.

    Args:
        q: joint positions, shape (7,), rad.

    Returns:
        Shape (6, 7): speed (m) above turn (rad), each for a rad of a joint.
    """
    poses = link_poses(q)
    tool, _ = poses["tool"]
    columns = []
    for link in LINKS:
        position, rotation = poses[link.name]
        axis = rotation[:, 2]
        columns.append(np.concatenate([np.cross(axis, tool - position), axis]))
    return np.array(columns).T


def top_down_ik(position: Array, yaw: float) -> Array:
    """Joint positions that hold the tool straight down: elbow up, joints 3 and 5 at zero.

    Args:
        position: tool centre point in `base_link`, shape (3,), m.
        yaw: direction of the tool's x axis in the table plane, rad.

    Returns:
        Joint positions, shape (7,), rad.

    Raises:
        UnreachableError: no such configuration lies inside the position limits.
    """
    x, y, z = (float(c) for c in position)
    reach = math.hypot(x, y)
    height = z + TOOL_LENGTH + FLANGE_LENGTH - _SHOULDER
    cosine = (reach**2 + height**2 - _UPPER_ARM**2 - _FOREARM**2) / (2 * _UPPER_ARM * _FOREARM)
    if abs(cosine) > 1:
        raise UnreachableError(f"tool position {x:.3f} {y:.3f} {z:.3f} m is out of reach")
    q4 = math.acos(cosine)
    q2 = math.atan2(reach, height) - math.atan2(
        _FOREARM * math.sin(q4), _UPPER_ARM + _FOREARM * math.cos(q4)
    )
    q1 = math.atan2(y, x)
    q7 = math.remainder(q1 - yaw, 2 * math.pi)
    q = np.array([q1, q2, 0.0, q4, 0.0, math.pi - q2 - q4, q7])
    over = np.abs(q) - np.asarray(POSITION_LIMITS)
    if (over > 0).any():
        joint = int(over.argmax())
        raise UnreachableError(
            f"tool position {x:.3f} {y:.3f} {z:.3f} m needs joint{joint + 1} at "
            f"{math.degrees(q[joint]):.0f} deg, outside its limits"
        )
    return q


def reach_at(height: float) -> float:
    """Largest distance of a tool held down from the base axis at a height above the table (m).

    Zero where the arm reaches nothing.
    """
    wrist = height + TOOL_LENGTH + FLANGE_LENGTH - _SHOULDER
    return math.sqrt(max(0.0, (_UPPER_ARM + _FOREARM) ** 2 - wrist**2))


def _about_x(angle: float) -> Array:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def _about_z(angle: float) -> Array:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
