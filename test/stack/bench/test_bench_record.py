"""`kinevla bench record` counts by number, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mcap")

from kinevla_ros.stack.bench.record import _number


def test_a_message_is_known_by_the_number_in_its_frame() -> None:
    head = b"\0\1\0\0" + bytes(8)
    assert _number(head + struct.pack("<I", 5) + b"1234\0rest") == 1234
    assert _number(head + struct.pack("<I", 7) + b"camera\0") is None
    assert _number(head) is None


def test_it_records_kills_recovers_and_removes_what_it_wrote(tmp_path: Path) -> None:
    report = tmp_path / "figures.json"
    command = [sys.executable, "-m", "kinevla_ros.cli", "bench", "record", "--json", str(report)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [*command, "--seconds", "1", "--kills", "1"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(report.read_text())
    counts = figures["losses"]["topics"]
    assert counts["/joint_states"]["messages"] > 30
    assert counts["/camera/front/color/image_raw"]["messages"] > 10
    assert figures["kills"]["kills"] == 1
    assert "damaged" not in figures["kills"]
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]
