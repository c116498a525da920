"""Talks to the policy: an instruction is repeated until the policy says what it makes of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import rclpy
from rclpy.node import Node
from rclpy.topic_endpoint_info import TopicEndpointInfo
from std_msgs.msg import String

from kinevla_ros.base import topics
from kinevla_ros.msg import Question, Reasoning
from kinevla_ros.nodes.ros.logs.text import TEXT, bounded
from kinevla_ros.nodes.ros.qos import LATCHED

T = TypeVar("T")

UNKNOWN = "_NODE_NAME_UNKNOWN_"
"""What DDS calls a node of which it knows the topics alone so far."""

REPEAT_PERIOD = 1.0
ANSWER_TIMEOUT = 5.0
FIRST_CHUNK_TIMEOUT = 10.0
"""A large model takes its time for the first chunk, s."""

ARM_TIMEOUT = 3.0
"""The policy may have to find the arm first, s."""

POLL = 0.05


class Talk:
    """Says sentences to the policy and waits for what it makes of each.

    Args:
        node: that talks, in the policy's namespace.
        interrupted: ends every wait.
    """

    def __init__(self, node: Node, interrupted: threading.Event) -> None:
        self._node, self._interrupted = node, interrupted
        self._heard: list[Reasoning] = []
        # By any program: another `kinevla say` may have begun. None: not heard of yet.
        self._asked: bool | None = None
        self._reasonings = node.create_subscription(
            Reasoning, topics.REASONING, self._on_reasoning, 10
        )
        node.create_subscription(Question, topics.QUESTION, self._on_question, LATCHED)
        self._publisher = node.create_publisher(String, topics.INSTRUCTION, 1)

    def begin(self, timeout: float) -> str:
        """Wait until a policy listens; returns why nothing can be said, empty if it can.

        Args:
            timeout: longest wait, s.
        """
        # An answer that was taken for an instruction would be said twice.
        self._until(lambda: self._connected() and self._asked is not None, timeout)
        topic = self._node.resolve_topic_name(topics.INSTRUCTION)
        if len(policies := self._policies()) > 1:
            return (
                f"more than one policy listens to {topic} ({', '.join(policies)}): end one, or "
                "give each arm its own namespace"
            )
        if not self._connected():
            listeners = self._names(self._node.get_subscriptions_info_by_topic(topic))
            others = f" ({', '.join(sorted(listeners))} listens and is none)" if listeners else ""
            return (
                f"no policy listens to {topic}{others}. Start the nodes (`kinevla up`; to be found "
                "from another computer with --discovery subnet), and check that ROS_DOMAIN_ID is "
                "the same here and there"
            )
        if self._asked is None:
            question = self._node.resolve_topic_name(topics.QUESTION)
            return f"the policy does not say on {question} whether it asks anything: say it again"
        return ""

    def answer(self, said: str) -> Reasoning | None:
        """Say it; what comes of it in the end, or None where the policy says nothing.

        Of an instruction that is understood it is the first chunk's reasoning, with an arm that
        follows if there is one within `ARM_TIMEOUT`.
        """
        # What answers a question is done in words of its own.
        answers, heard_as = bool(self._asked), bounded(said.strip(), TEXT)
        self._heard.clear()

        def about() -> Reasoning | None:
            found = [r for r in self._heard if is_about(r, heard_as, answers)]
            return found[-1] if found else None

        end = time.monotonic() + ANSWER_TIMEOUT
        while not about() and time.monotonic() < end and not self._interrupted.is_set():
            # An answer that has been taken would be an instruction the second time.
            if self._asked or not answers:
                self._publisher.publish(String(data=said))
            self._until(about, REPEAT_PERIOD)
        self._until(lambda: _is_final(about()), FIRST_CHUNK_TIMEOUT if about() else 0.0)
        self._until(lambda: not _waits_for_arm(about()), ARM_TIMEOUT if about() else 0.0)
        found = about()
        if found is not None and found.status == Reasoning.ASKING:
            self._until(lambda: self._asked, ANSWER_TIMEOUT)  # it comes by a topic of its own
        return found

    def _on_reasoning(self, reasoning: Reasoning) -> None:
        self._heard.append(reasoning)

    def _on_question(self, question: Question) -> None:
        self._asked = bool(question.text)

    def _policies(self) -> list[str]:
        """Nodes that listen to instructions and publish reasoning."""
        node = self._node
        heard = node.resolve_topic_name(topics.INSTRUCTION)
        answered = node.resolve_topic_name(topics.REASONING)
        listen = self._names(node.get_subscriptions_info_by_topic(heard))
        return sorted(listen & self._names(node.get_publishers_info_by_topic(answered)))

    @staticmethod
    def _names(endpoints: list[TopicEndpointInfo]) -> set[str]:
        names = {(e.node_namespace.rstrip("/"), e.node_name) for e in endpoints}
        return {f"{namespace}/{name}" for namespace, name in names if name != UNKNOWN}

    def _connected(self) -> bool:
        found = self._publisher.get_subscription_count(), self._reasonings.get_publisher_count()
        return all(found) and len(self._policies()) == 1

    def _until(self, done: Callable[[], T], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not done() and not self._interrupted.is_set() and time.monotonic() < deadline:
            rclpy.spin_once(self._node, timeout_sec=POLL)


def is_about(reasoning: Reasoning, said: str, answers: bool) -> bool:
    """Whether a message is the policy's reaction to what was just said."""
    # While a question is open nothing moves, so a motion is what the answer began.
    begun = reasoning.status in (Reasoning.OK, Reasoning.ACCEPTED)
    return reasoning.instruction == said or (answers and begun)


def _is_final(reasoning: Reasoning | None) -> bool:
    return reasoning is not None and reasoning.status != Reasoning.ACCEPTED


def _waits_for_arm(reasoning: Reasoning | None) -> bool:
    return reasoning is None or (reasoning.status == Reasoning.OK and bool(reasoning.arm))
