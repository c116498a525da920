"""Other nodes that speak for the same joints, or drive the same arm."""

from __future__ import annotations

import time
from collections import deque

from builtin_interfaces.msg import Time
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState

from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.nodes.ros.messages import GRIPPER
from kinevla_ros.nodes.ros.subscribe import SMALL

OURS = frozenset((*JOINT_NAMES, GRIPPER))
STAMPS_KEPT = 1000
LISTEN = 1.0
"""Joint states come more often than this, s."""

POLL = 0.01


class Rivals:
    """Watches the arm node's topics for others than itself.

    A gripper's or a lift's own driver may share the topic of joint states.

    Args:
        node: the arm node.
        joints: its publisher of joint states.
        targets: topic of the joint targets.
    """

    def __init__(self, node: Node, joints: Publisher, targets: str) -> None:
        self._node, self._joints = node, joints
        self._targets = node.resolve_topic_name(targets)
        self._published: deque[tuple[int, int]] = deque(maxlen=STAMPS_KEPT)

    def note(self, stamp: Time) -> None:
        """Note the stamp of a joint state of our own."""
        self._published.append((stamp.sec, stamp.nanosec))

    def refuse(self, streams: bool) -> None:
        """Raise RuntimeError if another node drives the arm or publishes our joints' states.

        Takes `LISTEN` where another publishes joint states at all.

        Args:
            streams: whether this node publishes targets.
        """
        if self._node.count_publishers(self._targets) > int(streams):
            raise RuntimeError(
                f"another node publishes {self._targets}: a second arm node would drive the same "
                "arm. End it, or give each arm its own namespace"
            )
        topic = self._joints.topic_name
        if self._node.count_publishers(topic) > 1 and (named := self._named_by_others(topic)):
            raise RuntimeError(
                f"another node publishes {', '.join(sorted(named))} on {topic} "
                f"({', '.join(self._others(topic))}); its stamps and its gripper may be wrong. End "
                "it: a second arm node; the vendor's driver, which is to start with "
                "-r joint_states:=rm_driver/joint_states"
            )

    def _others(self, topic: str) -> list[str]:
        own = self._node.get_fully_qualified_name()
        infos = self._node.get_publishers_info_by_topic(topic)
        names = {f"{info.node_namespace.rstrip('/')}/{info.node_name}" for info in infos}
        return sorted(names - {own}) or [own]

    def _named_by_others(self, topic: str) -> set[str]:
        """Those of our joints that come in messages which are not ours."""
        subscription = self._node.create_subscription(JointState, topic, _ignore, 10, raw=True)
        try:
            named: set[str] = set()
            end = time.monotonic() + LISTEN
            while time.monotonic() < end and not named:
                taken = subscription.handle.take_message(JointState, True)
                if taken is None:
                    time.sleep(POLL)
                    continue
                named = self._foreign(taken[0])
            return named
        finally:
            self._node.destroy_subscription(subscription)

    def _foreign(self, data: bytes) -> set[str]:
        if len(data) > SMALL:
            return set()
        message = deserialize_message(data, JointState)
        stamp = message.header.stamp
        mine = (stamp.sec, stamp.nanosec) in self._published
        return set() if mine else set(OURS.intersection(message.name))


def _ignore(_: bytes) -> None:
    """Messages are taken where they are waited for."""
