"""Subscriptions that look at a message's size before anything else is done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from rclpy.subscription import Subscription

T = TypeVar("T")

SMALL = 64 * 1024
"""Enough for joint states of many joints and for every message of this package, bytes."""

PICTURE = 32 * 1024 * 1024
"""Enough for a raw picture of 3840 x 2160, bytes."""


def subscribe(
    node: Node,
    kind: type[T],
    topic: str,
    callback: Callable[[T], None],
    refuse: Callable[[str], None],
    qos: QoSProfile | int = 1,
) -> Subscription:
    """Subscribe to messages of at most `SMALL` bytes.

    A sequence's bound in a .msg file is not enforced on reception, a standard message has none,
    and a million strings take a second to become Python's: a larger message is never decoded.

    Args:
        node: that listens.
        kind: of the messages.
        topic: their name.
        callback: gets a message.
        refuse: gets the reason why one was dropped.
        qos: quality of service, or how many messages to keep.
    """

    def take(data: Any) -> None:
        if len(data) > SMALL:
            refuse(
                f"a message of {len(data)} bytes on {name} is dropped; at most {SMALL} are taken"
            )
            return
        try:
            message = deserialize_message(data, kind)
        except Exception as error:  # of the middleware's choosing
            refuse(f"a message on {name} is damaged or from another version: {error}")
            return
        callback(message)

    subscription = node.create_subscription(kind, topic, take, qos, raw=True)
    name = subscription.topic_name
    return subscription
