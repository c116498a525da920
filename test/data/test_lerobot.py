"""A dataset gives back what was written, whatever happened in between."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from small_datasets import SCHEMA, episode, scene, write

from kinevla_ros.data.episode import Episode, Frame
from kinevla_ros.data.lerobot.feature_statistics import merge, summarise
from kinevla_ros.data.lerobot.metadata import DatasetError
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import Schema
from kinevla_ros.data.lerobot.writer import DatasetWriter


def assert_holds(root: Path, count: int) -> None:
    """The dataset is exactly the episodes 0..count-1."""
    reader = DatasetReader(root)
    originals = [episode(index) for index in range(count)]
    assert [entry.instruction for entry in reader.episodes] == [e.instruction for e in originals]
    frames = [frame for original in originals for frame in original.frames]
    columns = reader.frames
    np.testing.assert_array_equal(columns["action"], [frame.action for frame in frames])
    np.testing.assert_array_equal(columns["observation.state"], [frame.state for frame in frames])
    np.testing.assert_array_equal(
        columns["environment_state"], [frame.vectors["environment_state"] for frame in frames]
    )
    assert columns["reasoning.goal"].tolist() == [frame.goal for frame in frames]
    assert columns["reasoning.kinematics"].tolist() == [frame.kinematics for frame in frames]
    assert columns["index"].tolist() == list(range(len(frames)))
    for camera in reader.cameras:
        decoded = list(reader.iter_video(camera))
        assert len(decoded) == count
        for original, video in zip(originals, decoded, strict=True):
            images = np.stack([frame.images[camera] for frame in original.frames])
            assert np.abs(video.astype(int) - images).mean() < 4


def test_a_dataset_gives_back_its_episodes(tmp_path: Path) -> None:
    write(tmp_path, range(5))
    assert_holds(tmp_path, 5)
    reader = DatasetReader(tmp_path)
    assert reader.cameras == ("front", "wrist")
    assert reader.frames["task"][reader.episodes[3].span].tolist() == ["put the bread there, 1"] * 6


def test_one_episode_can_be_watched_without_the_others(tmp_path: Path) -> None:
    write(tmp_path, range(5), episodes_per_shard=3)
    reader = DatasetReader(tmp_path)
    for index, expected in enumerate(reader.iter_video("wrist")):
        np.testing.assert_array_equal(reader.video(index, "wrist"), expected)


def test_timestamps_restart_with_each_episode_and_with_each_video(tmp_path: Path) -> None:
    write(tmp_path, range(3))
    reader = DatasetReader(tmp_path)
    step = np.tile(np.arange(6) / 10, 3)
    np.testing.assert_allclose(reader.frames["timestamp"], step, atol=1e-6)
    assert [entry.clips["front"].first for entry in reader.episodes] == [0, 6, 0]
    rows = [
        row
        for path in sorted(tmp_path.glob("meta/episodes/*/*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
    key = "videos/observation.images.front"
    spans = [(row[f"{key}/from_timestamp"], row[f"{key}/to_timestamp"]) for row in rows]
    np.testing.assert_allclose(spans, [(0, 0.6), (0.6, 1.2), (0, 0.6)])


def test_a_closed_dataset_can_be_continued(tmp_path: Path) -> None:
    write(tmp_path, range(3))
    with DatasetWriter.open(tmp_path, SCHEMA, episodes_per_shard=2) as writer:
        assert (writer.episodes, writer.frames) == (3, 18)
        writer.add(episode(3))
        assert (writer.episodes, writer.frames) == (4, 24)
    assert_holds(tmp_path, 4)


def test_a_kill_loses_the_open_shard_only(tmp_path: Path) -> None:
    code = (
        "import sys, time; sys.path.insert(0, 'test/support/data'); from pathlib import Path;"
        "from small_datasets import *;"
        f"writer = DatasetWriter.open({str(tmp_path)!r}, SCHEMA, 2);"
        "[writer.add(episode(index)) for index in range(5)];"
        "print('written', flush=True); time.sleep(60)"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "written\n"
        with pytest.raises(DatasetError, match="another process writes"):
            DatasetWriter.open(tmp_path, SCHEMA)
        os.kill(child.pid, signal.SIGKILL)
    assert_holds(tmp_path, 4)
    write(tmp_path, range(4, 7))
    assert_holds(tmp_path, 7)


@pytest.mark.parametrize("survived", range(7))
def test_a_kill_between_the_files_of_a_shard_leaves_the_earlier_ones(
    tmp_path: Path, survived: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, range(2))
    replace: Callable[..., None] = os.replace
    moves = 0

    def killed_after(*paths: object) -> None:
        nonlocal moves
        if moves == survived:
            raise KeyboardInterrupt
        moves += 1
        replace(*paths)

    monkeypatch.setattr(os, "replace", killed_after)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, range(2, 4))
    monkeypatch.undo()
    assert_holds(tmp_path, 2)
    write(tmp_path, range(2, 5))
    assert_holds(tmp_path, 5)


def test_an_interrupt_while_an_episode_is_added_loses_that_episode_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with DatasetWriter.open(tmp_path, SCHEMA) as writer:
        writer.add(episode(0))
        with monkeypatch.context() as patch:
            patch.setattr("kinevla_ros.data.lerobot.shard.summarise_images", interrupt)
            with pytest.raises(KeyboardInterrupt):
                writer.add(episode(9))
        writer.add(episode(1))
    assert_holds(tmp_path, 2)


def test_another_set_of_features_is_refused(tmp_path: Path) -> None:
    write(tmp_path, range(1))
    other = Schema(vectors={"action.chunk": ("a", "b")}, height=48, width=64)
    with pytest.raises(DatasetError, match=r"environment_state, action\.chunk differ"):
        DatasetWriter.open(tmp_path, other)
    write(tmp_path, range(1, 2))
    assert_holds(tmp_path, 2)


def test_an_episode_of_another_shape_is_refused_and_leaves_no_trace(tmp_path: Path) -> None:
    bare = Frame(
        {"front": scene(0, 0), "wrist": scene(0, 1)}, np.zeros(8), np.zeros(8), "goal", "kinematics"
    )
    with DatasetWriter.open(tmp_path, SCHEMA) as writer:
        with pytest.raises(ValueError, match="needs \\['environment_state'\\]"):
            writer.add(Episode("put it there", [bare]))
        writer.add(episode(0))
    assert_holds(tmp_path, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("images", {"front": np.zeros((48, 64, 3))}),
        ("images", {"front": np.zeros((48, 64), dtype=np.uint8)}),
        ("state", np.zeros((8, 1))),
        ("action", np.full(8, np.nan)),
        ("vectors", {"environment_state": [np.inf, 0, 0]}),
    ],
)
def test_a_frame_that_cannot_be_true_is_refused(field: str, value: object) -> None:
    fields = {"images": {"front": scene(0, 0)}, "state": np.zeros(8), "action": np.zeros(8)}
    fields |= {"goal": "goal", "kinematics": "kinematics"}  # type: ignore[dict-item]
    named = {"vectors": "environment_state", "images": "front"}
    with pytest.raises(ValueError, match=named.get(field, field)):
        Frame(**(fields | {field: value}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("images", {"front": scene(0, 0)}, "pictures of front; the dataset needs front, wrist"),
        ("state", np.zeros(7), "observation.state has 7 components, not 8"),
        ("action", np.zeros(9), "action has 9 components, not 8"),
    ],
)
def test_a_frame_of_another_arm_or_camera_is_refused(
    tmp_path: Path, field: str, value: object, named: str
) -> None:
    frame = replace(episode(0).frames[0], **{field: value})  # type: ignore[arg-type]
    with DatasetWriter.open(tmp_path, SCHEMA) as writer, pytest.raises(ValueError, match=named):
        writer.add(Episode("put it there", [frame]))


def test_statistics_are_those_of_all_frames_even_after_a_restart(tmp_path: Path) -> None:
    write(tmp_path, range(3))
    write(tmp_path, range(3, 5))
    actions = DatasetReader(tmp_path).frames["action"].astype(float)
    stored = json.loads((tmp_path / "meta/stats.json").read_text())["action"]
    np.testing.assert_allclose(stored["min"], actions.min(axis=0))
    np.testing.assert_allclose(stored["max"], actions.max(axis=0))
    np.testing.assert_allclose(stored["mean"], actions.mean(axis=0))
    np.testing.assert_allclose(stored["std"], actions.std(axis=0))
    assert stored["count"] == [30]
    assert np.all(np.diff([stored[q] for q in ("q01", "q10", "q50", "q90", "q99")], axis=0) >= 0)


def test_image_statistics_lie_in_the_unit_range_per_channel(tmp_path: Path) -> None:
    write(tmp_path, range(2))
    stats = json.loads((tmp_path / "meta/stats.json").read_text())
    mean = np.array(stats["observation.images.front"]["mean"])
    assert mean.shape == (3, 1, 1)
    np.testing.assert_allclose(mean.ravel(), np.array([115, 110, 57]) / 255, atol=0.1)


values = arrays(np.float64, (7, 2), elements=st.floats(-1e3, 1e3))


@given(values, values, st.integers(1, 7))
def test_merged_statistics_are_those_of_both_sets(
    first: np.ndarray, second: np.ndarray, length: int
) -> None:
    merged = merge(summarise(first), summarise(second[:length]))
    together = summarise(np.concatenate([first, second[:length]]))
    for name in ("min", "max", "mean", "std", "count"):
        np.testing.assert_allclose(merged[name], together[name], atol=1e-6)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    texts=st.lists(
        st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip), min_size=1, max_size=4
    ),
    episodes_per_shard=st.integers(1, 3),
)
def test_any_text_survives(
    texts: list[str], episodes_per_shard: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("texts")
    with DatasetWriter.open(root, Schema(height=16, width=16), episodes_per_shard) as writer:
        for text in texts:
            image = np.zeros((16, 16, 3), dtype=np.uint8)
            frame = Frame(
                {"front": image, "wrist": image}, np.zeros(8), np.zeros(8), text, text[::-1]
            )
            writer.add(Episode(text, [frame]))
    columns = DatasetReader(root).frames
    assert columns["task"].tolist() == texts
    assert columns["reasoning.goal"].tolist() == texts
    assert columns["reasoning.kinematics"].tolist() == [text[::-1] for text in texts]


def test_a_missing_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no dataset at"):
        DatasetReader(tmp_path / "nowhere")


def test_an_older_format_is_refused_with_the_way_to_convert_it(tmp_path: Path) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta/info.json").write_text('{"codebase_version": "v2.1"}')
    with pytest.raises(DatasetError, match="kinevla convert"):
        DatasetReader(tmp_path)


@pytest.mark.parametrize(
    "pattern",
    ["meta/info.json", "meta/tasks.parquet", "meta/episodes/*/*-001.parquet", "data/*/*-001*"],
)
def test_a_damaged_file_is_named(tmp_path: Path, pattern: str) -> None:
    write(tmp_path, range(4))
    (damaged,) = tmp_path.glob(pattern)
    damaged.write_bytes(damaged.read_bytes()[:40])
    with pytest.raises(DatasetError, match=damaged.name):
        _ = DatasetReader(tmp_path).frames


@pytest.mark.parametrize("damage", ["cut", "empty", "gone"])
def test_a_damaged_video_is_named(tmp_path: Path, damage: str) -> None:
    write(tmp_path, range(4))
    (path,) = tmp_path.glob("videos/*front/*/file-001.mp4")
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(content[: len(content) // 2 if damage == "cut" else 0])
    reader = DatasetReader(tmp_path)
    reader.video(1, "front")
    with pytest.raises(DatasetError, match=path.name):
        reader.video(2, "front")
    with pytest.raises(DatasetError, match=path.name):
        list(reader.iter_video("front"))


@pytest.mark.parametrize("size", [0, 500, 2500, 5000])
def test_a_disk_that_fills_leaves_the_episodes_saved_before(tmp_path: Path, size: int) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    writer = DatasetWriter.open(tmp_path, SCHEMA, episodes_per_shard=2)
    try:
        for index in range(3):
            writer.add(episode(index))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        with pytest.raises(OSError):
            writer.add(episode(3, length=60))
        with suppress(OSError):
            writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert_holds(tmp_path, 2)
    write(tmp_path, range(2, 4))
    assert_holds(tmp_path, 4)
