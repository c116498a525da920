"""Demonstrations of LIBERO as a dataset, where LIBERO is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kinevla_ros.sim.libero.installed import is_installed

if not is_installed():
    pytest.skip("LIBERO is not installed: run scripts/libero.sh", allow_module_level=True)

from kinevla_ros.data.episode import Episode
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import Schema
from kinevla_ros.data.lerobot.writer import DatasetWriter
from kinevla_ros.sim.libero.collect import (
    SPARSE,
    SPARSE_VECTORS,
    VECTORS,
    perturbed,
    record,
    sparse,
)
from kinevla_ros.sim.libero.pictures import SIZE
from kinevla_ros.sim.libero.tasks import libero_tasks
from kinevla_ros.sim.libero.world import LIBERO_SPACE, LiberoWorld

CHEESE = next(c for c in libero_tasks("libero").commands if c.object == "cheese")


@pytest.fixture(scope="module")
def world() -> Iterator[LiberoWorld]:
    made = LiberoWorld()
    yield made
    made.close()


@pytest.fixture(scope="module")
def episode(world: LiberoWorld) -> Episode:
    return record(world, CHEESE, np.random.default_rng(0), perturbed())


def test_commands_are_those_of_the_demonstrator_and_states_follow_them(episode: Episode) -> None:
    actions = np.array([frame.action for frame in episode.frames])
    hands = np.array([frame.state[:3] for frame in episode.frames])
    assert np.abs(actions).max() <= 1.0
    moved = np.diff(hands, axis=0)
    fast = np.linalg.norm(actions[:-1, :3], axis=1) > 0.9
    along = (moved[fast] * actions[:-1][fast, :3]).sum(axis=1)
    assert fast.sum() > 5
    assert np.mean(along > 0) > 0.9


def test_its_pictures_show_the_motion(episode: Episode) -> None:
    first, last = episode.frames[0].images, episode.frames[-1].images
    for camera in LIBERO_SPACE.cameras:
        assert first[camera].shape == (SIZE, SIZE, 3)
        assert np.abs(first[camera].astype(int) - last[camera]).mean() > 1.0


def test_a_dataset_of_it_is_read_back(episode: Episode, tmp_path: Path) -> None:
    with DatasetWriter.open(tmp_path, Schema(VECTORS, SIZE, SIZE, space=LIBERO_SPACE)) as writer:
        writer.add(episode)
    frames = DatasetReader(tmp_path).frames
    assert len(frames["index"]) == len(episode.frames)
    np.testing.assert_allclose(frames["action"][3], episode.frames[3].action, rtol=1e-6)
    assert frames["reasoning.kinematics"][3] == episode.frames[3].kinematics
    assert frames["task"][3] == episode.instruction


def test_few_frames_carry_the_commands_between_them(world: LiberoWorld, episode: Episode) -> None:
    few = record(world, CHEESE, np.random.default_rng(0), sparse())
    assert few.instruction == episode.instruction
    assert len(few.frames) == pytest.approx(len(episode.frames) / SPARSE, abs=1)
    chunk = few.frames[2].vectors["action.chunk"].reshape(LIBERO_SPACE.horizon, -1)
    np.testing.assert_allclose(chunk[SPARSE], few.frames[3].action, atol=1e-6)
    assert set(few.frames[0].vectors) == set(SPARSE_VECTORS)


def test_its_last_chunk_ends_still(world: LiberoWorld) -> None:
    few = record(world, CHEESE, np.random.default_rng(1), sparse())
    last = few.frames[-1].vectors["action.chunk"].reshape(LIBERO_SPACE.horizon, -1)[-1]
    np.testing.assert_array_equal(last[:6], 0.0)
    assert last[6] == few.frames[-1].action[6]
