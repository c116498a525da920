"""Two cameras and an arm that does a demonstration, as a node of the test's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from demonstrations import LEFT, bread_motion
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import String

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.data.synchronisation.images import picture_topic
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.ros.images import camera_info, to_message
from kinevla_ros.nodes.ros.messages import joints_to_message
from kinevla_ros.nodes.ros.qos import LATCHED, image_qos

SECONDS = 4.0
DEEP = QoSProfile(depth=100)


def picture(number: int, camera: int) -> NDArray[np.uint8]:
    """A textured picture that changes from frame to frame."""
    rng = np.random.default_rng(camera)
    field = np.kron(rng.integers(40, 200, (12, 16, 3)), np.ones((10, 10, 1)))
    return np.roll(field, 3 * number, axis=1).astype(np.uint8)


class CamerasAndArm:
    """Publishes pictures at 15 Hz, joint states and targets at 50 Hz, a status at 10 Hz.

    Attributes:
        sent: topic and message, in order.
        takeover: what the status says.
        mute: topics that do not come.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self.sent: list[tuple[str, Any]] = []
        self.takeover = False
        self.mute: set[str] = set()
        self._states = bread_motion(LEFT, 41)
        self._ticks = 0
        self._publishers = {
            "/joint_states": node.create_publisher(JointState, "joint_states", DEEP),
            "/kinevla/joint_targets": node.create_publisher(
                JointState, "kinevla/joint_targets", DEEP
            ),
            "/kinevla/safety_status": node.create_publisher(
                SafetyStatus, "kinevla/safety_status", LATCHED
            ),
            "/instruction": node.create_publisher(String, "instruction", 10),
        }
        for camera in CAMERAS:
            topic = picture_topic(camera, "raw")
            made = node.create_publisher(Image, topic.lstrip("/"), image_qos(reliable=True))
            self._publishers[topic] = made
            info = f"/camera/{camera}/color/camera_info"
            made = node.create_publisher(CameraInfo, info.lstrip("/"), image_qos(reliable=True))
            self._publishers[info] = made
        node.create_timer(0.02, self._tick)

    def say(self, text: str) -> None:
        self._send("/instruction", String(data=text))

    def heard(self, topic: str) -> bool:
        """Whether somebody listens."""
        return bool(self._publishers[topic].get_subscription_count())

    def _tick(self) -> None:
        self._ticks += 1
        stamp = self._node.get_clock().now().to_msg()
        for topic, ahead in (("/joint_states", 0.0), ("/kinevla/joint_targets", 0.02)):
            state = self._at(0.02 * self._ticks + ahead)
            self._send(topic, joints_to_message(state[:7], float(state[7]), stamp))
        if self._ticks % 5 == 0:
            self._send("/kinevla/safety_status", SafetyStatus(takeover=self.takeover))
        if self._ticks % 3 == 0:
            for number, camera in enumerate(CAMERAS):
                seen = to_message(picture(self._ticks // 3, number), stamp, camera)
                self._send(picture_topic(camera, "raw"), seen)
                info = camera_info(160, 120, math.radians(60), stamp, camera)
                self._send(f"/camera/{camera}/color/camera_info", info)

    def _at(self, seconds: float) -> NDArray[np.float64]:
        """The demonstration forth and back; shape (8,)."""
        phase = seconds % (2 * SECONDS)
        place = min(phase, 2 * SECONDS - phase)
        times = np.linspace(0, SECONDS, len(self._states))
        return np.array([np.interp(place, times, column) for column in self._states.T])

    def _send(self, topic: str, message: Any) -> None:
        if topic not in self.mute:
            self._publishers[topic].publish(message)
            self.sent.append((topic, message))
