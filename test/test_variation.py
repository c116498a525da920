"""Another camera, less light, more things: what changes in the cell, and what does not."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from kinevla_ros.cli import evaluate as cli
from kinevla_ros.sim.cell import Cell
from kinevla_ros.sim.variation import MEANING, Variation


def seen(variation: Variation | None) -> tuple[dict[str, np.ndarray], np.ndarray]:
    cell = Cell(variation)
    state = cell.reset(np.random.default_rng(3))
    images = cell.render()
    cell.close()
    return images, state.vector()


@pytest.fixture(scope="module")
def plain() -> tuple[dict[str, np.ndarray], np.ndarray]:
    return seen(None)


def test_every_variation_is_explained_and_offered() -> None:
    assert set(MEANING) == set(get_args(Variation)) == {choice.value for choice in cli.Vary}


@pytest.mark.parametrize("variation", get_args(Variation))
def test_a_variation_changes_the_front_image_and_leaves_the_scene(plain, variation) -> None:
    images, scene = seen(variation)
    assert np.abs(images["front"].astype(int) - plain[0]["front"]).mean() > 1
    np.testing.assert_allclose(scene, plain[1], atol=1e-6)


def test_halved_lights_halve_the_image(plain) -> None:
    images, _ = seen("lights")
    dark, bright = (i["front"][100:, 60:260].mean() for i in (images, plain[0]))
    assert 0.4 < dark / bright < 0.65


def test_the_wrist_camera_does_not_see_the_front_camera_move(plain) -> None:
    images, _ = seen("camera")
    np.testing.assert_array_equal(images["wrist"], plain[0]["wrist"])
