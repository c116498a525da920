"""What `kinevla up` hands to the nodes, and how it ends them."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")

from lifecycle_msgs.msg import Transition
from typer.testing import CliRunner

from kinevla_ros.cli import app
from kinevla_ros.stack.processes import launcher as launcher_module
from kinevla_ros.stack.processes import shared_memory
from kinevla_ros.stack.processes.isolation import DISCOVERY
from kinevla_ros.stack.processes.launcher import (
    CELL_HOST,
    Launcher,
    LaunchError,
    client_node,
    half,
)
from kinevla_ros.stack.processes.node_process import ends
from kinevla_ros.stack.up import StackSetup, overrides

REAL = "192.168.1.18"


def test_the_cells_arm_is_the_cells_whatever_the_parameter_file_says() -> None:
    nodes = overrides(StackSetup())
    assert list(nodes) == ["cell", "policy", "arm"]
    assert nodes["arm"]["enable_on_activate"] is True
    assert (nodes["arm"]["transport"], nodes["arm"]["arm_ip"]) == ("api", CELL_HOST)
    assert nodes["arm"]["arm_port"] == nodes["cell"]["port"]


def test_a_real_arm_starts_disabled_without_the_cell() -> None:
    nodes = overrides(StackSetup(sim=False, arm_ip=REAL))
    assert nodes == {"policy": {}, "arm": {"arm_ip": REAL}}
    assert half(nodes, "robot") == {"arm": {"arm_ip": REAL}}


def test_somebody_elses_policy_is_asked_by_the_policy_node_alone() -> None:
    url = "ws://127.0.0.1:8000"
    nodes = overrides(StackSetup(policy_url=url))
    assert [name for name, given in nodes.items() if url in given.values()] == ["policy"]


def test_a_recorder_starts_before_what_it_records_and_goes_by_the_checkpoints_tasks(
    tmp_path: Path,
) -> None:
    nodes = overrides(
        StackSetup(model=tmp_path / "model", namespace="left", record=tmp_path / "bags")
    )
    assert list(nodes) == ["recorder", "cell", "policy", "arm"]
    assert nodes["recorder"] == {
        "folder": str(tmp_path / "bags"),
        "tasks": str(tmp_path / "model"),
    }
    with pytest.raises(ValueError, match="the recorder belongs to the robot's half"):
        half(nodes, "policy")


def test_the_console_starts_first_and_belongs_to_the_robots_half() -> None:
    nodes = overrides(StackSetup(console=True))
    assert list(nodes) == ["console", "cell", "policy", "arm"]
    assert list(half(nodes, "robot")) == ["console", "cell", "arm"]
    with pytest.raises(ValueError, match="robot's half"):
        half(nodes, "policy")


def test_a_real_address_for_the_cell_is_refused() -> None:
    result = CliRunner().invoke(app, ["up", "--arm-ip", REAL])
    assert result.exit_code == 2
    with pytest.raises(ValueError, match="--no-sim"):
        overrides(StackSetup(arm_ip=REAL))


STUCK = """
import faulthandler, signal, sys, time
faulthandler.enable()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", file=sys.stderr, flush=True)
def in_a_loop():
    while True: time.sleep(1)
in_a_loop()
"""


@pytest.mark.parametrize("frozen", [False, True])
def test_a_node_that_does_not_end_is_killed_and_says_where_it_was_unless_it_is_frozen(
    frozen: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launcher_module, "EXIT_TIMEOUT", 0.2)
    monkeypatch.setattr(launcher_module, "node_command", lambda *_: [sys.executable, "-c", STUCK])
    heard = ""
    with Launcher(None, threading.Event(), Path(), {"policy": {}}) as launcher:
        while "up" not in heard:
            heard += capfd.readouterr().err
        if frozen:
            os.kill(launcher.pid("policy"), signal.SIGSTOP)
    printed = capfd.readouterr().err
    assert "the policy node does not end and is killed" in printed
    assert ("in_a_loop" in printed) is not frozen
    assert launcher._processes["policy"].returncode == -(
        signal.SIGKILL if frozen else signal.SIGABRT
    )


NODE = """
import sys
from kinevla_ros.nodes.ros.managed import ManagedNode
from kinevla_ros.nodes.ros.runtime import run
sys.exit(run(lambda: ManagedNode("cell", {})))
"""


def shared_memory_of(pid: int) -> set[Path]:
    """Segments and their locks that a process has open in /dev/shm."""
    links = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # of this listing
            links.add(os.readlink(link))
    return {Path(link) for link in links if re.match("/dev/shm/fastrtps_[0-9a-f]{16}", link)}


def test_a_killed_node_is_named_and_leaves_no_segment_in_shared_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(launcher_module, "node_command", lambda *_: [sys.executable, "-c", NODE])
    monkeypatch.setattr(launcher_module, "WATCH_PERIOD", 0.1)
    used: set[Path] = set()
    before = shared_memory_of(os.getpid())
    with (
        pytest.raises(LaunchError, match="the cell node has ended: killed by SIGKILL"),
        client_node("test_up") as (node, interrupted),
        Launcher(node, interrupted, Path(), {"cell": {}}) as launcher,
    ):
        launcher.bring_up()
        launcher.wait_for(lambda: not time.sleep(0.2), 5.0, "no time")
        used = shared_memory_of(launcher.pid("cell")) | (shared_memory_of(os.getpid()) - before)
        os.kill(launcher.pid("cell"), signal.SIGKILL)
        launcher.wait_for(lambda: False, 10.0, "the death is not seen")
    names = {path.name.removesuffix("_el") for path in used}
    assert len(names) == 2
    assert not [path for path in Path("/dev/shm").iterdir() if any(n in path.name for n in names)]


def test_a_node_in_the_place_of_one_that_has_ended_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(launcher_module, "node_command", lambda *_: [sys.executable, "-c", NODE])
    with (
        client_node("test_up") as (node, interrupted),
        Launcher(node, interrupted, Path(), {"cell": {}}) as launcher,
    ):
        launcher.bring_up()
        shared_memory.watch(launcher.pid("cell"))
        assert ends(launcher._processes["cell"], signal.SIGINT, 10.0)
        shared_memory.clean()
        launcher.restart("cell")


MUTE_AT_FIRST = """
import pathlib, rclpy, sys, time
from rclpy.signals import SignalHandlerOptions
from kinevla_ros.nodes.ros.managed import ManagedNode
from kinevla_ros.nodes.ros.runtime import run
before = pathlib.Path(sys.argv[1])
if before.exists():
    sys.exit(run(lambda: ManagedNode("cell", {})))
before.touch()
rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
node = ManagedNode("cell", {})
time.sleep(60.0)
"""


def test_a_node_that_is_found_and_never_answers_is_started_again_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c", MUTE_AT_FIRST, str(tmp_path / "before")]
    monkeypatch.setattr(launcher_module, "node_command", lambda *_: command)
    monkeypatch.setattr(launcher_module, "FIRST_TIMEOUT", 1.0)
    with (
        client_node("test_up") as (node, interrupted),
        Launcher(node, interrupted, Path(), {"cell": {}}) as launcher,
    ):
        first = launcher.pid("cell")
        launcher.bring_up()
        assert launcher.pid("cell") != first
    assert "the cell node does not answer and is started again" in capfd.readouterr().err


def test_a_node_that_somebody_shuts_down_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher_module, "node_command", lambda *_: [sys.executable, "-c", NODE])
    with (
        pytest.raises(LaunchError, match="the cell node has ended: somebody has shut it down"),
        client_node("test_up") as (node, interrupted),
        Launcher(node, interrupted, Path(), {"cell": {}}) as launcher,
    ):
        launcher.bring_up()
        launcher._request("cell", Transition.TRANSITION_ACTIVE_SHUTDOWN)
        launcher.wait_for(lambda: False, 10.0, "the end is not seen")


@pytest.mark.parametrize(
    ("words", "environment", "found"),
    [
        ([], None, "LOCALHOST"),
        ([], "SUBNET", "SUBNET"),
        (["--discovery", "subnet"], None, "SUBNET"),
        (["--discovery", "local"], "SUBNET", "LOCALHOST"),
    ],
)
def test_the_nodes_are_found_on_this_computer_alone_unless_asked_otherwise(
    words: list[str], environment: str | None, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DISCOVERY)
    if environment:
        monkeypatch.setenv(DISCOVERY, environment)
    command = [sys.executable, "-c", f"import os; os._exit(os.environ['{DISCOVERY}'] == '{found}')"]
    monkeypatch.setattr(launcher_module, "node_command", lambda *_: command)
    result = CliRunner().invoke(app, ["up", "--only", "policy", *words])
    assert "the policy node has ended: code 1" in result.stderr
    assert ("--discovery subnet" in result.stderr) is (found == "LOCALHOST")
