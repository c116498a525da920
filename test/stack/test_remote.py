"""Policy and arm on two machines: what crosses the network, and what a pulled cable does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import two_machines

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from kinevla_ros.base.resources import resource_path

RIG = Path(two_machines.__file__)
SPACE = ("unshare", "--net", "--mount")


def permitted() -> bool:
    """Whether this process may make network namespaces and join them."""
    probe = (
        "mount -t tmpfs tmpfs /dev/shm && nsenter --version && "
        "ip link add near type veth peer name far"
    )
    try:
        return subprocess.run([*SPACE, "sh", "-c", probe], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not permitted(), reason="no network namespaces (root and iproute2 needed)")
def test_pictures_cross_chunks_come_back_and_without_the_cable_the_arm_holds(
    tmp_path: Path,
) -> None:
    report = tmp_path / "report.json"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET",
        "FASTRTPS_DEFAULT_PROFILES_FILE": str(resource_path("config", "fastdds.xml")),
    }
    command = [*SPACE, sys.executable, str(RIG), "compressed", str(report)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stdout + run.stderr
    found = json.loads(report.read_text())
    assert found["fault"] == 0
    # A chunk lasts 0.5 s from its pictures' time.
    assert found["cable_pulled_to_holding"] < 0.7
    assert found["cable_pulled_to_rest"] < 1.5
    assert found["chunks_without_cable"] == 0
    assert found["speed_without_cable"] < 0.01
    assert found["cable_plugged_to_chunk"] < 5.0
