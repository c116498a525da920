"""The run of faults, a short one; `kinevla bench faults` is the long one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from typer.testing import CliRunner

from kinevla_ros.cli import app


def test_after_any_fault_the_arm_rests_and_moves_again_without_a_lunge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The run takes a DDS domain of its own; the tests after it get theirs back.
    monkeypatch.setenv("ROS_DOMAIN_ID", os.environ["ROS_DOMAIN_ID"])
    # The seed draws a TCP connection that is closed and state packets that cease.
    report = tmp_path / "faults.json"
    words = ["bench", "faults", "--count", "2", "--seed", "45", "--json", str(report)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    found = json.loads(report.read_text())
    assert found["count"] == 2
    assert found["failed"] == 0
