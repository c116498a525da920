"""What the policy would have done is held against what the person did, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mcap_ros2")

from bags import Recorded, joint_state, stamp, write_bag
from demonstrations import LEFT, bread_motion
from typer.testing import CliRunner

from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.cli import app
from kinevla_ros.data.recording.bag import Bag
from kinevla_ros.evaluation.shadow import compare, summary
from kinevla_ros.msg import ActionChunk, SafetyStatus

STATES = bread_motion(LEFT, 41)


def at(seconds: float) -> np.ndarray:
    """State of the demonstration, shape (8,); 0.1 s from one to the next."""
    times = np.arange(len(STATES)) / 10
    return np.array([np.interp(seconds, times, column) for column in STATES.T])


def chunk(seconds: float, sign: float = 1.0, late: float = 0.0) -> ActionChunk:
    """What a policy would send that foresees the demonstration, or its opposite."""
    start = at(seconds)
    rows = np.array([start + sign * (at(seconds + late + 0.1 * k) - start) for k in range(1, 6)])
    message = ActionChunk(dt=0.1, joint_names=list(JOINT_NAMES))
    message.header.stamp = stamp(seconds)
    message.positions, message.gripper = rows[:, :7].ravel().tolist(), rows[:, 7].tolist()
    return message


def recorded(sign: float = 1.0, shadow: bool = True, takeover: bool = False) -> Recorded:
    status = SafetyStatus(shadow=shadow, takeover=takeover)
    found: Recorded = [("/kinevla/safety_status", -0.1, status)]
    for tick in range(400):
        now = tick / 100
        state = at(now)
        found.append(("/joint_states", now, joint_state(now, state[:7], state[7])))
        if tick % 20 == 0:
            found.append(("/kinevla/action_chunk", now + 0.03, chunk(now, sign)))
    return sorted(found, key=lambda each: each[1])


def figures(tmp_path: Path, found: Recorded) -> dict:
    return summary(compare([Bag(write_bag(tmp_path / "bags/one", found))]))


def test_a_policy_that_foresees_the_person_is_where_the_person_is(tmp_path: Path) -> None:
    found = figures(tmp_path, recorded())
    # The last chunks reach beyond the end of what was recorded.
    assert found["chunks"] in (17, 18)
    assert max(p95 for _, p95 in found["away"]) < 0.002
    assert found["still"][-1][1] > 0.05
    assert found["same_way"] == 1.0
    assert found["gripper"] > 0.95


def test_a_policy_that_would_go_the_other_way_shows_as_that(tmp_path: Path) -> None:
    found = figures(tmp_path, recorded(-1.0))
    assert found["same_way"] == 0.0
    assert found["away"][-1][1] > 1.5 * found["still"][-1][1]


def test_a_folder_without_recordings_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["compare-shadow", str(tmp_path)])
    assert result.exit_code == 1
    assert f"there is no recording in {tmp_path}" in result.output


def test_chunks_that_the_arm_followed_say_nothing_and_are_left_out(tmp_path: Path) -> None:
    write_bag(tmp_path / "bags/one", recorded(shadow=False))
    result = CliRunner().invoke(app, ["compare-shadow", str(tmp_path / "bags")])
    assert result.exit_code == 1
    assert "20 were" in result.output
    assert "shadow:=true" in result.output
    taken = figures(tmp_path / "other", recorded(shadow=False, takeover=True))
    assert taken["chunks"] in (17, 18)


def test_where_the_state_is_not_known_nothing_is_compared(tmp_path: Path) -> None:
    found = [each for each in recorded() if each[0] != "/joint_states" or each[1] < 2.0]
    assert figures(tmp_path, found)["chunks"] in range(7, 10)
    nothing = [each for each in recorded() if each[0] != "/joint_states"]
    bag = Bag(write_bag(tmp_path / "bags/two", nothing))
    assert compare([bag]).away == []


def test_the_command_prints_a_table_and_writes_the_figures(tmp_path: Path) -> None:
    write_bag(tmp_path / "bags/one", recorded())
    report = tmp_path / "figures.json"
    words = ["compare-shadow", str(tmp_path / "bags"), "--json", str(report)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "same direction as the person" in result.output
    assert json.loads(report.read_text())["same_way"] == 1.0
