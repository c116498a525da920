"""Each fault that a lab's dataset may have is found, placed, and named with its cure."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dataset_faults import (
    ACTION,
    GOAL,
    KINEMATICS,
    STATE,
    contradicting_task,
    delta,
    findings,
    gap,
    gripper_first,
    gripper_in,
    in_degrees,
    names,
    nan,
    only_task,
    other_rows,
    thirty_hertz,
    without_gripper,
)
from demonstrations import (
    HEIGHT,
    LEFT,
    RIGHT,
    WIDTH,
    change_column,
    change_info,
    change_rows,
    demonstration,
    only,
    rename_feature,
    write_sound,
)
from shipped_tasks import goal_text, kinematics_text
from typer.testing import CliRunner

from kinevla_ros.cli import app
from kinevla_ros.data.checks.dataset import require_sound
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import DatasetError, Schema
from kinevla_ros.data.lerobot.writer import DatasetWriter
from kinevla_ros.training.generator.samples import load_samples

Spoil = Callable[[Path], None]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sound(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def dataset(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "dataset"))


def test_a_dataset_that_we_wrote_has_no_fault(sound: Path) -> None:
    assert findings(sound) == []
    require_sound(sound)


def as_images(root: Path) -> None:
    change_info(
        root, lambda info: info["features"]["observation.images.front"].update(dtype="image")
    )


def doubled_row(root: Path) -> None:
    change_rows(root, lambda table: table.take(np.r_[0:11, 10:40, 41:120]))


def without_rows(root: Path) -> None:
    change_rows(root, lambda table: table.slice(0, 100))


def jump(root: Path) -> None:
    def change(values: np.ndarray) -> np.ndarray:
        values = values.copy()
        values[50:80, 0] += 0.6
        return values

    for name in (STATE, ACTION):
        change_column(root, name, change)


def words(name: str, text: str | None, rows: slice) -> Spoil:
    def change(texts: np.ndarray) -> list[str | None]:
        changed = list(texts)
        changed[rows] = [text] * len(changed[rows])
        return changed

    return lambda root: change_column(root, name, change)


def other_task(root: Path) -> None:
    words(GOAL, "hang the cup on the hook", slice(0, 120))(root)
    words(KINEMATICS, "take the cup by its handle and hang it up", slice(0, 120))(root)


def contradicting_words(root: Path) -> None:
    words(GOAL, goal_text(RIGHT), slice(0, 40))(root)
    words(KINEMATICS, kinematics_text(RIGHT), slice(0, 40))(root)


def empty_task(root: Path) -> None:
    path = root / "meta/tasks.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(1, "__index_level_0__", pa.array(["", "x"])), path)


def null_task(root: Path) -> None:
    path = root / "meta/tasks.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(1, "__index_level_0__", pa.array([None, "x"])), path)


def other_text_in_the_tasks(root: Path) -> None:
    path = root / "meta/tasks.parquet"
    table = pq.read_table(path)
    changed = pa.array(["carry the bread away", *table["__index_level_0__"].to_pylist()[1:]])
    pq.write_table(table.set_column(1, "__index_level_0__", changed), path)


def foreign_task_number(root: Path) -> None:
    change_column(root, "task_index", lambda numbers: numbers + 7)


def short_video(root: Path) -> None:
    other = root.parent / "short"
    with DatasetWriter.open(other, Schema(height=HEIGHT, width=WIDTH)) as writer:
        writer.add(demonstration(LEFT, 100))
    pattern = "videos/*front/*/*.mp4"
    shutil.copy(only(other, pattern), only(root, pattern))


def long_video(root: Path) -> None:
    other = root.parent / "long"
    with DatasetWriter.open(other, Schema(height=HEIGHT, width=WIDTH)) as writer:
        writer.add(demonstration(LEFT, 150))
    pattern = "videos/*front/*/*.mp4"
    shutil.copy(only(other, pattern), only(root, pattern))


def other_span(root: Path) -> None:
    path = only(root, "meta/episodes/*/*")
    table = pq.read_table(path)
    name = "videos/observation.images.wrist/from_timestamp"
    column = pa.array([0.0, 2.0, 8.0])
    pq.write_table(table.set_column(table.column_names.index(name), name, column), path)


def vector(name: str, width: int) -> Spoil:
    def add(root: Path) -> None:
        feature = {"dtype": "float32", "shape": [width], "names": None}
        change_info(root, lambda info: info["features"].update({name: feature}))
        row = pa.array([[0.0] * width] * 120, pa.list_(pa.float32()))
        change_rows(root, lambda table: table.append_column(name, row))

    return add


def chunks_of_every_way(root: Path) -> None:
    vector("action.alternatives", 280)(root)
    vector("action.alternatives_valid", 7)(root)
    (root / "tasks.yaml").unlink()


def missing_video(root: Path) -> None:
    only(root, "videos/*wrist/*/*.mp4").unlink()


def thirty_frames(root: Path) -> None:
    change_info(root, lambda info: info.update(fps=30))


FAULTS: dict[str, tuple[Spoil, str]] = {
    "30 frames a second": (
        thirty_frames,
        r"^fps: 30 frames a second.*kinevla convert",
    ),
    "only a task": (only_task, r"reasoning\.goal and reasoning\.kin.*kinevla annotate"),
    "another task": (
        other_task,
        r"^episode 0, frame 0, reasoning: .*cup by its handle.*tasks\.yaml",
    ),
    "a task that contradicts": (
        contradicting_task,
        r"^episode 0, task: .*direction right_front, and the reasoning left_front; .*annotate",
    ),
    "state in degrees": (
        lambda root: change_column(root, STATE, in_degrees),
        r"^episode 0, frame 0, observation\.state: joint\d is .* rad .*--unit state\.joints=deg",
    ),
    "action in degrees": (
        lambda root: change_column(root, ACTION, in_degrees),
        r"^episode 0, frame 0, action: joint\d is .*--unit action\.joints=deg",
    ),
    "actions as differences": (delta, r"^episode 0.*action: .*differences.*--unit action=delta"),
    "gripper 0 to 1": (
        lambda root: change_column(root, STATE, gripper_in(1)),
        r"observation\.state: gripper is 1, .*--unit (state|action)\.gripper=share",
    ),
    "gripper 0 to 100": (
        lambda root: change_column(root, STATE, gripper_in(100)),
        r"gripper is 100, .*--unit (state|action)\.gripper=percent",
    ),
    "gripper 0 to 1000": (
        lambda root: change_column(root, ACTION, gripper_in(1000)),
        r"action: gripper is 1000, .*--unit (state|action)\.gripper=permille",
    ),
    "gripper in mm": (
        lambda root: change_column(root, STATE, gripper_in(70)),
        r"gripper is 70, .*--unit (state|action)\.gripper=mm",
    ),
    "another order": (
        gripper_first,
        r"^observation\.state: its order is gripper, joint1.*reorder it: kinevla convert",
    ),
    "other names": (
        lambda root: names(root, [*"abcdefg", "gripper"]),
        r"^action: its components are a, b.*--map joint1=a",
    ),
    "7 wide": (without_gripper, r"^observation\.state: it is 7 wide .* 8; record the gripper"),
    "pictures as images": (as_images, r"^observation\.images\.front: .*as image.*kinevla convert"),
    "other cameras": (
        lambda root: rename_feature(root, "observation.images.front", "observation.images.top"),
        r"front: missing; the cameras are .*--map front=",
    ),
    "words for another motion": (
        contradicting_words,
        r"^episode 0, frame \d+, reasoning: it says direction right_front, and the arm goes left",
    ),
    "no texts in a task": (empty_task, r"tasks\.parquet is damaged \(task 0 is ''"),
    "null as a task": (null_task, r"tasks\.parquet is damaged \(task 0 is None"),
    "a text of another task": (
        other_text_in_the_tasks,
        r'^episode 0, task_index: .*says "carry the bread away", and the episode list says "',
    ),
    "a task number that is none": (foreign_task_number, r"task_index 7 is none of"),
    "an empty reasoning": (
        words(GOAL, " ", slice(41, 44)),
        r"^episode 1, frame 1, reasoning\.goal: it is empty; .*annotate",
    ),
    "a null reasoning": (
        words(KINEMATICS, None, slice(85, 86)),
        r"^episode 2, frame 5, reasoning\.kinematics: it is empty; .*annotate",
    ),
    "rows in another order": (
        other_rows,
        r"^episode 0, frame 5, index: index 7 stands where 5 should; sort them: kinevla convert",
    ),
    "a doubled row": (doubled_row, r"^episode 0, frame 11, index: .*rows are lost or doubled"),
    "rows lost": (without_rows, r"^data: 100 rows, and meta/info.json counts 120"),
    "stamps at 30 Hz": (thirty_hertz, r"^timestamp: frames are stamped at 30 Hz.* says 10"),
    "a gap": (gap, r"^episode 1, frame 19, timestamp: 0\.80 s to the next.*cut the episode"),
    "a jump": (
        jump,
        r"^episode 1, frame 9, observation\.state: joint1 jumps by 0\.6.*NEW_FOLDER --drop 1$",
    ),
    "NaN": (nan, r"^episode 1, frame 5, action: it holds NaN"),
    "a shorter video": (short_video, r"^episode 2, frame 20, .*front: .*ends 20 frames before"),
    "a video too many": (long_video, r"^episode 2, .*front: .*holds 30 pictures more"),
    "spans that overlap": (other_span, r"^episode 1, .*wrist: .*(runs from|begins 20 frames)"),
    "chunks of every way and no tasks": (
        chunks_of_every_way,
        r"^action\.alternatives: its order is that of a task set.*tasks\.yaml.*collected with",
    ),
    "chunks of ways that nobody knows": (
        vector("action.alternatives", 280),
        r"^action\.alternatives: without action\.alternatives_valid",
    ),
    "places of other things": (
        vector("environment_state", 3),
        r"^environment_state: .*\[3\], not four numbers for each.*leave the column out",
    ),
    "no video": (missing_video, r"^episode 0, .*wrist: .*is missing"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_with_its_place_and_its_cure(fault: str, dataset: Path) -> None:
    spoil, expected = FAULTS[fault]
    spoil(dataset)
    found = findings(dataset)
    assert any(re.search(expected, line) for line in found), "\n".join(found)
    assert all("\n" not in line for line in found)


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "a video too many"])
def test_training_refuses_what_the_check_finds(fault: str, dataset: Path) -> None:
    FAULTS[fault][0](dataset)
    with pytest.raises(DatasetError):
        load_samples([dataset], image_size=32)


def test_a_fault_that_is_everywhere_is_named_once(dataset: Path) -> None:
    change_column(dataset, STATE, in_degrees)
    assert sum("joint" in line for line in findings(dataset)) == 1


@pytest.mark.parametrize("spoil", [thirty_frames, gap])
def test_a_wrong_rate_or_a_gap_is_not_a_jump_besides(spoil: Spoil, dataset: Path) -> None:
    spoil(dataset)
    assert not [line for line in findings(dataset) if "jumps" in line]


def test_a_cure_is_named_once(dataset: Path) -> None:
    missing_video(dataset)
    (line,) = findings(dataset)
    assert line.count("restore the file") == 1
    change_info(dataset, lambda info: info.update(codebase_version="v2.1"))
    (line,) = findings(dataset)
    assert line.endswith(f"; kinevla convert {dataset} NEW_FOLDER")


def test_the_camera_that_is_proposed_is_the_one_of_the_like_name(dataset: Path) -> None:
    for camera, name in (("front", "front_top"), ("wrist", "left_wrist")):
        rename_feature(dataset, f"observation.images.{camera}", f"observation.images.{name}")
    cures = [line for line in findings(dataset) if "missing; the cameras" in line]
    assert [line.rpartition(" ")[2] for line in cures] == ["front=front_top", "wrist=left_wrist"]


def test_the_command_ends_with_1_for_a_fault_and_0_for_none(sound: Path, dataset: Path) -> None:
    run = CliRunner().invoke
    assert run(app, ["check", str(sound)]).exit_code == 0
    gap(dataset)
    result = run(app, ["check", str(dataset)])
    assert result.exit_code == 1
    assert "episode 1, frame 19, timestamp" in result.output


def test_the_command_says_that_a_dataset_has_fewer_chunks_than_a_codebook_has_codes(
    sound: Path,
) -> None:
    said = " ".join(CliRunner().invoke(app, ["check", str(sound)]).output.split())
    assert "120 chunks cannot fill 128 codes" in said
    assert "several datasets together" in said and said.endswith("but not alone")


def test_the_command_is_silent_about_a_dataset_that_fills_a_codebook(tmp_path: Path) -> None:
    enough = write_sound(tmp_path / "enough", steps=50)
    result = CliRunner().invoke(app, ["check", str(enough)])
    assert result.output.strip().endswith("can be trained on")


def with_gaps_in_the_task_numbers(root: Path) -> None:
    path = root / "meta/tasks.parquet"
    table = pq.read_table(path)
    numbers = pa.array([3 * n + 2 for n in table["task_index"].to_pylist()])
    table = table.set_column(0, "task_index", numbers)
    pq.write_table(table, path)
    change_column(root, "task_index", lambda values: 3 * values + 2)


def with_more_columns_in_the_tasks(root: Path) -> None:
    path = root / "meta/tasks.parquet"
    table = pq.read_table(path)
    table = table.append_column("category", pa.array(["a", "b"]))
    table = table.append_column("weight", pa.array([1.0, 2.0]))
    pq.write_table(table, path)


def with_a_language_column(root: Path) -> None:
    feature = {"dtype": "language", "shape": [1], "names": None}
    change_info(root, lambda info: info["features"].update(language_persistent=feature))
    row = [{"role": "assistant", "content": "lift", "style": "motion", "timestamp": 0.0}]
    change_rows(root, lambda t: t.append_column("language_persistent", pa.array([row] * len(t))))


def without_tasks_in_the_episode_list(root: Path) -> None:
    path = only(root, "meta/episodes/*/*")
    pq.write_table(pq.read_table(path).drop_columns(["tasks"]), path)


def with_names_in_an_object(root: Path) -> None:
    def change(info: dict) -> None:
        given = [*(f"joint_{n}.pos" for n in range(1, 8)), "gripper.pos"]
        for name in (STATE, ACTION):
            info["features"][name]["names"] = {"motors": given}

    change_info(root, change)


def with_other_codec_keys(root: Path) -> None:
    def change(info: dict) -> None:
        for camera in ("front", "wrist"):
            info["features"][f"observation.images.{camera}"]["info"]["video.codec"] = "av1"

    change_info(root, change)


@pytest.mark.parametrize(
    "vary",
    [
        with_gaps_in_the_task_numbers,
        with_more_columns_in_the_tasks,
        with_a_language_column,
        without_tasks_in_the_episode_list,
        with_names_in_an_object,
        with_other_codec_keys,
    ],
    ids=lambda vary: vary.__name__,
)
def test_what_training_does_not_need_is_no_fault(vary: Spoil, dataset: Path) -> None:
    before = DatasetReader(dataset)
    vary(dataset)
    assert findings(dataset) == []
    after = DatasetReader(dataset)
    assert [e.instruction for e in after.episodes] == [e.instruction for e in before.episodes]
    assert after.frames["task"].tolist() == before.frames["task"].tolist()
    assert len(load_samples([dataset], image_size=32)) == 120


def test_a_merged_dataset_is_continued(dataset: Path) -> None:
    with_other_codec_keys(dataset)
    with_gaps_in_the_task_numbers(dataset)
    with DatasetWriter.open(dataset, Schema(height=HEIGHT, width=WIDTH)) as writer:
        writer.add(demonstration(LEFT, said="get the bread and move it to the left front"))
    assert findings(dataset) == []
    assert DatasetReader(dataset).frames["task"][-1] == (
        "get the bread and move it to the left front"
    )


def test_pictures_that_were_replaced_are_decoded_again(
    dataset: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = load_samples([dataset], image_size=32).images[np.arange(2)]
    front, wrist = (only(dataset, f"videos/*{camera}/*/*.mp4") for camera in ("front", "wrist"))
    shutil.copy(wrist, front)
    second = load_samples([dataset], image_size=32).images[np.arange(2)]
    assert np.abs(first[:, 0].astype(int) - second[:, 0]).max() > 20
    np.testing.assert_array_equal(first[:, 1], second[:, 1])
    assert not any(path.name.startswith(".sq") for path in dataset.iterdir())


def test_a_dataset_that_cannot_be_written_to_can_be_trained_on(dataset: Path) -> None:
    before = sorted(path.name for path in dataset.rglob("*"))
    load_samples([dataset], image_size=32)
    assert sorted(path.name for path in dataset.rglob("*")) == before


def test_words_of_both_levels_that_fit_are_no_fault(dataset: Path) -> None:
    words(GOAL, goal_text(RIGHT), slice(40, 80))(dataset)
    words(KINEMATICS, kinematics_text(RIGHT), slice(40, 80))(dataset)
    assert findings(dataset) == []
