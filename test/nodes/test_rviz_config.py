"""The layout for RViz: what RViz has, by its sources, and what the nodes publish."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")

from node_bench import bench

from kinevla_ros.base.resources import resource_path
from kinevla_ros.nodes.arm.node import ArmNode
from kinevla_ros.nodes.cell.node import CellNode
from kinevla_ros.nodes.policy.node import PolicyNode
from kinevla_ros.nodes.ros.messages import BASE_FRAME

COMMON = {"Class", "Name", "Enabled", "Value"}
TOPIC = {"Value", "Depth", "Durability Policy", "History Policy", "Reliability Policy"}
LINE = {"Value", "Line Width"}
PROPERTIES = {
    "Grid": {"Reference Frame", "Plane", "Plane Cell Count", "Cell Size", "Offset", "Color",
             "Alpha", "Line Style"},
    "RobotModel": {"Description Source", "Description Topic", "Visual Enabled",
                   "Collision Enabled", "Alpha"},
    "TF": {"Marker Scale", "Show Arrows", "Show Axes", "Show Names", "Frame Timeout"},
    "Path": {"Topic", "Line Style", "Line Width", "Color", "Pose Style", "Buffer Length", "Alpha"},
    "MarkerArray": {"Topic", "Namespaces"},
    "Image": {"Topic", "Normalize Range"},
}  # fmt: skip
"""Of the displays in RViz's rviz_default_plugins, branch jazzy, those that the layout sets."""

PANELS = {"rviz_common/Displays", "rviz_common/Views"}
TOOLS = {"MoveCamera", "Measure", "Select", "FocusCamera", "Interact"}
VIEW = {"Class", "Name", "Value", "Target Frame", "Distance", "Focal Point", "Pitch", "Yaw",
        "Near Clip Distance"}  # fmt: skip
"""Likewise of panels, tools and the view around a point."""

FIXED = "<Fixed Frame>"
"""RViz's word for the frame in which all is shown."""

MESSAGES = {
    "Path": "nav_msgs/msg/Path",
    "MarkerArray": "visualization_msgs/msg/MarkerArray",
    "Image": "sensor_msgs/msg/Image",
    "RobotModel": "std_msgs/msg/String",
}


def layout() -> dict[str, Any]:
    return yaml.safe_load(resource_path("config", "kinevla.rviz").read_text())


def displays() -> list[tuple[str, dict[str, Any]]]:
    found = layout()["Visualization Manager"]["Displays"]
    return [(display["Class"].removeprefix("rviz_default_plugins/"), display) for display in found]


def test_every_display_and_property_is_one_of_rviz() -> None:
    for kind, display in displays():
        assert set(display) <= COMMON | PROPERTIES[kind], kind
        for name in ("Topic", "Description Topic"):
            assert set(display.get(name, {})) <= TOPIC
        if isinstance(display.get("Line Style"), dict):
            assert set(display["Line Style"]) <= LINE


def test_every_topic_comes_from_a_node_with_the_displays_type_and_quality() -> None:
    with bench({}) as nodes:
        published = {}
        for kind in (CellNode, PolicyNode, ArmNode):
            for publisher in nodes.add(kind).publishers:
                published[publisher.topic_name] = publisher
        checked = 0
        for kind, display in displays():
            topic = display.get("Topic", display.get("Description Topic"))
            if topic is None:
                continue
            publisher = published[topic["Value"]]
            package, name = publisher.msg_type.__module__.partition(".")[0], publisher.msg_type
            assert f"{package}/msg/{name.__name__}" == MESSAGES[kind]
            latched = publisher.qos_profile.durability.name == "TRANSIENT_LOCAL"
            assert latched or topic["Durability Policy"] == "Volatile"
            checked += 1
    assert checked == 7


def test_everything_is_shown_in_the_frame_of_the_arms_base_whatever_goes_before_its_name() -> None:
    manager = layout()["Visualization Manager"]
    assert manager["Global Options"]["Fixed Frame"] == BASE_FRAME  # rviz2 -f says another
    assert manager["Views"]["Current"]["Target Frame"] == FIXED
    assert all(d.get("Reference Frame", FIXED) == FIXED for _, d in displays())


def test_panels_tools_and_view_are_those_of_rviz() -> None:
    found = layout()
    manager = found["Visualization Manager"]
    assert {panel["Class"] for panel in found["Panels"]} <= PANELS
    assert {
        tool["Class"].removeprefix("rviz_default_plugins/") for tool in manager["Tools"]
    } <= TOOLS
    assert manager["Transformation"]["Current"]["Class"] == "rviz_default_plugins/TF"
    assert manager["Views"]["Current"]["Class"] == "rviz_default_plugins/Orbit"
    assert set(manager["Views"]["Current"]) <= VIEW
    assert set(manager["Global Options"]) <= {"Background Color", "Fixed Frame", "Frame Rate"}
