"""Demonstrations become a dataset, and the dataset becomes training samples."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from sentences import FIXTURES
from shipped_tasks import TASKS, goal_text, kinematics_text, parse_instruction

from kinevla_ros.base.action_space import RM75
from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.base.files.cache import cache_folder
from kinevla_ros.data.lerobot.metadata import DatasetError
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.language.task_file import shipped_file
from kinevla_ros.robot.gate.chunk_checks import ChunkCase
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.gate import CHUNK_CHECKS, run_checks
from kinevla_ros.robot.gate.workspace import CELL_WORKSPACE
from kinevla_ros.robot.kinematics import forward
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.state import ArmState
from kinevla_ros.sim.cell.cell import HOME
from kinevla_ros.sim.demonstrations.collect import Moment, collect
from kinevla_ros.training.generator.samples import Samples, load_samples


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("collected") / "dataset"
    assert collect(root, episodes=3, seed=0) == 3
    return root


@pytest.fixture(scope="module")
def samples(dataset: Path) -> Samples:
    return load_samples([dataset], image_size=32)


def test_every_task_comes_in_turn_with_its_own_words(dataset: Path) -> None:
    reader = DatasetReader(dataset)
    for entry, command in zip(reader.episodes, TASKS, strict=False):
        assert parse_instruction(entry.instruction) == command
        assert (reader.frames["reasoning.goal"][entry.span] == goal_text(command)).all()
        texts = reader.frames["reasoning.kinematics"][entry.span]
        assert (texts == kinematics_text(command)).all()


def test_a_finished_dataset_is_left_alone_and_a_larger_one_goes_on(dataset: Path) -> None:
    before = DatasetReader(dataset).frames["observation.state"]
    assert collect(dataset, episodes=3, seed=0) == 0
    np.testing.assert_array_equal(DatasetReader(dataset).frames["observation.state"], before)


def test_the_demonstrated_command_is_always_a_label(samples: Samples) -> None:
    rows = np.arange(len(samples))
    assert samples.valid[rows, samples.task].all()
    assert samples.valid.sum(axis=1).max() == len(TASKS)


def test_with_something_in_the_grip_only_commands_of_that_goal_are_labels(
    samples: Samples,
) -> None:
    held = samples.valid.sum(axis=1) < len(TASKS)
    assert held.any()
    for row in np.flatnonzero(held):
        same = [t.object == TASKS[samples.task[row]].object for t in TASKS]
        np.testing.assert_array_equal(samples.valid[row], same)


def test_the_same_state_teaches_different_chunks_for_different_words(samples: Samples) -> None:
    free = np.flatnonzero(samples.valid.all(axis=1))
    upper, lower = samples.chunks[free, 3], samples.chunks[free, 5]
    assert np.abs(upper - lower).max(axis=(1, 2)).mean() > 0.02


def test_labels_begin_at_the_arm_and_pass_the_gate(samples: Samples) -> None:
    space = CollisionModel(CELL_WORKSPACE)
    rows = np.random.default_rng(0).choice(len(samples), 60, replace=False)
    for row in rows:
        q = samples.state[row, :7].astype(float)
        for task in np.flatnonzero(samples.valid[row]):
            label = samples.chunks[row, task].astype(float)
            chunk = ActionChunk(1.0, 1, q + label[:, :7], label[:, 7])
            case = ChunkCase(chunk, ArmState(q, 1.0), q, RM75_LIMITS, space, now=1.1)
            result = run_checks(CHUNK_CHECKS, case)
            assert result.ok, result.reason


def test_images_are_squares_of_both_cameras_and_not_black(samples: Samples) -> None:
    images = samples.images[np.arange(len(samples))]
    assert images.shape == (len(samples), 2, 32, 32, 3)
    assert images.std(axis=(1, 2, 3, 4)).min() > 10


def test_frames_of_several_datasets_keep_their_images(dataset: Path, samples: Samples) -> None:
    count = len(samples)
    both = load_samples([dataset, dataset], image_size=32)
    assert (len(both), both.parts) == (2 * count, (count, count))
    rows = np.array([2 * count - 1, 0, count, count - 1, 5])
    np.testing.assert_array_equal(both.images[rows], samples.images[rows % count])
    np.testing.assert_array_equal(both.state[rows], samples.state[rows % count])


@pytest.mark.parametrize("name", ["images_32.json", "images_32.npy"])
def test_kept_pictures_that_are_damaged_are_decoded_again(dataset, samples, name) -> None:
    rows = np.arange(len(samples))
    before = samples.images[rows]
    kept = list(cache_folder().rglob(name))
    assert kept
    for path in kept:
        path.write_bytes(b"{")
    np.testing.assert_array_equal(load_samples([dataset], image_size=32).images[rows], before)


def test_a_dataset_carries_its_tasks_and_one_with_others_than_its_texts_is_not_trained_on(
    dataset: Path, tmp_path: Path
) -> None:
    assert (dataset / "tasks.yaml").read_text() == shipped_file().read_text()
    copy = Path(shutil.copytree(dataset, tmp_path / "copy"))
    shutil.copy(FIXTURES / "cup.yaml", copy / "tasks.yaml")
    with pytest.raises(DatasetError, match="kinematics text"):
        load_samples([copy], image_size=None)
    (copy / "tasks.yaml").write_text("name: 3")
    with pytest.raises(DatasetError, match=r"tasks\.yaml:1"):
        load_samples([copy], image_size=None)


def test_a_moment_is_short_and_shows_a_scene_of_its_own_near_an_object_or_at_the_start(
    tmp_path: Path,
) -> None:
    collect(tmp_path, episodes=12, seed=0, make_driver=Moment)
    reader = DatasetReader(tmp_path)
    scenes, state = reader.frames["environment_state"], reader.frames["observation.state"]
    firsts = [entry.span.start for entry in reader.episodes]
    assert len(state) == 5 * len(firsts)
    assert len({scenes[first].tobytes() for first in firsts}) == len(firsts)
    tools = [forward(state[first, :7].astype(float))[0][:2] for first in firsts]
    away = [
        np.linalg.norm(scenes[first].reshape(3, 4)[:, :2] - tool, axis=1).min()
        for first, tool in zip(firsts, tools, strict=True)
    ]
    at_home = [np.allclose(state[first, :7], HOME, atol=0.01) for first in firsts]
    near = np.array(away) < 0.12
    assert near.sum() >= 6
    assert 1 <= sum(at_home) <= 8


def test_a_dataset_without_alternatives_is_labelled_by_its_own_actions(dataset: Path) -> None:
    from kinevla_ros.training.generator.samples import _chunks

    columns = dict(DatasetReader(dataset).frames)
    for name in ("action.alternatives", "action.alternatives_valid", "action.chunk"):
        del columns[name]
    state = columns["observation.state"]
    task = np.zeros(len(state), np.int64)
    chunks, valid = _chunks(columns, state, task, len(TASKS), RM75)
    assert valid.sum() == len(state)
    first = chunks[0, 0]
    expected = columns["action"][:5].copy()
    expected[:, :7] -= state[0, :7]
    np.testing.assert_allclose(first, expected)
