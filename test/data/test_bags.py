"""A bag gives the frames that the policy would have seen, and none that it would have refused."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mcap_ros2")

from bags import FRONT, START, WRIST, Recorded, image, joint_state, takeover, text, write_bag
from dataset_faults import findings
from demonstrations import LEFT, bread_motion
from rclpy.serialization import deserialize_message, serialize_message
from typer.testing import CliRunner

from kinevla_ros.cli import app
from kinevla_ros.data.convert.bag_frames import MAX_AGE, MAX_SKEW, synchronise
from kinevla_ros.data.convert.bags import convert_bags
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import DatasetError
from kinevla_ros.data.recording.bag import Bag
from kinevla_ros.data.synchronisation.observation import (
    NoObservation,
    Observations,
    ReceivedObservation,
)
from kinevla_ros.data.synchronisation.stamp_checks import Arrival
from kinevla_ros.training.generator.samples import load_samples

SAID = "pick up the bread and move it to the left front"
SECONDS = 4.0


def picture(number: int, camera: int) -> np.ndarray:
    """A textured picture that changes from frame to frame."""
    rng = np.random.default_rng(camera)
    field = np.kron(rng.integers(40, 200, (12, 16, 3)), np.ones((10, 10, 1)))
    return np.roll(field, 3 * number, axis=1).astype(np.uint8)


@cache
def states_of_a_demonstration() -> np.ndarray:
    return bread_motion(LEFT, 41)


def motion(seconds: float) -> np.ndarray:
    """State at a time, shape (8,)."""
    states = states_of_a_demonstration()
    times = np.linspace(0, SECONDS, 41)
    return np.array([np.interp(seconds, times, column) for column in states.T])


def record(camera_rate: float = 15.0, targets: bool = True) -> Recorded:
    """What cameras, arm and a person published in four seconds, in the order of receipt."""
    found: Recorded = [("/instruction", -0.2, text(SAID))]
    for tick in range(int(SECONDS * 100)):
        now = tick / 100
        state = motion(now)
        found.append(("/joint_states", now + 0.002, joint_state(now, state[:7], state[7])))
        if targets and tick % 2 == 0:
            target = motion(now + 0.02)
            message = joint_state(now, target[:7], target[7])
            found.append(("/kinevla/joint_targets", now + 0.001, message))
    for tick in range(int(SECONDS * camera_rate)):
        now = tick / camera_rate
        found.append((FRONT, now + 0.015, image(now, picture(tick, 0))))
        found.append((WRIST, now + 0.025, image(now + 0.004, picture(tick, 1))))
    return sorted(found, key=lambda each: each[1])


def convert(tmp_path: Path, recorded: Recorded, only: bool = False, **custom: str) -> list[str]:
    write_bag(tmp_path / "bags/one", recorded, **custom)
    lines = convert_bags(tmp_path / "bags", tmp_path / "dataset", only)
    return [str(line) for line in lines]


def live(recorded: Recorded) -> list[ReceivedObservation]:
    """What the policy node would have had at each picture, received over DDS."""
    observations = Observations(MAX_AGE, MAX_SKEW)
    found = []
    for topic, at, sent in recorded:
        if topic not in (FRONT, WRIST, "/joint_states"):
            continue
        message = deserialize_message(serialize_message(sent), type(sent))
        said = message.header.stamp.sec + message.header.stamp.nanosec / 1e9
        arrival = Arrival(said, said, START + at)
        if topic == "/joint_states":
            observations.read_joints(arrival, message)
            continue
        observations.add_image("front" if topic == FRONT else "wrist", arrival, message)
        try:
            found.append(observations.newest(START + at))
        except NoObservation:
            continue
    return found


def test_live_and_from_the_bag_the_same_messages_give_the_same_frames(tmp_path: Path) -> None:
    recorded = record()
    bag = Bag(write_bag(tmp_path / "bag", recorded))
    (stretch,), _ = synchronise(bag, "targets")
    assert len(stretch.seen) == 40
    # The first of each stamp: the policy is woken by every picture.
    by_stamp = {seen.stamp: seen for seen in reversed(live(recorded))}
    for seen in stretch.seen:
        ours = seen.observation
        same = by_stamp[ours.stamp]
        np.testing.assert_array_equal(ours.joints, same.joints)
        assert ours.gripper == same.gripper
        for camera in ("front", "wrist"):
            np.testing.assert_array_equal(ours.images[camera], same.images[camera])


def test_a_bag_becomes_a_dataset_at_ten_frames_a_second(tmp_path: Path) -> None:
    lines = convert(tmp_path, record(30.0))
    # Of the last frames the target of a tenth of a second later was never sent, but held.
    assert lines == ["recording 0: 40 of 40 frames, 1 episode"]
    reader = DatasetReader(tmp_path / "dataset")
    assert reader.info["fps"] == 10
    assert reader.episodes[0].instruction == SAID
    frames = reader.frames
    for number in range(38):
        np.testing.assert_allclose(
            frames["observation.state"][number], motion(number / 10), atol=0.05
        )
        np.testing.assert_allclose(frames["action"][number], motion((number + 1) / 10), atol=0.07)
    video = reader.video(0, "wrist")
    # Each picture is the one of its time, and not the one before.
    wanted = np.stack([picture(3 * number, 1) for number in range(40)])
    away = np.abs(video.astype(int) - wanted).mean(axis=(1, 2, 3))
    next_one = np.abs(video[:-1].astype(int) - wanted[1:]).mean(axis=(1, 2, 3))
    assert (away[:-1] < next_one / 2).all()
    assert ["annotate" in line for line in findings(tmp_path / "dataset")] == [True]


def test_a_gap_of_a_camera_ends_the_episode_and_is_reported(tmp_path: Path) -> None:
    recorded = [each for each in record() if not (each[0] == WRIST and 1.5 <= each[1] < 2.1)]
    (line,) = convert(tmp_path, recorded)
    assert "2 episodes" in line
    assert "without a frame" in line
    assert "apart" in line or "old" in line
    lengths = [entry.length for entry in DatasetReader(tmp_path / "dataset").episodes]
    assert sum(lengths) in range(32, 37)


def test_a_dark_camera_gives_no_frames(tmp_path: Path) -> None:
    recorded = [
        (topic, at, image(at - 0.015, np.zeros((120, 160, 3), np.uint8)))
        if topic == FRONT and at > 2.0
        else (topic, at, message)
        for topic, at, message in record()
    ]
    (line,) = convert(tmp_path, recorded)
    assert "20 of 20 frames, 1 episode" in line or "21 of 21 frames, 1 episode" in line


def test_joint_states_in_degrees_give_no_frames_and_say_why(tmp_path: Path) -> None:
    recorded = [
        (topic, at, joint_state(at, np.degrees(motion(at)[:7]), motion(at)[7]))
        if topic == "/joint_states" and 1.0 < at < 2.5
        else (topic, at, message)
        for topic, at, message in record()
    ]
    (line,) = convert(tmp_path, recorded)
    assert "rad are expected" in line
    assert "2 episodes" in line or "left out: too short" in line


@pytest.mark.parametrize("rate", [10.0, 15.0, 30.0])
def test_whatever_the_cameras_rate_is_frames_are_a_tenth_of_a_second_apart(
    tmp_path: Path, rate: float
) -> None:
    bag = Bag(write_bag(tmp_path / "bag", record(rate)))
    (stretch,), _ = synchronise(bag, "targets")
    stamps = np.array([seen.observation.stamp for seen in stretch.seen])
    assert np.diff(stamps).min() > 0.06
    assert np.diff(stamps).mean() == pytest.approx(0.1, abs=0.002)


def test_only_what_a_person_led_is_kept(tmp_path: Path) -> None:
    status = "/kinevla/safety_status"
    recorded = [*record(), (status, 0.0, takeover(False)), (status, 1.0, takeover(True))]
    recorded = sorted([*recorded, (status, 3.0, takeover(False))], key=lambda each: each[1])
    (line,) = convert(tmp_path, recorded, only=True)
    (entry,) = DatasetReader(tmp_path / "dataset").episodes
    assert entry.length in (20, 21)
    assert line.startswith(f"recording 0: {entry.length} of 40 frames, 1 episode")


def test_another_instruction_begins_another_episode(tmp_path: Path) -> None:
    other = "grasp the bread and carry it straight ahead"
    recorded = sorted([*record(), ("/instruction", 2.01, text(other))], key=lambda each: each[1])
    convert(tmp_path, recorded)
    said = [entry.instruction for entry in DatasetReader(tmp_path / "dataset").episodes]
    assert said == [SAID, other]


def test_what_the_recorder_wrote_down_is_the_instruction(tmp_path: Path) -> None:
    convert(tmp_path, record(), instruction="bring the bread to the left front")
    (entry,) = DatasetReader(tmp_path / "dataset").episodes
    assert entry.instruction == "bring the bread to the left front"


def test_a_failure_is_left_out(tmp_path: Path) -> None:
    write_bag(tmp_path / "bags/a", record(), verdict="failure")
    write_bag(tmp_path / "bags/b", record(), verdict="success")
    lines = list(convert_bags(tmp_path / "bags", tmp_path / "dataset", False))
    assert "a was a failure" in str(lines[0])
    assert len(DatasetReader(tmp_path / "dataset").episodes) == 1


def test_an_unfinished_episode_is_named_with_its_cure_and_left_out(tmp_path: Path) -> None:
    write_bag(tmp_path / "bags/a", record())
    (tmp_path / "bags/b.unfinished").mkdir()
    run = CliRunner().invoke
    result = run(app, ["convert", str(tmp_path / "bags"), str(tmp_path / "dataset")])
    assert result.exit_code == 0, result.output
    assert "b.unfinished is unfinished and left out: kinevla recover" in result.output
    alone = run(app, ["convert", str(tmp_path / "bags/b.unfinished"), str(tmp_path / "other")])
    assert alone.exit_code == 1
    assert "kinevla recover" in alone.output


def test_stop_ends_what_is_shown_whatever_the_recorder_wrote_down(tmp_path: Path) -> None:
    recorded = sorted([*record(), ("/instruction", 2.0, text("Stop"))], key=lambda each: each[1])
    convert(tmp_path, recorded, instruction=SAID)
    (entry,) = DatasetReader(tmp_path / "dataset").episodes
    assert entry.length in range(19, 22)
    assert entry.instruction == SAID


def test_without_targets_nothing_is_guessed_but_for_an_arm_guided_by_hand(tmp_path: Path) -> None:
    recorded = record(targets=False)
    with pytest.raises(DatasetError, match="nothing of"):
        convert(tmp_path, recorded)
    again = tmp_path / "again"
    write_bag(again / "bags/one", recorded, teaching="hand")
    list(convert_bags(again / "bags", again / "dataset", False))
    frames = DatasetReader(again / "dataset").frames
    np.testing.assert_allclose(frames["action"][5], motion(0.6), atol=0.03)


def test_a_held_arm_keeps_its_last_target_and_a_moved_one_has_none(tmp_path: Path) -> None:
    recorded = [e for e in record() if not (e[0] == "/kinevla/joint_targets" and e[1] > 2.0)]
    (line,) = convert(tmp_path, recorded)
    (entry,) = DatasetReader(tmp_path / "dataset").episodes
    assert entry.length in range(19, 24), line


@pytest.mark.parametrize("damage", ["cut", "gone", "no metadata", "metadata cut"])
def test_a_damaged_or_unfinished_bag_is_named(tmp_path: Path, damage: str) -> None:
    folder = write_bag(tmp_path / "bags/one", record()[:400])
    file = folder / "episode.mcap"
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-2000])
    elif damage == "gone":
        file.unlink()
    elif damage == "metadata cut":
        (folder / "metadata.yaml").write_text("rosbag2_bagfile_information: {")
    else:
        (folder / "metadata.yaml").unlink()
    with pytest.raises(DatasetError):
        list(convert_bags(tmp_path / "bags", tmp_path / "dataset", False))
    assert not (tmp_path / "dataset/meta/info.json").exists()


def test_the_command_takes_bags_and_refuses_options_that_are_not_for_them(tmp_path: Path) -> None:
    write_bag(tmp_path / "bags/one", record())
    run = CliRunner().invoke
    source, target = str(tmp_path / "bags"), str(tmp_path / "dataset")
    result = run(app, ["convert", source, target, "--unit", "joints=deg"])
    assert result.exit_code == 1
    result = run(app, ["convert", source, target])
    assert result.exit_code == 0, result.output
    assert "recording 0: 40 of 40 frames" in result.output
    result = run(app, ["convert", target, str(tmp_path / "new"), "--only", "takeover"])
    assert result.exit_code == 1


def test_from_a_bag_to_what_is_trained_on_each_step_is_a_verb(tmp_path: Path) -> None:
    write_bag(tmp_path / "bags/one", record(), instruction=SAID)
    dataset = tmp_path / "dataset"
    for words in (
        ["convert", str(tmp_path / "bags"), str(dataset)],
        ["annotate", str(dataset), "--from-task"],
        ["check", str(dataset)],
    ):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
    samples = load_samples([dataset], image_size=32)
    assert len(samples) == 40
    chunk = samples.chunks[20, samples.task[20]]
    state = samples.state[20, :7]
    wanted = [motion((20 + step) / 10)[:7] - state for step in range(1, 6)]
    np.testing.assert_allclose(chunk[:, :7], wanted, atol=0.08)
