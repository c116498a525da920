"""The stop of the vendor's ROS 2 driver, in whichever type the running driver takes it."""

from __future__ import annotations

import threading
from typing import Any

from rclpy.exceptions import InvalidHandle
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from std_msgs.msg import Bool, Empty

from kinevla_ros.robot.transport import ArmConnectionError

STOP = "rm_driver/move_stop_cmd"
CONFIRMATION = "rm_driver/move_stop_result"
TYPES = {"std_msgs/msg/Bool": Bool(data=True), "std_msgs/msg/Empty": Empty()}
"""The driver of 2024-08 takes a Bool, later ones an Empty."""

TIMEOUT = 0.5


class RmDriverStop:
    """Publishes a stop and waits for its confirmation.

    Args:
        node: whose executor calls back, in another thread than the caller's.
        qos: of commands and results.
    """

    def __init__(self, node: Node, qos: QoSProfile) -> None:
        self._node, self._qos = node, qos
        self._publishers: dict[str, Publisher] = {}
        self._confirmed = threading.Event()
        node.create_subscription(Bool, CONFIRMATION, self._on_result, qos)

    def find(self) -> bool:
        """Get ready to stop in each type that somebody takes; whether there is one."""
        topic = self._node.resolve_topic_name(STOP)
        taken = {info.topic_type for info in self._node.get_subscriptions_info_by_topic(topic)}
        for kind in taken & set(TYPES) - set(self._publishers):
            message_type = type(TYPES[kind])
            self._publishers[kind] = self._node.create_publisher(message_type, STOP, self._qos)
        return self.heard

    @property
    def heard(self) -> bool:
        """Whether anybody takes a stop."""
        return any(is_heard(publisher) for publisher in self._publishers.values())

    def stop(self) -> None:
        """Stop.

        Raises:
            ArmConnectionError: nobody has confirmed; use the emergency button.
        """
        self._confirmed.clear()
        for kind, publisher in self._publishers.items():
            publisher.publish(TYPES[kind])
        if not self._confirmed.wait(TIMEOUT):
            raise ArmConnectionError(
                "the vendor's rm_driver did not confirm the stop; use the emergency button"
            )

    def _on_result(self, message: Bool) -> None:
        if message.data:
            self._confirmed.set()


def is_heard(publisher: Any) -> bool:
    """Tell whether a publisher has a listener; not once it is destroyed."""
    try:
        return bool(publisher.get_subscription_count())
    except InvalidHandle:
        return False
