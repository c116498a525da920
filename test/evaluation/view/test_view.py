"""What `kinevla view` writes, read back by rerun's own reader."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from demonstrations import write_sound
from typer.testing import CliRunner

from kinevla_ros.cli import app
from kinevla_ros.evaluation.replay.recorded_motion import read_motion
from kinevla_ros.evaluation.view import timeline
from kinevla_ros.robot.kinematics import forward

STEPS = 40
LONG = 120.0


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sound(tmp_path_factory.mktemp("sound") / "dataset", steps=STEPS)


def view(*words: str) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["view", *words])
    return answer.exit_code, answer.output


class Shown:
    """The content of an .rrd file.

    Attributes:
        rows: how many rows each entity has, static ones left out.
    """

    def __init__(self, path: Path) -> None:
        chunk = pytest.importorskip("rerun.chunk", reason="rerun-sdk is not installed")
        self._chunks = list(chunk.RrdReader(path).stream())
        self.rows: Counter[str] = Counter()
        for each in self._chunks:
            self.rows[each.entity_path] += 0 if each.is_static else each.num_rows

    def column(self, entity: str, name: str) -> list[Any]:
        """Values of a component in the order of time."""
        found: list[tuple[int, Any]] = []
        for each in self._chunks:
            batch = each.to_record_batch()
            if each.entity_path != entity or name not in batch.schema.names:
                continue
            values = batch.column(name).to_pylist()
            times = range(len(values))
            if "time" in batch.schema.names:
                times = batch.column("time").cast("int64").to_pylist()
            found += zip(times, values, strict=True)
        return [value for _, value in sorted(found, key=lambda entry: entry[0])]


def texts(shown: Shown, entity: str) -> list[str]:
    return [value[0] for value in shown.column(entity, "TextLog:text")]


def test_an_episode_has_its_pictures_joints_path_words_and_verdicts(
    dataset: Path, tmp_path: Path
) -> None:
    pytest.importorskip("rerun", reason="rerun-sdk is not installed")
    out = tmp_path / "out.rrd"
    code, said = view(str(dataset), "--episode", "1", "--save", str(out))
    assert (code, "is written" in said) == (0, True), said
    shown, motion = Shown(out), read_motion(dataset, 1)
    for entity in ("/camera/front", "/camera/wrist", "/joints/measured", "/gripper/target"):
        assert shown.rows[entity] == STEPS, shown.rows
    targets = shown.column("/joints/target", "Scalars:scalars")
    np.testing.assert_allclose(targets, motion.targets[:, :-1], atol=1e-6)
    (strip,) = shown.column("/tool/target", "LineStrips3D:strips")
    np.testing.assert_allclose(strip[0][-1], forward(motion.targets[-1, :-1])[0], atol=1e-4)
    assert texts(shown, "/words/instruction") == [f"instruction: {motion.instruction}"]
    assert texts(shown, "/words/goal")[0].startswith("goal: ")
    assert set(texts(shown, "/gate")) == {"the gate lets it pass"}


def test_chunks_that_the_gate_would_refuse_are_shown_as_warnings(
    dataset: Path, tmp_path: Path
) -> None:
    pytest.importorskip("rerun", reason="rerun-sdk is not installed")
    shipped = Path(__file__).parents[3] / "config" / "realman.yaml"
    config, out = tmp_path / "high.yaml", tmp_path / "out.rrd"
    config.write_text(shipped.read_text().replace("table: 0.0", "table: 0.05"))
    code, said = view(str(dataset), "--config", str(config), "--save", str(out))
    assert code == 0, said
    shown = Shown(out)
    assert any("too near to table" in text for text in texts(shown, "/gate"))
    assert ["WARN"] in shown.column("/gate", "TextLog:level")


def test_a_bag_shows_what_its_nodes_said(tmp_path: Path) -> None:
    pytest.importorskip("rerun", reason="rerun-sdk is not installed")
    pytest.importorskip("rclpy")
    pytest.importorskip("mcap")
    from bags import FRONT, image, joint_state, write_bag
    from demonstrations import picture

    from kinevla_ros.msg import Reasoning, SafetyStatus

    joints = np.linspace(0, 0.3, 7)
    refused = SafetyStatus(state=SafetyStatus.HOLDING, reason="too near to table", margin=-0.01)
    faulted = SafetyStatus(state=SafetyStatus.FAULTED, fault=SafetyStatus.SOFTWARE_STOP)
    recorded = [
        (FRONT, 0.0, image(0.0, picture(1, 0))),
        ("/joint_states", 0.1, joint_state(0.1, joints, 0.05)),
        ("/kinevla/joint_targets", 0.2, joint_state(0.2, joints + 0.01, 0.05)),
        ("/kinevla/reasoning", 0.3, Reasoning(goal="move it", kinematics="to the left")),
        ("/kinevla/safety_status", 0.4, SafetyStatus(state=SafetyStatus.MOVING, takeover=True)),
        ("/kinevla/safety_status", 0.5, refused),
        ("/kinevla/safety_status", 0.6, faulted),
    ]
    bag, out = write_bag(tmp_path / "bag", recorded, instruction="go"), tmp_path / "out.rrd"
    code, said = view(str(bag), "--save", str(out))
    assert code == 0, said
    shown = Shown(out)
    assert shown.rows["/camera/front"] == 1
    np.testing.assert_allclose(shown.column("/joints/measured", "Scalars:scalars"), [joints])
    assert texts(shown, "/words/instruction") == ["instruction: go"]
    assert texts(shown, "/words/kinematics") == ["kinematics: to the left"]
    verdicts = ["MOVING: a person leads", "HOLDING: too near to table", "FAULTED: SOFTWARE_STOP"]
    assert texts(shown, "/gate") == verdicts
    assert shown.column("/gate", "TextLog:level") == [["INFO"], ["WARN"], ["WARN"]]
    assert "no 1" in view(str(bag), "--episode", "1", "--save", str(out))[1]
    assert "leave --config out" in view(str(bag), "--config", "x", "--save", str(out))[1]


def test_the_page_is_served_to_this_computer_alone_until_ctrl_c(
    dataset: Path, tmp_path: Path
) -> None:
    pytest.importorskip("rerun", reason="rerun-sdk is not installed")
    out = tmp_path / "out.rrd"
    assert view(str(dataset), "--save", str(out))[0] == 0
    command = [sys.executable, "-u", "-m", "kinevla_ros.cli", "view", str(out), "--web"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        url = said.split()[2].rstrip(";")
        port = int(url.split(":")[2].split("/")[0])
        deadline = time.monotonic() + LONG
        while "127.0.0.1" not in (found := listening(port)):
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        assert found == {"127.0.0.1"}
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=LONG) as page:
            assert "rerun" in page.read().decode().lower()
    finally:
        process.terminate()
        assert process.wait(LONG) is not None
    deadline = time.monotonic() + LONG
    while listening(port):
        assert time.monotonic() < deadline, "the viewer is left behind"
        time.sleep(0.1)


def listening(port: int) -> set[str]:
    """Addresses on which somebody listens to a TCP port."""
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, number = local.split(":")
            if int(number, 16) == port and state == "0A":
                words = [address[i : i + 8] for i in range(0, len(address), 8)]
                raw = b"".join(bytes.fromhex(word)[::-1] for word in words)
                found.add(socket.inet_ntop(family, raw))
    return found


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--save", "out.txt"], "end in .rrd"),
        (["--save", "out.rrd", "--web"], "--save or --web"),
        (["--save", "nowhere/out.rrd"], "nowhere/out.rrd"),
        ([], "no display here"),
    ],
    ids=str,
)
def test_what_cannot_be_shown_is_said_in_a_line(
    words: list[str], said: str, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rerun", reason="rerun-sdk is not installed")
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    code, output = view(str(dataset), *words)
    assert (code, said in output) == (1, True), output


def test_without_rerun_the_package_is_named_and_nothing_is_written(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    out = tmp_path / "out.rrd"
    code, output = view(str(dataset), "--save", str(out))
    assert (code, timeline.INSTALL in output) == (1, True), output
    assert not out.exists()
    assert os.listdir(tmp_path) == []
