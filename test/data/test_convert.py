"""What a lab recorded becomes a dataset that can be trained on, or is refused by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dataset_faults import (
    ACTION,
    GOAL,
    STATE,
    contradicting_task,
    delta,
    findings,
    gap,
    gripper_first,
    gripper_in,
    in_degrees,
    nan,
    only_task,
    other_rows,
    thirty_hertz,
    without_gripper,
)
from demonstrations import (
    LEFT,
    bread_motion,
    change_column,
    change_info,
    only,
    picture,
    rename_feature,
    write_sound,
)
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from kinevla_ros.cli import app
from kinevla_ros.data.convert.dataset import convert_dataset
from kinevla_ros.data.convert.mapping import FeatureNames, FeatureUnits, MappingError
from kinevla_ros.data.convert.resample import SHORTEST, TooSlow, resample
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import DatasetError
from kinevla_ros.language.task_file import kine_realman, save_tasks

Spoil = Callable[[Path], None]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sound(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def dataset(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "dataset"))


def convert(root: Path, names: dict[str, str] | None = None, units: tuple[str, ...] = ()) -> Path:
    target = root.parent / "converted"
    list(convert_dataset(root, target, FeatureNames(names or {}), FeatureUnits.read(units)))
    return target


def assert_same(root: Path, original: Path) -> None:
    """Rows, texts and pictures are those of the original."""
    old, new = DatasetReader(original), DatasetReader(root)
    for name in (STATE, ACTION, "timestamp", "index"):
        np.testing.assert_allclose(new.frames[name], old.frames[name], atol=1e-5)
    for name in ("task", GOAL):
        assert new.frames[name].tolist() == old.frames[name].tolist()
    for camera in ("front", "wrist"):
        for ours, theirs in zip(new.iter_video(camera), old.iter_video(camera), strict=True):
            assert np.abs(ours.astype(int) - theirs).mean() < 3


CURED: dict[str, tuple[Spoil, dict[str, str], tuple[str, ...]]] = {
    "nothing": (lambda _: None, {}, ()),
    "degrees": (
        lambda root: [change_column(root, name, in_degrees) for name in (STATE, ACTION)],
        {},
        ("joints=deg",),
    ),
    "action alone in degrees": (
        lambda root: change_column(root, ACTION, in_degrees),
        {},
        ("action.joints=deg",),
    ),
    "gripper in per mille": (
        lambda root: [change_column(root, name, gripper_in(1000)) for name in (STATE, ACTION)],
        {},
        ("gripper=permille",),
    ),
    "another order": (gripper_first, {}, ()),
    "differences": (lambda root: (delta(root), absolute_gripper(root)), {}, ("action=delta",)),
    "rows in another order": (other_rows, {}, ()),
    "other cameras": (
        lambda root: rename_feature(root, "observation.images.front", "observation.images.top"),
        {"front": "top"},
        (),
    ),
    "other components": (
        lambda root: change_info(root, other_components),
        {"joint1": "shoulder_pan.pos", "gripper": "hand"},
        (),
    ),
}


def absolute_gripper(root: Path) -> None:
    """Differences of the joints come with the gripper's absolute opening."""
    openings = DatasetReader(root).frames[STATE][:, 7]
    change_column(root, ACTION, lambda v: np.column_stack([v[:, :7], v[:, 7] + openings]))


def other_components(info: dict) -> None:
    for name in (STATE, ACTION):
        names = ["shoulder_pan.pos", *(f"joint_{n}.pos" for n in range(2, 8)), "hand"]
        info["features"][name]["names"] = names


@pytest.mark.parametrize("case", CURED)
def test_what_the_check_finds_is_mended_by_what_it_says(
    case: str, sound: Path, dataset: Path
) -> None:
    spoil, names, units = CURED[case]
    spoil(dataset)
    save_tasks(kine_realman(), dataset)
    before = {path: path.read_bytes() for path in dataset.rglob("*") if path.is_file()}
    target = convert(dataset, names, units)
    assert findings(target) == []
    assert_same(target, sound)
    assert (target / "tasks.yaml").read_bytes() == (dataset / "tasks.yaml").read_bytes()
    assert {path: path.read_bytes() for path in dataset.rglob("*") if path.is_file()} == before


def test_thirty_frames_a_second_become_ten(tmp_path: Path) -> None:
    source = write_sound(tmp_path / "source", fps=30, steps=120)
    target = convert(source)
    old, new = DatasetReader(source), DatasetReader(target)
    assert new.info["fps"] == 10
    assert [entry.length for entry in new.episodes] == [40, 40, 40]
    every = np.concatenate([entry.start + np.arange(0, 120, 3) for entry in old.episodes])
    np.testing.assert_allclose(new.frames[STATE], old.frames[STATE][every], atol=1e-6)
    # What was commanded for a tenth of a second later: the action two frames on.
    np.testing.assert_allclose(new.frames[ACTION], old.frames[ACTION][every + 2], atol=1e-6)
    video = old.video(1, "front")[::3]
    assert np.abs(new.video(1, "front").astype(int) - video).mean() < 3
    assert [line for line in findings(target) if "jumps" not in line] == []


def test_stamps_decide_and_not_the_rate_that_is_written_down(dataset: Path) -> None:
    thirty_hertz(dataset)
    target = convert(dataset)
    assert [entry.length for entry in DatasetReader(target).episodes] == [13, 13, 13]


def test_an_episode_is_cut_at_its_gap_and_said_so(dataset: Path) -> None:
    gap(dataset)
    target = dataset.parent / "converted"
    lines = list(convert_dataset(dataset, target, FeatureNames({}), FeatureUnits.read(())))
    assert str(lines[1]).startswith("recording 1: 40 of 40 frames, 2 episodes: cut at 1.90 s")
    assert [entry.length for entry in DatasetReader(target).episodes] == [40, 20, 20, 40]
    assert findings(target) == []


def test_without_texts_the_new_dataset_has_none_either(dataset: Path) -> None:
    only_task(dataset)
    target = convert(dataset)
    (finding,) = findings(target)
    assert "kinevla annotate" in finding


def test_a_contradiction_is_not_mended(dataset: Path) -> None:
    contradicting_task(dataset)
    assert any("direction" in line for line in findings(convert(dataset)))


@pytest.mark.parametrize(
    ("spoil", "names", "units", "error", "message"),
    [
        (without_gripper, {}, (), MappingError, "has no gripper"),
        (nan, {}, (), DatasetError, "NaN"),
        (lambda _: None, {"front": "top"}, (), MappingError, "no camera top.*front, wrist"),
        (lambda _: None, {"joint1": "elbow"}, (), MappingError, "has no joint1.*--map joint1"),
        (lambda _: None, {"side": "top"}, (), MappingError, "side is none of front"),
        (lambda _: None, {"front": "wrist"}, (), MappingError, "wrist would be wrist as well"),
        (lambda _: None, {"joint2": "joint1"}, (), MappingError, "joint1 would be joint1 as well"),
        (lambda _: None, {"action": "act"}, (), DatasetError, "no column act"),
        (lambda _: None, {}, ("joints=grad",), MappingError, "joints=rad|deg"),
        (lambda _: None, {}, ("torque=deg",), MappingError, "joints=rad|deg"),
    ],
)
def test_what_cannot_be_converted_is_refused_and_nothing_written(
    spoil: Spoil, names: dict, units: tuple, error: type[Exception], message: str, dataset: Path
) -> None:
    spoil(dataset)
    with pytest.raises(error, match=message):
        convert(dataset, names, units)
    assert not (dataset.parent / "converted/meta/info.json").exists()


def test_an_episode_to_drop_that_is_not_there_is_named(dataset: Path) -> None:
    words = ["convert", str(dataset), str(dataset.parent / "converted"), "--drop", "99"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert "--drop 99" in result.output
    assert "its last is 2" in " ".join(result.output.split())
    assert not (dataset.parent / "converted").exists()


def test_a_conversion_that_is_broken_off_leaves_nothing_and_can_be_run_again(
    dataset: Path,
) -> None:
    target = dataset.parent / "converted"
    lines = convert_dataset(dataset, target, FeatureNames({}), FeatureUnits.read(()))
    next(lines)
    assert target.exists()
    with pytest.raises(KeyboardInterrupt):
        lines.throw(KeyboardInterrupt())
    assert not target.exists()
    assert_same(convert(dataset), dataset)


def test_five_frames_a_second_are_too_few(tmp_path: Path) -> None:
    source = write_sound(tmp_path / "source", fps=5)
    lines = convert_dataset(source, tmp_path / "target", FeatureNames({}), FeatureUnits.read(()))
    assert "5 frames a second are too few" in str(next(lines))
    with pytest.raises(DatasetError, match=r"nothing of .* can be used"):
        list(lines)


def test_a_dataset_is_never_converted_in_place_or_over_another(dataset: Path) -> None:
    for target in (dataset, dataset / "new"):
        with pytest.raises(DatasetError, match="another folder"):
            list(convert_dataset(dataset, target, FeatureNames({}), FeatureUnits.read(())))
    other = dataset.parent / "other"
    other.mkdir()
    (other / "notes.txt").touch()
    with pytest.raises(DatasetError, match="not empty"):
        list(convert_dataset(dataset, other, FeatureNames({}), FeatureUnits.read(())))


def pictures_in_rows(root: Path) -> None:
    """The front pictures as LeRobot keeps them without video: PNG in the rows."""
    key = "observation.images.front"
    videos = list(DatasetReader(root).iter_video("front"))
    stored = [
        {"bytes": cv2.imencode(".png", image[..., ::-1])[1].tobytes(), "path": None}
        for video in videos
        for image in video
    ]
    path = only(root, "data/*/*")
    table = pq.read_table(path).append_column(key, pa.array(stored))
    pq.write_table(table, path, row_group_size=50)
    change_info(root, lambda info: info["features"][key].update(dtype="image"))
    shutil.rmtree(root / "videos" / key)


def test_pictures_in_the_rows_become_video(sound: Path, dataset: Path) -> None:
    pictures_in_rows(dataset)
    assert any("image" in line for line in findings(dataset))
    assert_same(convert(dataset), sound)


def version_21(root: Path, target: Path) -> Path:
    """The same dataset as LeRobot wrote it before v3.0."""
    reader = DatasetReader(root)
    info = dict(reader.info, codebase_version="v2.1", chunks_size=1000)
    info["data_path"] = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
    video = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
    info["video_path"] = video
    (target / "meta").mkdir(parents=True)
    (target / "meta/info.json").write_text(json.dumps(info))
    table = pq.read_table(only(root, "data/*/*"))
    tasks = dict(zip(reader.frames["task_index"], reader.frames["task"], strict=True))
    lines = [json.dumps({"task_index": int(n), "task": text}) for n, text in tasks.items()]
    (target / "meta/tasks.jsonl").write_text("\n".join(lines))
    rows = []
    for entry in reader.episodes:
        rows.append({"episode_index": entry.index, "length": entry.length})
        path = target / info["data_path"].format(episode_chunk=0, episode_index=entry.index)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.slice(entry.start, entry.length), path)
        for camera in reader.cameras:
            write_video(
                target
                / video.format(
                    episode_chunk=0,
                    episode_index=entry.index,
                    video_key=f"observation.images.{camera}",
                ),
                reader.video(entry.index, camera),
            )
    (target / "meta/episodes.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return target


def write_video(path: Path, pictures: np.ndarray) -> None:
    from kinevla_ros.data.video import VideoWriter

    path.parent.mkdir(parents=True, exist_ok=True)
    writer = VideoWriter(path, pictures.shape[2], pictures.shape[1], 10)
    for image in pictures:
        writer.add(image)
    writer.close()


def test_version_21_is_read_directly(sound: Path, tmp_path: Path) -> None:
    source = version_21(sound, tmp_path / "source")
    assert "kinevla convert" in findings(source)[0]
    target = convert(source)
    assert findings(target) == []
    assert_same(target, sound)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("meta/tasks.jsonl", "tasks.jsonl"),
        ("data/*/episode_000001.parquet", "episode_000001.parquet"),
        ("videos/*/*wrist/episode_000001.mp4", "episode_000001.mp4"),
    ],
)
def test_a_damaged_file_of_version_21_is_named(
    sound: Path, tmp_path: Path, pattern: str, message: str
) -> None:
    source = version_21(sound, tmp_path / "source")
    path = only(source, pattern)
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(DatasetError, match=message):
        convert(source)


def test_cameras_of_two_sizes_are_kept_as_they_are(sound: Path, tmp_path: Path) -> None:
    source = version_21(sound, tmp_path / "source")
    for number in range(3):
        path = source / f"videos/chunk-000/observation.images.wrist/episode_{number:06d}.mp4"
        write_video(path, np.stack([cv2.resize(picture(n, 1), (32, 24)) for n in range(40)]))

    def change(info: dict) -> None:
        info["features"]["observation.images.wrist"]["shape"] = [24, 32, 3]

    change_info(source, change)
    target = convert(source)
    assert DatasetReader(target).video(0, "wrist").shape == (40, 24, 32, 3)
    assert findings(target) == []


@given(
    rate=st.floats(9.5, 120.0),
    seconds=st.floats(2.0, 6.0),
    jitter=st.floats(0.0, 0.3),
    seed=st.integers(0, 1000),
)
def test_frames_are_ten_a_second_at_whatever_rate(
    rate: float, seconds: float, jitter: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    count = int(seconds * rate)
    stamps = (np.arange(count) + rng.uniform(-jitter, jitter, count) / 2) / rate
    due = stamps + 1 / rate
    (part,), notes = resample(stamps, np.tile(np.sin(due)[:, None], 8))
    assert not notes
    steps = np.diff(part.rows)
    assert steps.min() >= 1
    taken = stamps[part.rows]
    if rate > 12:
        away = taken - taken[0] - 0.1 * np.arange(len(taken))
        assert np.abs(away).max() <= 0.8 / rate
        wanted = np.sin(stamps[0] + 0.1 * (np.arange(len(taken)) + 1))
        assert np.abs(part.actions[:-1, 0] - wanted[:-1]).max() < 0.05
    assert len(part.rows) == pytest.approx(seconds * 10, abs=0.12 * seconds * 10 + 2)


def test_a_recording_is_cut_at_every_gap_and_short_pieces_left_out() -> None:
    stamps = np.concatenate([np.arange(60), 90 + np.arange(8), 130 + np.arange(60)]) / 30
    parts, notes = resample(stamps, np.zeros((128, 8)))
    assert [len(part.rows) for part in parts] == [20, 20]
    assert all(part.rows.max() < 60 or part.rows.min() >= 68 for part in parts)
    assert len(notes) == 3
    assert SHORTEST == 10
    with pytest.raises(TooSlow):
        resample(np.arange(30) / 5, np.zeros((30, 8)))


def test_one_frame_that_a_camera_left_out_is_no_gap() -> None:
    stamps = np.delete(np.arange(90), [40, 60]) / 30
    (part,), notes = resample(stamps, np.zeros((88, 8)))
    assert len(part.rows) == 30
    assert not notes


def test_the_command_says_what_became_of_each_recording(dataset: Path) -> None:
    gap(dataset)
    run = CliRunner().invoke
    target = dataset.parent / "new"
    result = run(app, ["convert", str(dataset), str(target)])
    assert result.exit_code == 0, result.output
    assert "recording 1: 40 of 40 frames, 2 episodes: cut at 1.90 s" in result.output
    assert run(app, ["check", str(target)]).exit_code == 0
    result = run(app, ["convert", str(dataset), str(target), "--map", "front"])
    assert result.exit_code == 1
    assert "--map front: write our name" in result.output


def test_the_bread_of_these_tests_is_moved_within_the_arms_limits() -> None:
    assert np.abs(np.diff(bread_motion(LEFT)[:, :7], axis=0)).max() < 0.3
