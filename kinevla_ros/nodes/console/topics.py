"""What the console hears of the graph; cameras and markers only while a page is open."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.subscription import Subscription
from sensor_msgs.msg import JointState
from visualization_msgs.msg import MarkerArray

from kinevla_ros.base import topics
from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.data.synchronisation.images import picture_topic
from kinevla_ros.msg import Question, Reasoning, SafetyStatus
from kinevla_ros.nodes.console.arm_view import markers_shown
from kinevla_ros.nodes.console.pictures import Pictures
from kinevla_ros.nodes.console.seen import Seen
from kinevla_ros.nodes.console.shown import (
    diagnoses_shown,
    in_words,
    joints_shown,
    question_shown,
    reasoning_shown,
    status_shown,
)
from kinevla_ros.nodes.ros.images import TRANSPORTS, transported
from kinevla_ros.nodes.ros.qos import LATCHED, image_qos
from kinevla_ros.nodes.ros.subscribe import subscribe


class Topics:
    """Fills `seen` and `pictures`.

    Args:
        node: that listens.
        seen: for everything but pictures.
        pictures: for those.
        transport: how pictures come, of `TRANSPORTS`.
    """

    def __init__(self, node: Node, seen: Seen, pictures: Pictures, transport: str) -> None:
        self._node, self._seen, self._pictures, self._transport = node, seen, pictures, transport
        self._watched: list[Subscription] = []
        self._arm = node.resolve_service_name("arm")
        self._hear(SafetyStatus, topics.SAFETY_STATUS, self._on_status, LATCHED)
        self._hear(Reasoning, topics.REASONING, self._on_reasoning)
        self._hear(Question, topics.QUESTION, self._on_question, LATCHED)
        self._hear(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)

    def watch(self, wanted: bool) -> None:
        """Begin or end to hear what only an open page needs; from the node's thread."""
        if not wanted:
            for subscription in self._watched:
                self._node.destroy_subscription(subscription)
            self._watched = []
        elif not self._watched:
            self._watched = [
                self._hear(JointState, topics.JOINT_STATES, self._on_joints),
                self._hear(MarkerArray, topics.SAFETY_MARKERS, self._on_markers),
                *(self._see(camera) for camera in CAMERAS),
            ]

    def _hear(
        self, kind: type[Any], topic: str, callback: Callable[[Any], None], qos: Any = 1
    ) -> Subscription:
        return subscribe(self._node, kind, topic, callback, self._drop, qos)

    def _see(self, camera: str) -> Subscription:
        # Remapped is the picture's topic, whatever way its pictures come.
        topic = self._node.resolve_topic_name(picture_topic(camera, "raw").lstrip("/"))
        return self._node.create_subscription(
            TRANSPORTS[self._transport],
            transported(topic, self._transport),
            partial(self._pictures.add, camera),
            image_qos(False),  # best effort: no publisher waits for a page
            raw=True,
        )

    def _drop(self, problem: str) -> None:
        self._node.get_logger().warning(problem, throttle_duration_sec=1.0)

    def _on_status(self, message: SafetyStatus) -> None:
        shown, (_, before) = status_shown(message, self._arm), self._seen.get("arm")
        self._seen.put("arm", shown)
        if before is None or _of_note(shown) != _of_note(before):
            fault = f" {shown['fault']}" if shown["state"] == "FAULTED" else ""
            reason = f": {shown['reason']}" if shown["reason"] else ""
            self._seen.note(f"arm: {shown['state'].lower()}{fault}{reason}")

    def _on_reasoning(self, message: Reasoning) -> None:
        shown, (_, before) = reasoning_shown(message), self._seen.get("reasoning")
        self._seen.put("reasoning", shown)
        if before is None or _summary(shown) != _summary(before):
            self._seen.note(f"policy: {in_words(shown)}")

    def _on_question(self, message: Question) -> None:
        self._seen.put("question", question_shown(message))

    def _on_joints(self, message: JointState) -> None:
        try:
            shown = joints_shown(message)
        except ValueError as problem:
            self._drop(str(problem))
            return
        if shown is not None:
            self._seen.put("joints", shown)

    def _on_markers(self, message: MarkerArray) -> None:
        self._seen.put("scene", markers_shown(message.markers))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        self._seen.put_nodes(diagnoses_shown(message.status))


def _of_note(shown: dict[str, Any]) -> tuple[str, str]:
    """What makes a state another one for people; late chunks let it change all the time."""
    follows = shown["state"] in ("READY", "MOVING", "HOLDING")
    return "enabled" if follows else shown["state"], shown["fault"]


def _summary(shown: dict[str, Any]) -> tuple[str, ...]:
    """What makes a reasoning another one for people; figures in a detail do not."""
    ok = shown["status"] == "OK"
    return (shown["status"], *((shown["goal"], shown["kinematics"]) if ok else ()))
