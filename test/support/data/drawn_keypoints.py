"""Keypoints as cameras would show them, drawn from a known scene."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.keypoints.detector import Peaks
from kinevla_ros.keypoints.fit import KeypointView
from kinevla_ros.keypoints.rig import (
    Keypoint,
    KeypointObject,
    KeypointRig,
    RigCamera,
    in_picture,
    object_points,
)
from kinevla_ros.robot.kinematics import top_down_ik

Array = NDArray[np.float64]

HOME = top_down_ik(np.array([0.25, 0.0, 0.2]), 0.0)
HALF = 0.5**0.5


def _point(name: str, *place: float, opens: float = 0.0) -> Keypoint:
    return Keypoint.model_validate(
        {"name": name, "kind": "boundary", "place": place, "opens": opens}
    )


RIG = KeypointRig(
    objects=(
        KeypointObject(
            name="bread",
            symmetry="half turn",
            points=(
                _point("middle", 0, 0, 0.03),
                _point("ahead", 0.05, 0, 0.03),
                _point("behind", -0.05, 0, 0.03),
                _point("right", 0, 0.02, 0.03),
                _point("left", 0, -0.02, 0.03),
            ),
        ),
        KeypointObject(
            name="plate",
            symmetry="round",
            points=(
                _point("middle", 0, 0, 0.01),
                _point("front", 0.1, 0, 0.02),
                _point("back", -0.1, 0, 0.02),
                _point("right", 0, 0.1, 0.02),
                _point("left", 0, -0.1, 0.02),
            ),
        ),
    ),
    base=(_point("foot", 0, 0, 0), _point("column", 0, 0, 0.2)),
    tool=(
        _point("flange", 0, 0, -0.12),
        _point("palm right", 0, 0.04, -0.1),
        _point("palm left", 0, -0.04, -0.1),
        _point("tip right", 0, 0.005, 0.01, opens=0.5),
        _point("tip left", 0, -0.005, 0.01, opens=-0.5),
    ),
    cameras=(
        RigCamera(
            name="front", on="base", position=(0.8, 0, 0.6), fovy=47.0, width=320, height=240,
            rotation=((0, HALF, -HALF), (1, 0, 0), (0, -HALF, -HALF)),
        ),
        RigCamera(
            name="wrist", on="tool", position=(0.07, 0, -0.1), fovy=75.0, width=192, height=144,
            rotation=((0, -1, 0), (1, 0, 0), (0, 0, 1)),
        ),
    ),
)  # fmt: skip
SMALL = RIG.model_copy(
    update={
        "cameras": tuple(
            camera.model_copy(update={"width": width, "height": height})
            for camera, (width, height) in zip(RIG.cameras, ((128, 96), (64, 48)), strict=True)
        )
    }
)
"""The same in pictures that a network is quick with."""

SCENE = {"bread": np.array([0.26, -0.05, 0.4]), "plate": np.array([0.25, 0.2, 0.0])}


def points(scene: Mapping[str, Array], joints: Array = HOME) -> Array:
    """Where all keypoints are, (K, 3), m."""
    found = np.zeros((RIG.channels, 3))
    for thing in RIG.objects:
        found[RIG.spans[thing.name]] = object_points(thing, scene[thing.name])
    found[RIG.arm] = RIG.arm_points(joints, GRIPPER_STROKE)
    return found


def drawn_views(
    scene: Mapping[str, Array] = SCENE,
    rng: np.random.Generator | None = None,
    moved: Array | None = None,
    noise: float = 0.0,
    cameras: tuple[str, ...] = ("front", "wrist"),
    rig: KeypointRig = RIG,
) -> list[KeypointView]:
    """What the cameras show.

    Args:
        rng: of the noise.
        moved: how far the front camera stands from where it was calibrated to be, m.
        noise: standard deviation of a keypoint, px.
    """
    rng, found = rng or np.random.default_rng(0), []
    truth = points(scene)
    for camera in rig.cameras:
        if camera.name not in cameras:
            continue
        position, rotation = camera.pose(HOME)
        there = position + (moved if moved is not None and camera.on == "base" else 0.0)
        size = (camera.width, camera.height)
        pixels, depths = in_picture(truth, there, rotation, camera.focal, size)
        inside = ((pixels > 0) & (pixels < size)).all(axis=1) & (depths > 0)
        pixels = pixels + rng.normal(0.0, 1.0, pixels.shape) * noise
        peaks = Peaks(pixels, np.maximum(depths, 0.01), np.where(inside, 0.8, 0.0))
        found.append(KeypointView(camera, position, rotation, peaks))
    return found
