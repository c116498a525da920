"""A recorded episode, before it is sent: read, rehearsed at the gate, compared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from arm_bench import HOME, over_the_table
from arms import SIX_JOINTS, write_arm_dataset
from demonstrations import LEFT, bread_motion, write_sound
from numpy.typing import NDArray
from typer.testing import CliRunner

from kinevla_ros.base.action_space import ActionSpaceError
from kinevla_ros.base.chunk import CHUNK_DT
from kinevla_ros.base.files.damage import FileError
from kinevla_ros.base.resources import resource_path
from kinevla_ros.cli import app
from kinevla_ros.data.lerobot.schema import DatasetError
from kinevla_ros.evaluation.replay.gate_file import read_gate
from kinevla_ros.evaluation.replay.recorded_motion import RecordedMotion, read_motion
from kinevla_ros.evaluation.replay.rehearsal import rehearse
from kinevla_ros.evaluation.replay.tracking_report import tracking_report
from kinevla_ros.robot.gate.workspace import CELL_WORKSPACE, DEFAULT_WORKSPACE
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.motion.approach import NoApproach

Array = NDArray[np.float64]
STEPS = 60


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sound(tmp_path_factory.mktemp("sound") / "dataset", steps=STEPS)


def through(*places: Array, opening: float = 0.07) -> RecordedMotion:
    """A motion straight in the joints through these places, 1 s each."""
    times = np.arange(1, 10 * (len(places) - 1) + 1) / 10
    corners = np.arange(len(places))
    path = np.column_stack([np.interp(times, corners, column) for column in np.array(places).T])
    rows = np.column_stack([path, np.full(len(path), opening)])
    return RecordedMotion("", np.append(places[0], opening), rows)


def replay(*words: str) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["replay", *words, "--dry-run"])
    return answer.exit_code, answer.output


def test_an_episode_of_a_dataset_is_its_actions_from_its_first_state(dataset: Path) -> None:
    motion = read_motion(dataset, 2)
    states = bread_motion(LEFT, STEPS)
    np.testing.assert_allclose(motion.start, states[0], atol=1e-6)
    np.testing.assert_allclose(motion.targets[:-1], states[1:], atol=1e-6)
    chunk = motion.chunk(STEPS - 2, 10.0, 7)
    np.testing.assert_allclose(chunk.positions[1:], np.tile(motion.targets[-1, :-1], (4, 1)))
    assert (chunk.stamp, chunk.sequence) == (10.0, 7)


def test_half_the_speed_takes_twice_the_time_on_the_same_way(dataset: Path) -> None:
    motion = read_motion(dataset, 0)
    slow = motion.slower(0.5)
    assert slow.seconds == pytest.approx(2 * motion.seconds)
    np.testing.assert_allclose(slow.targets[1::2], motion.targets, atol=1e-9)


def test_an_episode_that_is_not_there_and_another_arms_are_refused(
    dataset: Path, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match="episodes 0 to 2, and no 3"):
        read_motion(dataset, 3)
    other = write_arm_dataset(tmp_path / "other", SIX_JOINTS, episodes=1)
    with pytest.raises(ActionSpaceError, match="this arm"):
        read_motion(other, 0)
    with pytest.raises(DatasetError, match="no dataset"):
        read_motion(tmp_path / "nowhere", 0)


def test_a_motion_that_keeps_the_limits_passes_with_a_slow_way_to_its_start() -> None:
    motion = through(over_the_table(0.1), over_the_table(0.05), over_the_table(0.1))
    found = rehearse(motion, HOME, RM75_LIMITS, DEFAULT_WORKSPACE)
    assert found.passes, found
    assert found.chunks > len(motion.targets) // 2
    np.testing.assert_allclose(found.approach[-1], motion.start[:-1], atol=1e-9)


def test_a_motion_into_the_table_is_refused_with_the_reason() -> None:
    motion = through(over_the_table(0.1), over_the_table(-0.03))
    found = rehearse(motion, HOME, RM75_LIMITS, DEFAULT_WORKSPACE)
    assert not found.passes
    assert any("too near to table" in reason for reason in found.refused)


def test_a_motion_that_is_too_fast_is_refused_and_passes_when_it_is_slower() -> None:
    motion = through(HOME, HOME + 2.7 * np.eye(7)[0], HOME)
    found = rehearse(motion, HOME, RM75_LIMITS, DEFAULT_WORKSPACE)
    assert any("rad/s" in reason for reason in found.refused)
    assert rehearse(motion.slower(0.3), HOME, RM75_LIMITS, DEFAULT_WORKSPACE).passes


def test_a_motion_that_begins_in_the_table_is_not_approached() -> None:
    with pytest.raises(NoApproach, match=r"the start of the motion .* table"):
        rehearse(through(over_the_table(-0.03), HOME), HOME, RM75_LIMITS, DEFAULT_WORKSPACE)


def test_the_lag_of_an_arm_that_follows_late_is_found_and_taken_out() -> None:
    motion = through(HOME, HOME + 0.6, HOME)
    times = np.arange(0, motion.seconds, 0.02)
    measured = motion.at(times - 0.08)
    measured[:, 3] += 0.01
    report = tracking_report(motion, times, measured)
    assert report.lag == pytest.approx(0.08, abs=0.011)
    assert report.rms[0] == pytest.approx(0.048, rel=0.1)
    assert report.rms_of_path[0] < 1e-3
    assert report.largest_of_path[3] == pytest.approx(0.01, abs=1e-3)
    assert [row[0] for row in report.lines()][-1] == "gripper (mm)"
    with pytest.raises(ValueError, match="no joint states"):
        tracking_report(motion, np.zeros(0), np.zeros((0, 8)))


def test_the_shipped_parameter_file_says_what_the_gate_goes_by() -> None:
    limits, workspace = read_gate(resource_path("config", "realman.yaml"))
    assert limits.velocity.tolist() == RM75_LIMITS.velocity.tolist()
    assert workspace == DEFAULT_WORKSPACE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/**/policy: {ros__parameters: {threads: 1}}", "no limits and workspace"),
        ("/**/arm: {ros__parameters: {limits: {lower: [1]}, workspace: {}}}", "missing"),
        ("[1", "x.yaml"),
        ("7", "x.yaml"),
    ],
)
def test_a_parameter_file_without_limits_is_named_with_the_cure(
    text: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(FileError, match=said) as problem:
        read_gate(path)
    assert "config/realman.yaml" in str(problem.value)


def test_a_dry_run_says_what_passes_and_what_is_refused_and_why(
    dataset: Path, tmp_path: Path
) -> None:
    code, said = replay(str(dataset), "--episode", "1")
    assert (code, "chunks pass the gate" in said) == (0, True), said
    text = resource_path("config", "realman.yaml").read_text()
    config = tmp_path / "high.yaml"
    config.write_text(text.replace("table: 0.0", "table: 0.05"))
    code, said = replay(str(dataset), "--config", str(config))
    assert code == 1
    assert "refused" in said and "table" in said
    assert replay(str(dataset), "--episode", "9")[0] == 1


def test_a_dry_run_needs_nothing_of_ros(dataset: Path) -> None:
    code = "import sys; sys.modules['rclpy'] = None; from kinevla_ros.cli import main; main()"
    command = [sys.executable, "-c", code, "replay", str(dataset), "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "chunks pass the gate" in done.stdout


def test_a_config_without_a_dry_run_is_refused(dataset: Path) -> None:
    answer = CliRunner().invoke(app, ["replay", str(dataset), "--config", "config/realman.yaml"])
    assert answer.exit_code == 1
    assert "--config is for --dry-run" in answer.output


def test_a_bag_is_replayed_by_what_was_streamed_or_by_hand_as_it_was_measured(
    tmp_path: Path,
) -> None:
    pytest.importorskip("rclpy")
    pytest.importorskip("mcap")
    from bags import joint_state, write_bag

    path = through(HOME, HOME + 0.3, HOME)
    ticks = np.arange(0, path.seconds, 0.02)
    recorded = []
    for at in ticks:
        q, late = path.at(np.array([at])), path.at(np.array([at - 0.2]))
        recorded.append(("/joint_states", at, joint_state(at, late[0, :-1], 0.04)))
        message = joint_state(at, q[0, :-1], 0.0)
        message.name, message.position = message.name[:-1], message.position[:-1]
        recorded.append(("/kinevla/joint_targets", at, message))
    streamed = read_motion(write_bag(tmp_path / "bags" / "a", recorded, instruction="go"), 0)
    assert streamed.instruction == "go"
    assert streamed.seconds == pytest.approx(path.seconds, abs=2 * CHUNK_DT)
    np.testing.assert_allclose(
        streamed.targets[:, :-1], path.targets[: len(streamed.targets), :-1], atol=0.01
    )
    assert set(streamed.targets[:, -1]) == {0.04}
    write_bag(tmp_path / "bags" / "b", recorded, teaching="hand")
    guided = read_motion(tmp_path / "bags", 1)
    np.testing.assert_allclose(guided.targets[2:18, :-1], path.targets[:16, :-1], atol=0.01)
    with pytest.raises(DatasetError, match="teaching: hand"):
        read_motion(write_bag(tmp_path / "c", recorded[::2]), 0)
    with pytest.raises(DatasetError, match="episodes 0 to 1"):
        read_motion(tmp_path / "bags", 2)
    found = rehearse(streamed, HOME, RM75_LIMITS, CELL_WORKSPACE)
    assert found.passes, found
