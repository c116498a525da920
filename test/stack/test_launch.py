"""The launch file, where ROS's launch is installed."""

from __future__ import annotations

import os
import runpy
import signal
import sys
from typing import Any

import pytest
import yaml

from kinevla_ros.base.resources import resource_path

launch_ros = pytest.importorskip("launch_ros")
LAUNCH_FILE = str(resource_path("launch", "realman.launch.py"))


def started(**arguments: str) -> list[str]:
    """Executables that start with these arguments, in their order."""
    module, actions = launched(**arguments)
    release(module)
    nodes = (a for a in actions if isinstance(a, launch_ros.actions.Node))
    return [node.node_executable for node in nodes]


def launched(**arguments: str) -> tuple[dict[str, Any], list[Any]]:
    """The launch file's content, and its actions with these arguments."""
    from launch import LaunchContext

    module = runpy.run_path(LAUNCH_FILE)
    context = LaunchContext()
    for argument in module["ARGUMENTS"]:
        argument.execute(context)
    context.launch_configurations.update(arguments)
    return module, module["start"](context)


def release(module: dict[str, Any]) -> None:
    """Give up the names of the nodes."""
    for holder in module["CLAIMS"]:
        holder.close()


def test_the_cell_needs_no_camera_driver() -> None:
    assert started(sim="true") == ["cell_node", "policy_node", "arm_node"]


def test_a_recorder_and_shadow_mode_are_asked_for_by_name() -> None:
    nodes = ["recorder_node", "cell_node", "policy_node", "arm_node"]
    assert started(sim="true", record="~/bags", shadow="true") == nodes


def test_hardware_starts_without_the_cell() -> None:
    assert started(cameras="none") == ["policy_node", "arm_node"]


def test_a_second_launch_of_the_same_nodes_ends_and_one_of_another_arm_does_not() -> None:
    module = launched(sim="true")[0]
    with pytest.raises(RuntimeError, match="another `kinevla up` or `ros2 launch`"):
        launched(sim="true")
    assert started(sim="true", namespace="left") == ["cell_node", "policy_node", "arm_node"]
    release(module)


def test_realsense_without_its_driver_is_read_by_our_own_node() -> None:
    pytest.importorskip("pyrealsense2", exc_type=ImportError)
    names = started(front_serial="1", wrist_serial="2")
    assert names == ["cameras_node", "policy_node", "arm_node"]
    assert started(front_serial="1", wrist_serial="2", only="policy") == ["policy_node"]


def test_a_driver_that_is_not_installed_is_missed_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pyrealsense2", None)
    with pytest.raises(ValueError, match="sudo apt install ros-"):
        started(front_serial="1", wrist_serial="2")
    with pytest.raises(ValueError, match="robot_state_publisher and rviz2 cannot be found"):
        started(sim="true", rviz="true")


def test_each_machine_starts_its_half_and_the_gpus_needs_no_camera() -> None:
    assert started(only="policy") == ["policy_node"]
    assert started(only="robot") == ["arm_node"]
    assert started(only="robot", sim="true") == ["cell_node", "arm_node"]


def test_the_console_is_there_before_anything_moves_and_only_when_asked_for() -> None:
    assert started(sim="true", console="true")[0] == "console_node"
    with pytest.raises(ValueError, match="robot's half"):
        started(only="policy", console="true")


@pytest.mark.parametrize("real", [{"arm_ip": "192.168.1.18"}, {"transport": "rm_driver"}])
def test_a_real_arm_is_refused_beside_the_cell(real: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="leave arm_ip and transport out"):
        started(sim="true", **real)


def test_rviz_gets_the_frames_of_the_robot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinevla_ros.stack.processes.packages.is_installed", lambda name: True)
    assert started(sim="true", rviz="true")[3:] == ["robot_state_publisher", "rviz2"]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({}, {"robot_description": "/robot_description"}),
        (
            {"namespace": "left"},
            {
                "robot_description": "/left/robot_description",
                "kinevla/planned_path": "/left/kinevla/planned_path",
                "camera/wrist/color/image_raw": "/left/camera/wrist/color/image_raw",
            },
        ),
        (
            {"namespace": "left", "front_topic": "cam0/raw", "wrist_topic": "/cam1/raw"},
            {
                "camera/front/color/image_raw": "/left/cam0/raw",
                "camera/wrist/color/image_raw": "/cam1/raw",
            },
        ),
    ],
)
def test_rviz_shows_the_topics_that_the_nodes_of_this_launch_have(
    arguments: dict[str, str], names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = rviz_remappings(monkeypatch, "rviz2", **arguments)
    assert {topic: renamed[f"/{topic}"] for topic in names} == names
    layout = yaml.safe_load(resource_path("config", "kinevla.rviz").read_text())
    displays = layout["Visualization Manager"]["Displays"]
    listened = [d.get("Topic", d.get("Description Topic")) for d in displays]
    assert {topic["Value"] for topic in listened if topic} == set(renamed)


def test_the_frames_follow_the_joint_states_of_another_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = {"joint_states_topic": "/all_joints"}
    renamed = rviz_remappings(monkeypatch, "robot_state_publisher", **arguments)
    assert renamed == {"joint_states": "/all_joints"}


def rviz_remappings(
    monkeypatch: pytest.MonkeyPatch, executable: str, **arguments: str
) -> dict[str, str]:
    """What a node beside ours hears under other names."""
    from launch import LaunchContext

    monkeypatch.setattr("kinevla_ros.stack.processes.packages.is_installed", lambda name: True)
    module, actions = launched(sim="true", rviz="true", **arguments)
    release(module)
    nodes = (a for a in actions if isinstance(a, launch_ros.actions.Node))
    (node,) = (node for node in nodes if node.node_executable == executable)
    node._perform_substitutions(LaunchContext())
    return dict(node.expanded_remapping_rules or [])


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
    release(module)
    assert isinstance(first, SetEnvironmentVariable)
    first.execute(context)
    assert os.environ[name] == found


@pytest.mark.parametrize("also", ["another node has ended", "Ctrl-C"])
def test_a_node_that_ends_in_order_ends_the_launch_once_and_with_code_0(also: str) -> None:
    from launch import LaunchDescription, LaunchService
    from launch.actions import EmitEvent, ExecuteProcess, OpaqueFunction, RegisterEventHandler
    from launch.event_handlers import OnShutdown
    from launch.events import Shutdown

    from kinevla_ros.stack.processes.steps import ended

    first, second = (OpaqueFunction(function=ended, args=[text]) for text in ("a node", also))
    on_exit = [first, EmitEvent(event=Shutdown(reason=also)) if also == "Ctrl-C" else second]
    ends = ExecuteProcess(cmd=[sys.executable, "-c", ""], on_exit=on_exit)
    lives = ExecuteProcess(cmd=[sys.executable, "-c", "import time; time.sleep(60)"])
    ends_heard: list[Any] = []  # launch_ros raises when it is ended twice
    heard = RegisterEventHandler(OnShutdown(on_shutdown=lambda event, _: ends_heard.append(event)))
    service = LaunchService()
    service.include_launch_description(LaunchDescription([heard, lives, ends]))
    assert service.run() == 0
    assert len(ends_heard) == 1
    assert lives.return_code == -signal.SIGINT
