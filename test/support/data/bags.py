"""Bags as a recorder writes them: raw CDR in MCAP, a rosbag2 folder for each episode."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from mcap.writer import Writer
from numpy.typing import NDArray
from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.recorder.definitions import definition_of
from kinevla_ros.nodes.ros.images import to_message

START = 1_700_000_000.0
Recorded = list[tuple[str, float, Any]]
FRONT, WRIST = (f"/camera/{camera}/color/image_raw" for camera in ("front", "wrist"))


def stamp(seconds: float) -> Any:
    """A ROS time of `seconds` after the start."""
    from builtin_interfaces.msg import Time

    nanoseconds = round((START + seconds) * 1e9)
    return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


def joint_state(seconds: float, joints: NDArray[np.float64], gripper: float) -> JointState:
    """Seven joints (rad) and the gripper (m)."""
    message = JointState(name=[*JOINT_NAMES, "gripper"], position=[*joints.tolist(), gripper])
    message.header.stamp = stamp(seconds)
    return message


def image(seconds: float, picture: NDArray[np.uint8]) -> Any:
    """An rgb8 message."""
    return to_message(picture, stamp(seconds), "camera")


def takeover(now: bool) -> SafetyStatus:
    """Whether a person leads."""
    return SafetyStatus(takeover=now)


def text(said: str) -> String:
    """An instruction."""
    return String(data=said)


def write_bag(folder: Path, recorded: Recorded, **custom: str) -> Path:
    """Write messages with their time of receipt (s after the start) as a bag."""
    folder.mkdir(parents=True)
    with (folder / "episode.mcap").open("wb") as file:
        writer = Writer(file)
        writer.start(profile="ros2")
        channels: dict[str, int] = {}
        for topic, at, message in recorded:
            if topic not in channels:
                name = type_of(message)
                definition = definition_of(name)
                schema = writer.register_schema(name, "ros2msg", definition.encode())
                channels[topic] = writer.register_channel(topic, "cdr", schema)
            time = round((START + at) * 1e9)
            writer.add_message(channels[topic], time, serialize_message(message), time)
        writer.finish()
    counts = Counter(topic for topic, _, _ in recorded)
    information = {
        "version": 9,
        "storage_identifier": "mcap",
        "relative_file_paths": ["episode.mcap"],
        "topics_with_message_count": [
            {"topic_metadata": {"name": topic}, "message_count": count}
            for topic, count in counts.items()
        ],
        "custom_data": custom,
    }
    metadata = {"rosbag2_bagfile_information": information}
    (folder / "metadata.yaml").write_text(yaml.safe_dump(metadata))
    return folder


def type_of(message: Any) -> str:
    """Such as `sensor_msgs/msg/Image`."""
    return f"{type(message).__module__.split('.')[0]}/msg/{type(message).__name__}"
