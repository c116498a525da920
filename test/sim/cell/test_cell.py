"""The simulated cell: scenes, physics and cameras."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.base.scene import OBJECTS
from kinevla_ros.robot.kinematics import top_down_ik
from kinevla_ros.sim.cell.cell import HOME, Cell, CellState, random_scene
from kinevla_ros.sim.cell.scene import CAMERA_HEIGHT, CAMERA_WIDTH


@pytest.fixture(scope="module")
def cell() -> Iterator[Cell]:
    cell = Cell()
    yield cell
    cell.close()


def reset(cell: Cell, seed: int) -> CellState:
    return cell.reset(np.random.default_rng(seed))


def seed_of_a_scene(plate_on_the_right: bool) -> int:
    return next(
        seed
        for seed in range(100)
        if (random_scene(np.random.default_rng(seed))["plate"][1] > 0) == plate_on_the_right
    )


def glide(cell: Cell, target: np.ndarray, seconds: float) -> None:
    """Stream a straight line in joint space at 50 Hz."""
    start, ticks = cell.joint_positions(), round(seconds / 0.02)
    for tick in range(1, ticks + 1):
        cell.set_joint_target(start + (target - start) * tick / ticks)
        cell.step(0.02)


def test_a_seed_fixes_the_scene_and_what_happens_in_it(cell: Cell) -> None:
    def run() -> tuple[CellState, dict[str, np.ndarray]]:
        reset(cell, 7)
        glide(cell, HOME + 0.1, 0.5)
        return cell.state(), cell.render()

    first, seen = run()
    reset(cell, 8)
    again, seen_again = run()
    np.testing.assert_array_equal(first.q, again.q)
    np.testing.assert_array_equal(first.vector(), again.vector())
    for camera, image in seen.items():
        np.testing.assert_array_equal(image, seen_again[camera])


def test_another_seed_gives_another_scene(cell: Cell) -> None:
    assert not np.allclose(reset(cell, 1).vector(), reset(cell, 2).vector())


def test_a_fresh_scene_lies_still(cell: Cell) -> None:
    for seed in range(5):
        reset(cell, seed)
        cell.step(0.5)
        assert max(cell.speed(name) for name in OBJECTS) < 0.005
        np.testing.assert_allclose(cell.joint_positions(), HOME, atol=0.002)


def test_the_arm_starts_where_it_is_put(cell: Cell) -> None:
    start = top_down_ik(np.array([0.30, 0.1, 0.15]), 0.4)
    state = cell.reset(np.random.default_rng(3), start)
    np.testing.assert_allclose(state.q, start, atol=0.002)
    np.testing.assert_allclose(state.tool, (0.30, 0.1, 0.15), atol=0.003)


def test_the_arm_follows_its_targets(cell: Cell) -> None:
    reset(cell, 3)
    target = HOME + np.array([0.3, 0.1, -0.1, 0.1, 0.1, -0.2, 0.5])
    glide(cell, target, 1.0)
    np.testing.assert_allclose(cell.joint_positions(), target, atol=0.02)
    cell.step(0.5)
    np.testing.assert_allclose(cell.joint_positions(), target, atol=0.003)


def test_the_gripper_opens_as_far_as_commanded(cell: Cell) -> None:
    reset(cell, 3)
    for opening in (0.0, 0.03, 0.07):
        cell.set_gripper(opening)
        cell.step(1.0)
        # Closed, the pads press on each other and give way a little.
        assert cell.gripper() == pytest.approx(opening, abs=0.005)


def test_cameras_give_rgb_images_with_something_on_them(cell: Cell) -> None:
    reset(cell, 3)
    images = cell.render()
    assert set(images) == {"front", "wrist"}
    for image in images.values():
        assert image.shape == (CAMERA_HEIGHT, CAMERA_WIDTH, 3)
        assert image.dtype == np.uint8
        assert 40 < image.mean() < 220
        assert image.std() > 15


@pytest.mark.parametrize("plate_on_the_right", [True, False])
def test_plus_y_is_the_right_half_of_the_front_image(cell: Cell, plate_on_the_right: bool) -> None:
    state = reset(cell, seed_of_a_scene(plate_on_the_right))
    assert (state.poses["plate"][1] > 0) == plate_on_the_right
    # Only the plate is white; the lower rows leave the arm's white links out.
    white = (cell.render()["front"][80:].min(axis=2) > 200).sum(axis=0)
    left, right = white[: CAMERA_WIDTH // 2].sum(), white[CAMERA_WIDTH // 2 :].sum()
    assert (right > 4 * left) if plate_on_the_right else (left > 4 * right)


@pytest.mark.parametrize(("name", "height"), [("bread", 0.024), ("carrot", 0.014)])
def test_a_grasped_object_stays_in_the_gripper_while_it_is_shaken(
    cell: Cell, name: str, height: float
) -> None:
    x, y, _, yaw = reset(cell, 5).poses[name]
    yaw = math.remainder(yaw, math.pi)

    def tool_at(above: float, aside: float = 0.0) -> np.ndarray:
        return top_down_ik(np.array([x, y + aside, above]), yaw)

    glide(cell, tool_at(0.12), 1.0)
    glide(cell, tool_at(height), 1.0)
    cell.set_gripper(0.0)
    cell.step(0.8)
    glide(cell, tool_at(0.15), 1.0)
    held = cell.state().poses[name] - cell.state().tool[2] * np.array([0, 0, 1, 0])
    for _ in range(3):
        glide(cell, tool_at(0.15, 0.03), 0.25)
        glide(cell, tool_at(0.15, -0.03), 0.25)
    glide(cell, tool_at(0.15), 0.5)
    cell.step(0.3)
    now = cell.state().poses[name] - cell.state().tool[2] * np.array([0, 0, 1, 0])
    np.testing.assert_allclose(now[:3], held[:3], atol=0.006)
    assert cell.contacts("pad_", name)


def test_fingers_put_into_an_object_read_no_more_than_their_stroke() -> None:
    with closing(Cell()) as cell:
        cell.reset(np.random.default_rng(0))
        cell.data.qpos[7:9] = GRIPPER_STROKE / 2 + 0.005
        assert cell.gripper() == GRIPPER_STROKE
