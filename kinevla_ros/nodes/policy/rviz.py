"""What RViz shows of an inference: the planned path of the tool, and the reasoning as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, PoseStamped, Vector3
from nav_msgs.msg import Path
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.msg import Reasoning
from kinevla_ros.nodes.ros.messages import BASE_FRAME
from kinevla_ros.robot.kinematics import forward

if TYPE_CHECKING:
    from kinevla_ros.keypoints.seen import SeenObject

BALL = 0.012
"""Diameter of a keypoint, m."""

KINDS = {
    "interaction": (0.9, 0.2, 0.1),
    "positional": (0.1, 0.4, 0.9),
    "boundary": (0.1, 0.7, 0.3),
}
"""Colour of each kind of keypoint: red, green, blue."""

TEXT_HEIGHT = 0.03
TEXT_PLACE = (0.3, 0.0, 0.55)
"""Above the table, in `base_link`, m."""

LIFETIME = 2
"""The text goes when no reasoning has come for so long, s."""


def planned_path(chunk: ActionChunk, stamp: Time, frame: str = BASE_FRAME) -> Path:
    """Positions of the tool at the chunk's targets; orientations are left at identity.

    Args:
        frame: of the arm's base.
    """
    path = Path()
    path.header.frame_id, path.header.stamp = frame, stamp
    for q in chunk.positions:
        x, y, z = forward(q)[0]
        pose = PoseStamped(header=path.header)
        pose.pose.position = Point(x=float(x), y=float(y), z=float(z))
        path.poses.append(pose)
    return path


def reasoning_markers(reasoning: Reasoning, frame: str = BASE_FRAME) -> MarkerArray:
    """Words and codes of both levels, or why nothing moves, as a text above the table.

    Args:
        frame: of the arm's base.
    """
    marker = Marker(ns="reasoning", type=Marker.TEXT_VIEW_FACING, action=Marker.ADD)
    marker.header.frame_id, marker.header.stamp = frame, reasoning.header.stamp
    x, y, z = TEXT_PLACE
    marker.pose.position = Point(x=x, y=y, z=z)
    marker.scale.z = TEXT_HEIGHT
    moves = reasoning.status in (Reasoning.OK, Reasoning.ACCEPTED) and not reasoning.arm
    marker.color.r, marker.color.g, marker.color.b = (0.1, 0.1, 0.1) if moves else (0.8, 0, 0)
    marker.color.a = 1.0
    marker.lifetime.sec = LIFETIME
    marker.text = "\n".join(lines(reasoning))
    return MarkerArray(markers=[marker])


def keypoint_markers(
    seen: Mapping[str, SeenObject], stamp: Time, frame: str = BASE_FRAME
) -> MarkerArray:
    """A ball for each keypoint by its kind, pale where it only follows from the shape, and names.

    Args:
        seen: objects by name.
        frame: of the arm's base.
    """
    found = []
    for name, each in seen.items():
        balls = _keypoint_marker(f"keypoints {name}", Marker.SPHERE_LIST, stamp, frame)
        balls.scale = Vector3(x=BALL, y=BALL, z=BALL)
        balls.points = [_point(place) for place in each.points]
        balls.colors = [
            ColorRGBA(r=r, g=g, b=b, a=1.0 if sure else 0.3)
            for (r, g, b), sure in zip((KINDS[k] for k in each.kinds), each.seen, strict=True)
        ]
        text = _keypoint_marker(f"keypoints {name}", Marker.TEXT_VIEW_FACING, stamp, frame)
        text.id, text.scale.z = 1, TEXT_HEIGHT / 2
        text.pose.position = _point(each.points[0] + [0.0, 0.0, 0.05])
        text.color = ColorRGBA(r=0.1, g=0.1, b=0.1, a=1.0)
        text.text = f"{name} \u00b1{1e3 * each.spread:.0f} mm"
        found += [balls, text]
    return MarkerArray(markers=found)


def _keypoint_marker(space: str, kind: int, stamp: Time, frame: str) -> Marker:
    marker = Marker(ns=space, type=kind, action=Marker.ADD)
    marker.header.frame_id, marker.header.stamp = frame, stamp
    marker.pose.orientation.w = 1.0
    marker.lifetime.sec = 1
    return marker


def _point(place: NDArray[np.float64]) -> Point:
    x, y, z = (float(value) for value in place)
    return Point(x=x, y=y, z=z)


def lines(reasoning: Reasoning) -> list[str]:
    """A reasoning message for people to read."""
    special = {
        Reasoning.OK: [],
        Reasoning.ASKING: [f"asks: {reasoning.detail}"],
        Reasoning.ACCEPTED: [f"understood: {reasoning.instruction}"],
    }
    found = special.get(reasoning.status, [f"no motion: {reasoning.detail}"])
    if reasoning.arm and reasoning.instruction:
        found.append(f"no motion: {reasoning.arm}")
    if reasoning.goal:
        source = " (operator)" if reasoning.overridden else ""
        found += [
            f"goal{source}: {reasoning.goal} {list(reasoning.goal_codes)}",
            f"how{source}: {reasoning.kinematics} {list(reasoning.kinematics_codes)}",
        ]
    return found
