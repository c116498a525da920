"""Nodes end with what has started them, and two launches of the same nodes do not mix."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("rclpy")

from waiting import wait_until

from kinevla_ros.nodes.ros.parent import PARENT
from kinevla_ros.stack.processes.claims import AlreadyRunning, claim

NODE = """
import os, sys, time
from kinevla_ros.nodes.ros.managed import ManagedNode
from kinevla_ros.nodes.ros.runtime import run
class Slow(ManagedNode):
    def configure(self):
        print("configuring", flush=True)
        time.sleep(60.0)
    def activate(self):
        print("active", flush=True)
    def deactivate(self):
        print("deactivated", flush=True)
class Quick(Slow):
    def configure(self):
        pass
def make():
    node = (Slow if "slow" in sys.argv else Quick)("cell", {})
    if "slow" in sys.argv:
        node.create_timer(0.1, lambda: node.trigger_configure())
    else:
        node.trigger_configure()
        node.trigger_activate()
    return node
sys.exit(run(make))
"""
STARTER = """
import os, subprocess, sys, time
from kinevla_ros.nodes.ros.parent import PARENT
node = subprocess.Popen([sys.executable, "-c", sys.argv[1]], start_new_session=True,
                        env={**os.environ, PARENT: str(os.getpid())})
print(node.pid, flush=True)
time.sleep(60)
"""


def test_a_node_whose_starter_is_killed_is_deactivated_and_ends(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with said.open("w") as output:
        starter = subprocess.Popen([sys.executable, "-c", STARTER, NODE], stdout=output)
    try:
        assert wait_until(lambda: "active" in said.read_text(), timeout=30.0)
        node = int(said.read_text().split()[0])
        starter.send_signal(signal.SIGKILL)
        starter.wait()
        assert wait_until(lambda: "deactivated" in said.read_text(), timeout=10.0)
        assert wait_until(lambda: not Path(f"/proc/{node}/exe").exists(), timeout=10.0)
    finally:
        starter.kill()


def test_a_node_of_another_parent_lives_on() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", NODE],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, PARENT: str(os.getppid())},
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "active"
    process.send_signal(signal.SIGINT)
    assert process.wait(20.0) == 0


def test_a_signal_ends_a_node_that_reads_its_checkpoint_at_once_and_quietly() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", NODE, "slow"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "configuring"
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, problems = process.communicate(timeout=20.0)
    assert process.returncode == 0
    assert time.monotonic() - begin < 20.0
    assert "Traceback" not in problems


def test_a_name_is_claimed_once_in_a_domain_and_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    held = claim(["cell", "arm"])
    with pytest.raises(AlreadyRunning, match=r"the node /arm in ROS_DOMAIN_ID \d+: end it"):
        claim(["policy", "arm"])
    held += claim(["arm"], "left")
    monkeypatch.setenv("ROS_DOMAIN_ID", "99")
    held += claim(["arm"])
    for holder in held:
        holder.close()
    claim(["arm"])[0].close()
