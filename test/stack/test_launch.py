"""The launch file, where ROS's launch is installed."""

from __future__ import annotations

import os
import runpy

import pytest

from kinevla_ros.base.resources import resource_path

launch_ros = pytest.importorskip("launch_ros")
LAUNCH_FILE = str(resource_path("launch", "realman.launch.py"))


def started(**arguments: str) -> list[str]:
    """Executables that start with these arguments, in their order."""
    from launch import LaunchContext

    module = runpy.run_path(LAUNCH_FILE)
    context = LaunchContext()
    for argument in module["ARGUMENTS"]:
        argument.execute(context)
    context.launch_configurations.update(arguments)
    nodes = (a for a in module["start"](context) if isinstance(a, launch_ros.actions.Node))
    return [node.node_executable for node in nodes]


def test_the_cell_needs_no_camera_driver() -> None:
    assert started(sim="true") == ["cell_node", "policy_node", "arm_node"]


def test_hardware_starts_without_the_cell() -> None:
    assert started(front_serial="1", wrist_serial="2") == ["policy_node", "arm_node"]


def test_each_machine_starts_its_half_and_the_gpus_needs_no_camera() -> None:
    assert started(only="policy") == ["policy_node"]
    assert started(only="robot", front_serial="1", wrist_serial="2") == ["arm_node"]
    assert started(only="robot", sim="true") == ["cell_node", "arm_node"]


def test_the_console_is_there_before_anything_moves_and_only_when_asked_for() -> None:
    assert started(sim="true", console="true")[0] == "console_node"
    with pytest.raises(ValueError, match="robot's half"):
        started(only="policy", console="true")


@pytest.mark.parametrize("real", [{"arm_ip": "192.168.1.18"}, {"transport": "rm_driver"}])
def test_a_real_arm_is_refused_beside_the_cell(real: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="leave arm_ip and transport out"):
        started(sim="true", **real)


def test_rviz_gets_the_frames_of_the_robot() -> None:
    assert started(sim="true", rviz="true")[3:] == ["robot_state_publisher", "rviz2"]


@pytest.mark.parametrize("missing", ["front_serial", "wrist_serial"])
def test_a_camera_without_serial_number_is_refused(missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        started(**{"front_serial": "1", "wrist_serial": "2", missing: ""})


@pytest.mark.parametrize(
    ("argument", "environment", "found"),
    [
        ({}, None, "LOCALHOST"),
        ({}, "SUBNET", "SUBNET"),
        ({"discovery": "subnet"}, None, "SUBNET"),
        ({"discovery": "local"}, "SUBNET", "LOCALHOST"),
    ],
)
def test_the_nodes_are_found_on_this_computer_alone_unless_asked_otherwise(
    argument: dict[str, str], environment: str | None, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from launch import LaunchContext
    from launch.actions import SetEnvironmentVariable

    name = "ROS_AUTOMATIC_DISCOVERY_RANGE"
    monkeypatch.delenv(name)
    if environment:
        monkeypatch.setenv(name, environment)
    module = runpy.run_path(LAUNCH_FILE)
    context = LaunchContext()
    for declared in module["ARGUMENTS"]:
        declared.execute(context)
    context.launch_configurations.update({"sim": "true", **argument})
    first = module["start"](context)[0]
    assert isinstance(first, SetEnvironmentVariable)
    first.execute(context)
    assert os.environ[name] == found
