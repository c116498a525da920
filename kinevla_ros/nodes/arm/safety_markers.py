"""What RViz shows of the arm node: where a chunk leads, how near to a limit, and the state.

Everything is in the frame of the arm's base; a marker goes by itself when nothing new comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.base.interpolation import at_times
from kinevla_ros.nodes.ros.messages import BASE_FRAME
from kinevla_ros.nodes.ros.poses import to_point, to_pose
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.margin import margin
from kinevla_ros.robot.gate.workspace import Workspace
from kinevla_ros.robot.kinematics import forward, link_poses
from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.robot.model import LINKS
from kinevla_ros.robot.status import SafetyState, Status

Array = NDArray[np.float64]

LIFETIME = 1
"""s."""

STEPS = 5
"""Points of the path from target to target."""

PATH_WIDTH, EDGE_WIDTH, TEXT_HEIGHT = 0.008, 0.004, 0.03
TEXT_PLACE = np.array([0.3, 0.0, 0.65])
GHOST = ColorRGBA(r=0.2, g=0.5, b=0.9, a=0.25)
EDGE = ColorRGBA(r=0.4, g=0.4, b=0.45, a=0.8)
STATE_COLOURS = {
    SafetyState.DISABLED: ColorRGBA(r=0.4, g=0.4, b=0.4, a=1.0),
    SafetyState.READY: ColorRGBA(r=0.1, g=0.4, b=0.8, a=1.0),
    SafetyState.MOVING: ColorRGBA(r=0.0, g=0.6, b=0.2, a=1.0),
    SafetyState.HOLDING: ColorRGBA(r=0.8, g=0.5, b=0.0, a=1.0),
    SafetyState.FAULTED: ColorRGBA(r=0.8, g=0.0, b=0.0, a=1.0),
}


def chunk_markers(chunk: ActionChunk, limits: JointLimits, space: CollisionModel) -> list[Marker]:
    """Ghost arm at the chunk's end, and its path coloured by `margin`.

    Args:
        chunk: the one that is carried out.
        limits: of the joints.
        space: clearances of the arm.
    """
    return [*_ghost(chunk.positions[-1]), _path(chunk.positions, limits, space)]


def safety_markers(
    status: Status,
    chunk: Iterable[Marker],
    workspace: Workspace,
    stamp: Time,
    frame: str = BASE_FRAME,
) -> MarkerArray:
    """The chunk that is carried out, the workspace, and the state with its reason.

    Args:
        status: what the arm is doing.
        chunk: `chunk_markers`; empty if none is carried out.
        workspace: where links and gripper may be.
        stamp: time of the picture.
        frame: of the arm's base.
    """
    markers = [_state_text(status), *chunk, _edges(workspace)]
    for marker in markers:
        marker.header.frame_id, marker.header.stamp = frame, stamp
        marker.action, marker.lifetime.sec = Marker.ADD, LIFETIME
    return MarkerArray(markers=markers)


def colour(margin: float) -> ColorRGBA:
    """Red where there is no room, yellow at half, green from 1 on."""
    share = min(max(margin, 0.0), 1.0)
    return ColorRGBA(r=min(2 - 2 * share, 1.0), g=min(2 * share, 1.0), b=0.0, a=1.0)


def _state_text(status: Status) -> Marker:
    marker = Marker(ns="state", type=Marker.TEXT_VIEW_FACING)
    marker.pose.position = to_point(TEXT_PLACE)
    marker.scale.z = TEXT_HEIGHT
    marker.color = STATE_COLOURS[status.state]
    name = status.state.name
    if status.state is SafetyState.FAULTED:
        name = f"{name}: {status.fault.name}"
    marker.text = "\n".join(line for line in (name, status.reason) if line)
    return marker


def _ghost(q: Array) -> list[Marker]:
    """One cylinder for each link at joint positions `q`, shape (7,), rad."""
    poses = link_poses(q)
    return [
        _link(number, link.shape, *poses[link.name]) for number, link in enumerate(LINKS, start=1)
    ]


def _link(number: int, shape: tuple[Any, ...], position: Array, rotation: Array) -> Marker:
    kind, radius, start, end = shape
    first, last = np.array(start, dtype=float), np.array(end, dtype=float)
    axis = last - first
    length = float(np.linalg.norm(axis))
    marker = Marker(ns="chunk_end", id=number, type=Marker.CYLINDER, color=GHOST)
    turned = rotation @ _z_to(axis / length)
    marker.pose = to_pose(position + rotation @ (first + last) / 2, turned)
    marker.scale.x = marker.scale.y = 2 * radius
    marker.scale.z = length + (2 * radius if kind == "capsule" else 0.0)
    return marker


def _z_to(axis: Array) -> Array:
    """A rotation, shape (3, 3), that takes z to a unit vector along y or z."""
    x = np.array([1.0, 0.0, 0.0])
    return np.column_stack([x, np.cross(axis, x), axis])


def _path(positions: Array, limits: JointLimits, space: CollisionModel) -> Marker:
    """The tool's way along joint positions, shape (N, 7), rad."""
    marker = Marker(ns="chunk_path", type=Marker.LINE_STRIP)
    marker.scale.x = PATH_WIDTH
    targets = np.arange(len(positions), dtype=float)
    at = np.linspace(0, len(positions) - 1, STEPS * (len(positions) - 1) + 1)
    for q in at_times(at, targets, positions):
        marker.points.append(to_point(forward(q)[0]))
        marker.colors.append(colour(margin(q, limits, space)))
    return marker


def _edges(workspace: Workspace) -> Marker:
    marker = Marker(ns="workspace", type=Marker.LINE_LIST, color=EDGE)
    marker.scale.x = EDGE_WIDTH
    heights = (workspace.table, workspace.top)
    corners = np.array([[x, y, z] for x in workspace.x for y in workspace.y for z in heights])
    for i, one in enumerate(corners):
        for other in corners[i + 1 :]:
            if (one != other).sum() == 1:
                marker.points += [Point(x=p[0], y=p[1], z=p[2]) for p in (one, other)]
    return marker
