"""The keypoints of the cell's objects and of its arm, and its cameras, as `scene` builds them."""

from __future__ import annotations

import math

import mujoco
import numpy as np

from kinevla_ros.base.cameras import CAMERA_HEIGHT, CAMERA_WIDTH
from kinevla_ros.keypoints.rig import Keypoint, KeypointObject, KeypointRig, RigCamera
from kinevla_ros.robot.model import TOOL_LENGTH
from kinevla_ros.sim.cell.scene import (
    BREAD_HALF,
    CARROT_PROFILE,
    FRONT_FOVY,
    PLATE_RADIUS,
    WRIST_FOVY,
)
from kinevla_ros.sim.cell.variation import cell_model

WRIST_READ = 192, 144
"""Of the wrist's picture so many pixels are read: from so near they are as fine as the front's."""

_CARROT_HEIGHT, _CARROT_SLOPE = 0.014, 0.055
"""Lying on the table it rises towards its leaf: height of its middle (m), and rise."""

_PALM, _PALM_HALF = 0.025, 0.045
"""Middle of the gripper's box below the flange, and half its width (m)."""

_PAD, _TIP = 0.0055, 0.132
"""Half thickness of a pad, and its end below the flange (m)."""

_WRIST_RING = 0.029
"""Of the last link, above the flange (m)."""


def cell_rig() -> KeypointRig:
    """What there is to be found in the cell's pictures."""
    model = cell_model()
    cameras = (
        _camera(model, "front", "base", FRONT_FOVY, (CAMERA_WIDTH, CAMERA_HEIGHT)),
        _camera(model, "wrist", "tool", WRIST_FOVY, WRIST_READ),
    )
    pair = ("right", 1.0), ("left", -1.0)  # as the front camera sees it, right is +y
    return KeypointRig(
        objects=(_plate(), _carrot(), _bread()),
        base=(
            Keypoint(name="foot", kind="positional", place=(0, 0, 0)),
            Keypoint(name="column", kind="positional", place=(0, 0, 0.18)),
        ),
        tool=(
            Keypoint(name="ring", kind="positional", place=(0, 0, -TOOL_LENGTH - _WRIST_RING)),
            Keypoint(name="flange", kind="positional", place=(0, 0, -TOOL_LENGTH)),
            *(
                Keypoint(
                    name=f"palm {side}", kind="boundary",
                    place=(0, y * _PALM_HALF, _PALM - TOOL_LENGTH),
                )
                for side, y in pair
            ),
            *(
                Keypoint(
                    name=f"tip {side}", kind="interaction", place=(0, y * _PAD, _TIP - TOOL_LENGTH),
                    opens=y / 2,
                )
                for side, y in pair
            ),
        ),
        cameras=cameras,
    )  # fmt: skip


def _camera(
    model: mujoco.MjModel, name: str, on: str, fovy: float, size: tuple[int, int]
) -> RigCamera:
    camera = model.camera(name)
    turned = np.zeros(9)
    mujoco.mju_quat2Mat(turned, camera.quat)
    # MuJoCo's cameras look along -z, with y up.
    rotation = turned.reshape(3, 3) * [1, -1, -1]
    position = np.array(camera.pos)
    if on == "tool":
        position = position - [0, 0, TOOL_LENGTH]
    return RigCamera.model_validate(
        {
            "name": name, "on": on, "position": position.tolist(), "rotation": rotation.tolist(),
            "fovy": fovy, "width": size[0], "height": size[1],
        }
    )  # fmt: skip


def _plate() -> KeypointObject:
    rim, height = PLATE_RADIUS + 0.0025, 0.0165
    ways = {"front": (1, 0), "back": (-1, 0), "right": (0, 1), "left": (0, -1)}
    return KeypointObject(
        name="plate",
        symmetry="round",
        points=(
            Keypoint(name="centre", kind="interaction", place=(0, 0, 0.008)),
            *(
                Keypoint(name=f"rim {side}", kind="boundary", place=(rim * x, rim * y, height))
                for side, (x, y) in ways.items()
            ),
        ),
    )


def _carrot() -> KeypointObject:
    ends = {name: (start, end, radius) for name, start, end, radius in CARROT_PROFILE}

    def point(name: str, kind: str, x: float) -> Keypoint:
        along = x * math.cos(_CARROT_SLOPE)
        place = (along, 0.0, _CARROT_HEIGHT + _CARROT_SLOPE * x)
        return Keypoint.model_validate({"name": name, "kind": kind, "place": place})

    lower, upper, leaf = ends["lower"], ends["upper"], ends["leaf"]
    return KeypointObject(
        name="carrot",
        symmetry="none",
        points=(
            point("centre", "positional", 0.0),
            point("lower part", "interaction", (lower[0] + lower[1]) / 2),
            point("upper part", "interaction", (upper[0] + upper[1]) / 2),
            point("tip", "boundary", lower[0] - lower[2]),
            point("shoulder", "boundary", upper[1] + upper[2]),
            point("leaf", "boundary", leaf[1] + leaf[2]),
        ),
    )


def _bread() -> KeypointObject:
    x, y, z = BREAD_HALF
    return KeypointObject(
        name="bread",
        symmetry="half turn",
        points=(
            Keypoint(name="centre", kind="positional", place=(0, 0, 2 * z)),
            Keypoint(name="foot", kind="positional", place=(0, 0, 0)),
            Keypoint(name="end ahead", kind="boundary", place=(x, 0, 2 * z)),
            Keypoint(name="end behind", kind="boundary", place=(-x, 0, 2 * z)),
            Keypoint(name="side right", kind="interaction", place=(0, y, 2 * z)),
            Keypoint(name="side left", kind="interaction", place=(0, -y, 2 * z)),
        ),
    )
