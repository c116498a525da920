"""LIBERO's world, where it is installed; physics alone, no picture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from kinevla_ros.sim.libero.installed import is_installed

if not is_installed():
    pytest.skip("LIBERO is not installed: run scripts/libero.sh", allow_module_level=True)

from kinevla_ros.sim.libero.demonstrate import demonstrate
from kinevla_ros.sim.libero.goals import GOALS
from kinevla_ros.sim.libero.judge import judge
from kinevla_ros.sim.libero.scene import BOTTLE, BOWL, LABEL, SIDES
from kinevla_ros.sim.libero.track import Track, look
from kinevla_ros.sim.libero.world import LiberoWorld

BOWL_TASK = "put_the_bowl_on_the_stove"
STAY = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0])


@pytest.fixture(scope="module")
def world() -> Iterator[LiberoWorld]:
    made = LiberoWorld()
    yield made
    made.close()


def test_an_initial_state_is_the_same_each_time(world: LiberoWorld) -> None:
    world.reset(BOWL_TASK, 3)
    first = world.position(BOWL), world.stove(), world.handle("top"), world.hand
    world.reset("turn_on_the_stove", 5)
    world.reset(BOWL_TASK, 3)
    again = world.position(BOWL), world.stove(), world.handle("top"), world.hand
    np.testing.assert_array_equal(first, again)


def test_another_state_places_objects_and_fixtures_otherwise(world: LiberoWorld) -> None:
    world.reset(BOWL_TASK, 0)
    first = world.position(BOWL), world.stove()
    world.reset(BOWL_TASK, 1)
    assert not np.allclose(first, (world.position(BOWL), world.stove()), atol=1e-4)


def test_a_step_is_robosuites_own(world: LiberoWorld) -> None:
    commands = np.random.default_rng(0).normal(0.0, 0.3, (10, 7)).clip(-1, 1)
    paths = []
    for step in (world.step, world._env.step):
        world.reset(BOWL_TASK, 0)
        for command in commands:
            step(command)
        paths.append(world.data.qpos.copy())
    np.testing.assert_allclose(paths[0], paths[1], atol=1e-9)


def test_a_command_moves_the_hand_to_the_side_that_it_names(world: LiberoWorld) -> None:
    for side in SIDES.values():
        world.reset(BOWL_TASK, 0)
        start = world.hand
        for _ in range(8):
            world.step(np.array([*0.5 * side, 0.0, 0.0, 0.0, -1.0]))
        moved = world.hand - start
        assert moved @ side > 0.9 * np.linalg.norm(moved) > 0.03


def test_the_label_faces_right_at_the_start(world: LiberoWorld) -> None:
    world.reset("put_the_wine_bottle_on_the_rack", 0)
    assert world.rotation(BOTTLE) @ LABEL @ SIDES["right"] > 0.99


@pytest.mark.parametrize("action", [np.zeros(6), np.full(7, np.nan)])
def test_a_command_that_is_none_is_refused(world: LiberoWorld, action: np.ndarray) -> None:
    with pytest.raises(ValueError, match="7 finite numbers"):
        world.step(action)


def test_a_demonstration_is_judged_as_its_own_way_and_no_other(world: LiberoWorld) -> None:
    track = demonstrate(world, "bowl_to_stove", {"edge": "left"}, 0)
    assert judge(track, "bowl_to_stove", {"edge": "left"}).kinematic
    assert world.goal(GOALS["bowl_to_stove"].task)
    other = judge(track, "bowl_to_stove", {"edge": "right"})
    assert other.goal
    assert [name for name, kept in other.constraints.items() if not kept] == ["edge"]


def test_standing_still_reaches_no_goal(world: LiberoWorld) -> None:
    for name, goal in GOALS.items():
        world.reset(goal.task, 0)
        track = Track(look(world))
        for _ in range(3):
            world.step(STAY)
            track.add(look(world))
        way = {"edge": "left", "section": "upper", "hold": "plain", "extent": "slightly"}
        way |= {"path": "diagonal", "distance": "close", "part": "neck", "place": "any"}
        assert not judge(track, name, way | {"label": "left"}).goal
        assert not world.goal(goal.task)
