"""From keypoints in pictures to poses: by shape, table and arm, whatever a picture gets wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawn_keypoints import HOME, RIG, SCENE, drawn_views
from hypothesis import given, settings
from hypothesis import strategies as st

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.keypoints.fit import FittedKeypoints, KeypointView, fit

ARM = RIG.arm_points(HOME, GRIPPER_STROKE)


def off(found: FittedKeypoints, name: str) -> float:
    return float(np.hypot(*(found.poses[name][:2] - SCENE[name][:2])))


def test_a_scene_without_noise_is_found_as_it_is() -> None:
    found = fit(RIG, drawn_views(), ARM)
    for name, pose in SCENE.items():
        assert off(found, name) < 1e-4
        assert abs(found.poses[name][3] - pose[2]) < 1e-3
        assert abs(found.poses[name][2]) < 1e-4
    assert found.shifts[0] < 1e-4


@settings(max_examples=15, deadline=None)
@given(st.floats(-0.06, 0.06), st.floats(-0.15, 0.05), st.floats(-1.5, 1.5), st.integers(0, 1000))
def test_noise_of_a_pixel_moves_an_object_by_millimetres(
    x: float, y: float, yaw: float, seed: int
) -> None:
    scene = SCENE | {"bread": np.array([0.26 + x, y, yaw])}
    found = fit(RIG, drawn_views(scene, np.random.default_rng(seed), noise=1.0), ARM)
    assert np.hypot(*(found.poses["bread"][:2] - scene["bread"][:2])) < 0.012
    assert abs(math.remainder(found.poses["bread"][3] - yaw, math.pi)) < 0.2


@pytest.mark.parametrize("moved", [(0.0, 0.09, 0.0), (0.03, -0.05, 0.02)])
def test_a_front_camera_that_has_moved_is_found_again_by_the_arm_that_it_sees(
    moved: tuple[float, float, float],
) -> None:
    away = np.array(moved)
    views = drawn_views(moved=away, noise=0.5)
    found = fit(RIG, views, ARM)
    assert abs(found.shifts[0] - np.linalg.norm(away)) < 0.02
    assert max(off(found, name) for name in SCENE) < 0.01
    # Without the arm nothing tells that it has.
    blind = [KeypointView(v.camera, v.position, v.rotation, v.peaks) for v in views[:1]]
    blind[0].peaks.masses[RIG.arm] = 0.0
    assert off(fit(RIG, blind, ARM), "bread") > 0.02


def test_a_keypoint_that_is_elsewhere_is_left_out() -> None:
    views = drawn_views(noise=0.3)
    wrong = RIG.spans["bread"].start + 1
    views[0].peaks.pixels[wrong] += [35.0, -20.0]
    found = fit(RIG, views, ARM)
    assert off(found, "bread") < 0.004
    assert not found.inliers[0, wrong]
    assert found.inliers[0, RIG.spans["bread"]].sum() == 4


def test_an_object_of_which_too_little_is_seen_is_not_fitted() -> None:
    views = drawn_views()
    for view in views:
        view.peaks.masses[RIG.spans["bread"]][2:] = 0.1
    found = fit(RIG, views, ARM)
    assert "bread" not in found.poses
    assert off(found, "plate") < 1e-4


def test_either_camera_alone_is_enough_and_two_are_surer() -> None:
    both = fit(RIG, drawn_views(), ARM).spreads["bread"]
    for camera in ("front", "wrist"):
        found = fit(RIG, drawn_views(cameras=(camera,)), ARM)
        assert off(found, "bread") < 1e-3
        assert found.spreads["bread"] > both
