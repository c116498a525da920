"""Keypoints of the cell are where the simulator says, and are labelled by what can be seen."""

from __future__ import annotations

from contextlib import closing

import mujoco
import numpy as np
import pytest

from kinevla_ros.keypoints.rig import object_points
from kinevla_ros.keypoints.samples import ABSENT, VISIBLE
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.keypoint_rig import cell_rig
from kinevla_ros.sim.cell.labelled import SceneLabeller

RIG = cell_rig()


def test_the_arms_keypoints_are_where_its_shapes_are() -> None:
    with closing(Cell()) as cell:
        found = RIG.arm_points(cell.joint_positions(), cell.gripper())
        names = [point.name for point in (*RIG.base, *RIG.tool)]
        for side, body in (("right", "finger_left"), ("left", "finger_right")):
            # The tool is turned by half a turn against the base at home.
            pad = cell.data.geom(f"pad_{body.removeprefix('finger_')}").xpos
            tip = found[names.index(f"tip {side}")]
            other = found[names.index(f"tip {'left' if side == 'right' else 'right'}")]
            assert min(abs(tip[1] - pad[1]), abs(other[1] - pad[1])) < 1e-3
            assert tip[2] == pytest.approx(pad[2] - 0.02, abs=1e-3)
        assert found[names.index("tip right")][1] > found[names.index("tip left")][1]


def test_cameras_are_where_the_simulator_has_them() -> None:
    with closing(Cell()) as cell:
        for camera in RIG.cameras:
            position, rotation = camera.pose(cell.joint_positions())
            number = cell.model.camera(camera.name).id
            assert np.allclose(position, cell.data.cam_xpos[number], atol=1e-6)
            seen = cell.data.cam_xmat[number].reshape(3, 3) * [1, -1, -1]
            assert np.allclose(rotation, seen, atol=1e-6)


def test_the_objects_keypoints_lie_on_what_a_ray_meets() -> None:
    with closing(Cell()) as cell:
        state = cell.reset(np.random.default_rng(2))
        eye = np.array(RIG.cameras[0].position)
        for thing in RIG.objects:
            body = cell.model.body(thing.name).id
            for place in object_points(thing, state.poses[thing.name][[0, 1, 3]]):
                hit = np.array([-1], np.int32)
                away = place - eye
                first = mujoco.mj_ray(
                    cell.model, cell.data, eye, away / np.linalg.norm(away), None, 1, -1, hit
                )
                if cell.model.geom_bodyid[hit[0]] == body:
                    # The foot lies below the whole of it.
                    assert np.linalg.norm(away) - first < 0.06


@pytest.mark.slow
def test_a_number_gives_one_scene_and_another_number_another() -> None:
    labeller = SceneLabeller(5)
    first, again, other = labeller(3), labeller(3), labeller(4)
    for one, two in zip(first.pictures, again.pictures, strict=True):
        assert np.array_equal(one, two)
    assert np.array_equal(first.states, again.states)
    assert not np.array_equal(first.pixels, other.pixels)
    for camera, picture in zip(RIG.cameras, first.pictures, strict=True):
        assert picture.shape == (camera.height, camera.width, 3)


@pytest.mark.slow
def test_only_what_is_in_the_picture_is_labelled_as_seen() -> None:
    labeller = SceneLabeller(5)
    seen = 0
    for number in range(6):
        scene = labeller(number)
        for row, camera in enumerate(RIG.cameras):
            here = scene.states[row] != ABSENT
            inside = (scene.pixels[row] > 0) & (scene.pixels[row] < (camera.width, camera.height))
            assert inside[here].all()
            assert (scene.depths[row][here] > 0).all()
            seen += int((scene.states[row] == VISIBLE).sum())
    assert seen > 6 * 15
