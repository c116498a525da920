"""Two cameras at 30 Hz and an arm at 100 Hz, as a process: what `kinevla bench record` records.

    python -m kinevla_ros.stack.bench.fast_robot

Every message carries its number in its frame's name, so that a lost one is missing by number.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import rclpy
from rclpy._rclpy_pybind11 import RCLError
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image, JointState

from kinevla_ros.base import topics
from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.data.synchronisation.images import picture_topic
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.ros.images import to_message
from kinevla_ros.nodes.ros.messages import joints_to_message
from kinevla_ros.nodes.ros.parent import end_with_parent
from kinevla_ros.nodes.ros.qos import LATCHED, image_qos

WIDTH, HEIGHT = 640, 480
PICTURE_RATE, JOINT_RATE, STATUS_RATE = 30.0, 100.0, 10.0
DEEP = QoSProfile(depth=100)


class FastRobot:
    """Publishes until the process is ended."""

    def __init__(self) -> None:
        self._node = rclpy.create_node("fast_robot")
        rng = np.random.default_rng(0)
        picture = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        stamp = self._node.get_clock().now().to_msg()
        # Of each camera one message: to make one takes longer than to send it.
        self._pictures = {camera: to_message(picture, stamp, camera) for camera in CAMERAS}
        make = self._node.create_publisher
        pictures = {camera: picture_topic(camera, "raw") for camera in CAMERAS}
        self._images = {c: make(Image, topic, image_qos(True)) for c, topic in pictures.items()}
        self._infos = {
            camera: make(CameraInfo, topic.replace("image_raw", "camera_info"), image_qos(True))
            for camera, topic in pictures.items()
        }
        self._joints = make(JointState, topics.JOINT_STATES, DEEP)
        self._status = make(SafetyStatus, topics.SAFETY_STATUS, LATCHED)

    def run(self) -> None:
        """Publish each kind when it is due."""
        tasks: list[tuple[float, Callable[[int], None]]] = [
            (1 / PICTURE_RATE, self._see),
            (1 / JOINT_RATE, self._measure),
            (1 / STATUS_RATE, lambda _: self._status.publish(SafetyStatus())),
        ]
        begin, counts = time.monotonic(), [0] * len(tasks)
        while rclpy.ok():
            due = [begin + count * period for count, (period, _) in zip(counts, tasks, strict=True)]
            place = min(range(len(due)), key=due.__getitem__)
            time.sleep(max(0.0, due[place] - time.monotonic()))
            tasks[place][1](counts[place])
            counts[place] += 1

    def _see(self, number: int) -> None:
        for camera, message in self._pictures.items():
            header = self._mark(message, number)
            self._images[camera].publish(message)
            self._infos[camera].publish(CameraInfo(header=header, width=WIDTH, height=HEIGHT))

    def _measure(self, number: int) -> None:
        message = joints_to_message(np.full(7, 0.1), 0.04, self._node.get_clock().now().to_msg())
        self._mark(message, number)
        self._joints.publish(message)

    def _mark(self, message: Any, number: int) -> Any:
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.header.frame_id = str(number)
        return message.header


if __name__ == "__main__":
    end_with_parent()
    rclpy.init()
    # Whoever ends this process ends the context first.
    with suppress(RCLError):
        FastRobot().run()
