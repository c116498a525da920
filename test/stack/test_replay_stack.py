"""`kinevla replay` as a person types it: a demonstration, over DDS, to an arm node."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from demonstrations import write_sound
from node_bench import free_port
from rich.console import Console

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.msg import ActionChunk as ActionChunkMessage
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.ros.messages import chunk_to_message
from kinevla_ros.sim.demonstrations.collect import collect
from kinevla_ros.stack.arm_link import ArmLink, NoArm
from kinevla_ros.stack.processes.isolation import own_domain
from kinevla_ros.stack.processes.launcher import (
    CELL_HOST,
    Launcher,
    client_node,
    parameter_file,
    simulated,
)
from kinevla_ros.stack.replay import Replay

LONG = 120.0
"""A busy computer takes its time, s."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demonstration of the bread's first task, as `kinevla collect` writes it."""
    root = tmp_path_factory.mktemp("collected") / "dataset"
    collect(root, 1, 0, 1)
    return root


def replay(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kinevla_ros.cli", "replay", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=LONG, check=False)


@contextmanager
def replaying(*words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "kinevla_ros.cli", "replay", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def link() -> Iterator[ArmLink]:
    """Cell and arm as `kinevla up` starts them, and what goes over their topics."""
    port = free_port(socket.SOCK_STREAM, CELL_HOST)
    nodes: dict[str, dict[str, Any]] = {
        "cell": {"host": CELL_HOST, "port": port},
        "arm": {**simulated(port), "udp_port": free_port(socket.SOCK_DGRAM)},
    }
    with (
        client_node("replay_test") as (node, interrupted),
        Launcher(node, interrupted, parameter_file(None), nodes) as launcher,
    ):
        link = ArmLink(node, interrupted, launcher)
        launcher.bring_up()
        assert link.wait_for(link.seen, LONG)
        yield link


def state(link: ArmLink) -> int:
    assert link.status is not None
    return int(link.status.state)


def test_without_an_arm_node_a_cell_is_started_and_the_demonstration_followed(
    dataset: Path,
) -> None:
    done = replay(str(dataset), "--speed", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "starting a simulated cell" in done.stderr
    assert "chunks followed" in done.stdout and "refused" not in done.stdout
    rows = [line.split("│") for line in done.stdout.splitlines() if "joint" in line and "│" in line]
    assert len(rows) == 7
    for row in rows:
        rms_of_path, largest_of_path = float(row[4]), float(row[5])
        assert rms_of_path < 0.05, done.stdout
        assert largest_of_path < 0.2, done.stdout


def test_the_arm_node_that_runs_is_used_and_holds_after_ctrl_c(
    dataset: Path, link: ArmLink
) -> None:
    assert link.q is not None
    start = link.q
    with replaying(str(dataset), "--speed", "20") as process:
        moved = link.wait_for(lambda: link.away(start).max() > 0.05, LONG)
        assert moved, process.communicate(timeout=LONG)[0]
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=LONG)
    assert process.returncode == 130, said
    assert "the arm holds" in said and "simulated cell" not in said
    assert link.wait_for(lambda: state(link) == SafetyStatus.HOLDING, LONG)
    link.spin_until(time.monotonic() + 0.5)
    place = link.q
    link.spin_until(time.monotonic() + 0.5)
    assert link.away(place).max() < 2e-3


def test_nothing_is_sent_of_an_episode_that_the_gate_would_refuse(
    link: ArmLink, tmp_path: Path
) -> None:
    fast = write_sound(tmp_path / "fast", steps=6)
    assert link.q is not None
    start = link.q
    done = replay(str(fast))
    assert done.returncode == 1
    assert "refused" in done.stdout and "nothing has been sent" in done.stdout, done.stdout
    link.spin_until(time.monotonic() + 0.5)
    assert link.away(start).max() < 2e-3


def test_nothing_is_sent_to_an_arm_that_is_disabled(dataset: Path, link: ArmLink) -> None:
    link.switch("arm/enable", False)
    assert link.wait_for(lambda: state(link) == SafetyStatus.DISABLED, LONG)
    done = replay(str(dataset))
    assert done.returncode == 1
    assert "call /arm/enable" in done.stderr
    assert state(link) == SafetyStatus.DISABLED
    link.switch("arm/enable", True)
    assert link.wait_for(lambda: state(link) == SafetyStatus.READY, LONG)


def test_a_fault_that_is_over_before_the_next_look_ends_the_replay() -> None:
    link = MagicMock(status=None)
    replaying_arm = Replay(link, Console(quiet=True))
    replaying_arm._sent.add(1)
    link.on_status(SafetyStatus(state=SafetyStatus.FAULTED, reason="joint6 is blocked"))
    link.on_status(SafetyStatus(state=SafetyStatus.HOLDING))
    with pytest.raises(NoArm, match="the arm stopped: joint6 is blocked"):
        replaying_arm._require_moving()


def test_nothing_is_sent_while_a_policy_moves_the_arm(dataset: Path, link: ArmLink) -> None:
    publisher = link.node.create_publisher(ActionChunkMessage, "kinevla/action_chunk", 1)
    with replaying(str(dataset)) as process:
        sequence = 0
        while process.poll() is None:
            sequence += 1
            now, places = time.monotonic(), np.tile(link.q, (5, 1))
            chunk = ActionChunk(now, sequence, places, np.full(5, 0.07))
            publisher.publish(chunk_to_message(chunk, link.stamps.to_ros(now)))
            link.spin_until(now + 0.2)
        said, _ = process.communicate()
    assert process.returncode == 1
    assert 'kinevla say "stop"' in said


def test_no_arm_in_the_namespace_that_was_asked_for_is_an_error_and_no_cell(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "0")  # to be given back
    own_domain()
    done = replay(str(dataset), "--namespace", "nobody")
    assert done.returncode == 1
    assert "no arm node /nobody/arm" in done.stderr
