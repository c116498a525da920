"""Demonstrations of LIBERO as a dataset, where LIBERO is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinevla_ros.sim.libero.installed import is_installed

if not is_installed():
    pytest.skip("LIBERO is not installed: run scripts/libero.sh", allow_module_level=True)

from kinevla_ros.base.resources import resource_path
from kinevla_ros.data.episode import Episode
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import Schema
from kinevla_ros.data.lerobot.writer import DatasetWriter
from kinevla_ros.language.task_file import load_tasks
from kinevla_ros.sim.libero.collect import SPACE, record
from kinevla_ros.sim.libero.pictures import SIZE
from kinevla_ros.sim.libero.world import LiberoWorld

TASKS = load_tasks(resource_path("config", "libero_goal_relabeled.yaml"))


@pytest.fixture(scope="module")
def episode() -> Episode:
    world = LiberoWorld()
    goal = TASKS.goal("cheese_into_bowl")
    made = record(world, goal, goal.ways[0], np.random.default_rng(0))
    world.close()
    return made


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
    for camera in SPACE.cameras:
        assert first[camera].shape == (SIZE, SIZE, 3)
        assert np.abs(first[camera].astype(int) - last[camera]).mean() > 1.0


def test_a_dataset_of_it_is_read_back(episode: Episode, tmp_path: Path) -> None:
    with DatasetWriter.open(tmp_path, Schema(height=SIZE, width=SIZE, space=SPACE)) as writer:
        writer.add(episode)
    frames = DatasetReader(tmp_path).frames
    assert len(frames["index"]) == len(episode.frames)
    np.testing.assert_allclose(frames["action"][3], episode.frames[3].action, rtol=1e-6)
    assert frames["reasoning.kinematics"][3] == episode.frames[3].kinematics
    assert frames["task"][3] == episode.instruction
