"""How the cell may look to learn from, and that nothing but the look changes."""

from __future__ import annotations

from contextlib import closing

import mujoco
import numpy as np
import pytest

from kinevla_ros.sim.cell import variety
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.textures import table_textures
from kinevla_ros.sim.cell.variation import KINDS, Variation, cell_model
from kinevla_ros.sim.cell.variety import Variety, table_places, varied_model

PLACES = np.array([[0.25, 0.23], [0.22, -0.19], [0.25, -0.04]])


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return varied_model()


def test_a_varied_cell_moves_as_a_plain_one() -> None:
    with closing(Cell()) as plain, closing(Cell(varied=True)) as varied:
        for cell in (plain, varied):
            cell.reset(np.random.default_rng(3))
            cell.set_gripper(0.02)
            cell.step(0.3)
        np.testing.assert_array_equal(plain.qpos(), varied.qpos())


def test_each_draw_begins_at_the_usual_look(model: mujoco.MjModel) -> None:
    drawn = Variety(model)
    before = {name: getattr(model, name).copy() for name in variety._CHANGED}
    moved = 0
    for seed in range(30):
        drawn.draw(np.random.default_rng(seed), PLACES)
        shift = np.abs(model.cam_pos - before["cam_pos"]).max()
        assert shift <= variety.CAMERA_SHIFT * 0.62 * np.sqrt(2) + 1e-9
        moved += bool(shift)
    assert 15 <= moved < 30
    usual = next(s for s in range(99) if np.random.default_rng(s).random() < variety.USUAL)
    exposures = drawn.draw(np.random.default_rng(usual), PLACES)
    for name, values in before.items():
        np.testing.assert_array_equal(getattr(model, name), values)
    picture = np.arange(256 * 3, dtype=np.uint8).reshape(16, 16, 3)
    np.testing.assert_array_equal(exposures["front"](picture), picture)


def test_clutter_keeps_away_from_the_objects(model: mujoco.MjModel) -> None:
    drawn, seen = Variety(model), 0
    for seed in range(40):
        drawn.draw(np.random.default_rng(seed), PLACES)
        lying = model.geom_pos[drawn._clutter]
        on_table = lying[lying[:, 2] > 0, :2]
        seen += len(on_table)
        distances = np.linalg.norm(on_table[:, None] - PLACES, axis=-1)
        assert (distances > variety._CLEAR).all()
    assert seen > 40


def test_unknown_objects_and_a_camera_so_far_aside_are_not_drawn(
    model: mujoco.MjModel,
) -> None:
    assert KINDS["camera"].default > variety.CAMERA_SHIFT
    tried = cell_model(Variation("distractors", 6))
    names = [tried.geom(n).name for n in range(tried.ngeom)]
    kinds = {
        int(tried.geom_type[n]) for n, name in enumerate(names) if name.startswith("distractor")
    }
    assert kinds
    assert not kinds & {int(model.geom_type[n]) for n in Variety(model)._clutter}


def test_places_are_those_of_the_objects(model: mujoco.MjModel) -> None:
    with closing(Cell()) as cell:
        state = cell.reset(np.random.default_rng(0))
        data = mujoco.MjData(model)
        data.qpos[:] = cell.qpos()
        found = table_places(model, data)
    np.testing.assert_allclose(found, [pose[:2] for pose in state.poses.values()], atol=1e-6)


def test_table_tops_are_always_the_same_and_all_different() -> None:
    first, second = list(table_textures()), list(table_textures())
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
    assert len({texture.tobytes() for texture in first}) == len(first)
