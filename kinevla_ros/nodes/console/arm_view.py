"""The arm, the end of its chunk and the chunk's path as lines that a page can draw.

A line is `[x, y, z, x, y, z, radius]`: two ends in `base_link` and half a thickness, m.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from visualization_msgs.msg import Marker

from kinevla_ros.robot.kinematics import link_poses
from kinevla_ros.robot.model import BASE, FINGERS, LINKS, PALM

Array = NDArray[np.float64]
Line = list[float]

MOST_POINTS = 200
"""Of a path or of the workspace's edges; ours have 21 and 24."""

PALM_RADIUS, FINGER_RADIUS = 0.03, 0.009


def arm_lines(q: Array, gripper: float) -> list[Line]:
    """Base, links and gripper.

    Args:
        q: joint positions, shape (7,), rad.
        gripper: opening, m.
    """
    poses = link_poses(q)
    lines = [_line(*_ends(BASE.shape, np.zeros(3), np.eye(3)))]
    lines += [_line(*_ends(link.shape, *poses[link.name])) for link in LINKS]
    position, rotation = poses[LINKS[-1].name]
    (_, _, half), (_, _, centre) = PALM
    top = centre + half
    lines.append(_placed(position, rotation, (0, 0, 0), (0, 0, top), PALM_RADIUS))
    (_, _, half), (_, _, centre) = FINGERS
    for side in (-1, 1):
        y = side * (gripper / 2 + FINGER_RADIUS)
        ends = (0, y, centre - half), (0, y, centre + half)
        lines.append(_placed(position, rotation, *ends, FINGER_RADIUS))
    return lines


def markers_shown(markers: Iterable[Marker]) -> dict[str, Any]:
    """What the arm node shows in RViz: the chunk's path with its room, its end, the workspace.

    Returns:
        `path`: points `[x, y, z, room]`, room from 0 (at a limit) to 1 (far from all);
        `room`: the least of the path, None without one; `ghost`: lines; `edges`: lines.
    """
    path: list[Line] = []
    ghost: list[Line] = []
    edges: list[Line] = []
    for marker in markers:
        if marker.ns == "chunk_path":
            points = zip(marker.points[:MOST_POINTS], marker.colors, strict=False)
            path = [[*_numbers(p), _room(colour.r, colour.g)] for p, colour in points]
        elif marker.ns == "chunk_end" and len(ghost) <= len(LINKS):
            ghost.append(_cylinder(marker))
        elif marker.ns == "workspace":
            ends = [_numbers(point) for point in marker.points[:MOST_POINTS]]
            edges = [[*a, *b, 0.0] for a, b in zip(ends[::2], ends[1::2], strict=False)]
    room = min((point[3] for point in path), default=None)
    return {"path": path, "room": room, "ghost": ghost, "edges": edges}


def _room(red: float, green: float) -> float:
    """The room that a colour of the path stands for; see `safety_markers.colour`."""
    return round(green / 2 if green < 1 else 1 - red / 2, 3)


def _cylinder(marker: Marker) -> Line:
    p, o = marker.pose.position, marker.pose.orientation
    axis = np.array(
        [2 * (o.x * o.z + o.w * o.y), 2 * (o.y * o.z - o.w * o.x), 1 - 2 * (o.x**2 + o.y**2)]
    )
    middle, half = np.array([p.x, p.y, p.z]), axis * marker.scale.z / 2
    return _line(middle - half, middle + half, marker.scale.x / 2)


def _ends(shape: tuple[Any, ...], position: Array, rotation: Array) -> tuple[Array, Array, float]:
    _, radius, start, end = shape
    return position + rotation @ np.array(start), position + rotation @ np.array(end), radius


def _placed(
    position: Array, rotation: Array, start: Sequence[float], end: Sequence[float], radius: float
) -> Line:
    return _line(*_ends(("", radius, start, end), position, rotation))


def _line(start: Array, end: Array, radius: float) -> Line:
    return [round(float(v), 4) for v in (*start, *end, radius)]


def _numbers(point: Any) -> Line:
    return [round(point.x, 4), round(point.y, 4), round(point.z, 4)]
