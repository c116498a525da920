"""The arm's frames and description from the package's own model, where nobody else publishes them.

robot_state_publisher does this where ROS is installed.
"""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped, Vector3
from numpy.typing import NDArray
from rclpy.node import Node
from std_msgs.msg import String

from kinevla_ros.nodes.ros.messages import BASE_FRAME
from kinevla_ros.nodes.ros.poses import to_quaternion
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.robot.kinematics import link_poses
from kinevla_ros.robot.model import urdf

PUBLISHER = "robot_state_publisher"
PERIOD = 0.05
LOOK_PERIOD = 1.0


def transforms(q: NDArray[np.float64], stamp: Time, prefix: str = "") -> list[TransformStamped]:
    """Frames of links and tool in `base_link` at joint positions `q`, shape (7,), rad.

    Args:
        prefix: goes before the name of every frame.
    """
    found = []
    for name, (position, rotation) in link_poses(q).items():
        frame = TransformStamped(child_frame_id=f"{prefix}{name}")
        frame.header.frame_id, frame.header.stamp = f"{prefix}{BASE_FRAME}", stamp
        x, y, z = (float(value) for value in position)
        frame.transform.translation = Vector3(x=x, y=y, z=z)
        frame.transform.rotation = to_quaternion(rotation)
        found.append(frame)
    return found


class FramePublisher:
    """Publishes /tf and robot_description while no robot_state_publisher runs in this namespace.

    Without tf2_msgs, which has no wheel, there is no /tf.

    Args:
        node: that publishes.
        prefix: goes before the name of every frame.
    """

    def __init__(self, node: Node, prefix: str = "") -> None:
        self._node, self._prefix = node, prefix
        self._look_due = 0.0
        self._silent = self._described = False
        self._description = node.create_publisher(String, "robot_description", LATCHED)
        self._message: Any = None
        self._publisher: Any = None
        messages = _tf_messages()
        if messages is not None:
            self._message = messages.TFMessage
            self._publisher = node.create_publisher(messages.TFMessage, "/tf", 10)

    def update(self, q: NDArray[np.float64], stamp: Time) -> None:
        """Publish where the links are; q: shape (7,), rad. To be called every `PERIOD`."""
        now = time.monotonic()
        if now >= self._look_due:
            self._look_due = now + LOOK_PERIOD
            self._look_around()
        if self._silent or self._publisher is None:
            return
        self._publisher.publish(self._message(transforms=transforms(q, stamp, self._prefix)))

    def _look_around(self) -> None:
        here = PUBLISHER, self._node.get_namespace()
        self._silent = here in self._node.get_node_names_and_namespaces()
        if not self._silent and not self._described:
            self._described = True
            self._description.publish(String(data=urdf()))


def _tf_messages() -> ModuleType | None:
    try:
        import tf2_msgs.msg as messages
    except ModuleNotFoundError:
        return None
    return messages
