"""Quality of service of what others publish: to subscribe to all of it, and for the bag."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml
from rclpy.duration import Duration
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.topic_endpoint_info import TopicEndpointInfo

NANO = 10**9


def subscription_qos(publishers: Sequence[TopicEndpointInfo], depth: int) -> QoSProfile:
    """The strictest profile that matches every publisher, as rosbag2 chooses it.

    Args:
        depth: messages that may wait for this process.
    """
    offers = [publisher.qos_profile for publisher in publishers]
    reliable = all(offer.reliability == ReliabilityPolicy.RELIABLE for offer in offers)
    latched = all(offer.durability == DurabilityPolicy.TRANSIENT_LOCAL for offer in offers)
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


def in_yaml(publishers: Sequence[TopicEndpointInfo]) -> str:
    """What publishers offer, as a bag says it."""
    return yaml.safe_dump([_offer(p.qos_profile) for p in publishers], sort_keys=False)


def _offer(qos: QoSProfile) -> dict[str, Any]:
    return {
        "history": qos.history.short_key,
        "depth": qos.depth,
        "reliability": qos.reliability.short_key,
        "durability": qos.durability.short_key,
        "deadline": _time(qos.deadline),
        "lifespan": _time(qos.lifespan),
        "liveliness": qos.liveliness.short_key,
        "liveliness_lease_duration": _time(qos.liveliness_lease_duration),
        "avoid_ros_namespace_conventions": qos.avoid_ros_namespace_conventions,
    }


def _time(duration: Duration) -> dict[str, int]:
    seconds, nanoseconds = divmod(duration.nanoseconds, NANO)
    return {"sec": seconds, "nsec": nanoseconds}
