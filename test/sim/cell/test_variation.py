"""Another camera, less light, more things, later chunks: what changes, and what does not."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from scripted_policy import DemonstratorPolicy

from kinevla_ros.cli import evaluate as cli
from kinevla_ros.evaluation.suite.episode import EpisodeResult
from kinevla_ros.evaluation.suite.episodes import episodes, under
from kinevla_ros.evaluation.suite.rollout import run_episode
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.variation import MEANING, Variation


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


@pytest.mark.parametrize("variation", ["camera", "lights", "distractors"])
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


def test_later_chunks_move_the_arm_later_and_the_task_is_still_done() -> None:
    plain = episodes("kine_realman", 1, 3)[:1]
    (late,) = under(plain, variations=["latency"])
    cell = Cell()
    usual, delayed = (run_episode(cell, DemonstratorPolicy(cell), e) for e in (*plain, late))
    cell.close()
    assert _first_motion(delayed) > _first_motion(usual)
    assert usual.kinematic
    assert delayed.kinematic


def _first_motion(result: EpisodeResult) -> int:
    """After how many tenths of a second the tool has gone a millimetre."""
    gone = np.linalg.norm(np.subtract(result.path, result.path[0]), axis=1)
    return int(np.argmax(gone > 1e-3))
