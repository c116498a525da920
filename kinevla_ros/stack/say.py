"""Publishes an instruction and shows what the policy makes of it."""

from __future__ import annotations

import select
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

import rclpy
from rclpy.duration import Duration
from rclpy.node import Node
from std_msgs.msg import String

from kinevla_ros.msg import Question, Reasoning
from kinevla_ros.nodes.policy.node import STOP
from kinevla_ros.nodes.policy.rviz import lines
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.nodes.ros.text import TEXT, bounded
from kinevla_ros.stack.launcher import client_node

SETTLED = 0.5
"""Subscribers are discovered one by one; none new for so long and all are there, s."""

ANSWER_TIMEOUT = 5.0
POLL = 0.1


def say(instruction: str, timeout: float) -> int:
    """Publish on /instruction as soon as a policy listens; returns the exit code.

    What the policy asks is asked here, and the next line typed is the answer; without a terminal
    the question is printed, and another `kinevla say` can answer.
    """
    with client_node("kinevla_say") as (node, interrupted):
        talk = _Talk(node, interrupted)
        if not talk.begins(timeout):
            print(
                "error: nobody listens to /instruction. Start the nodes (`kinevla up`; to be found "
                "from another computer with --discovery subnet), and check that ROS_DOMAIN_ID is "
                "the same here and there.",
                file=sys.stderr,
            )
            return 1
        said: str | None = instruction
        while said is not None:
            reasoning = talk.answer(said)
            if reasoning is None:
                print("error: the policy does not answer; is it active?", file=sys.stderr)
                return 1
            print("\n".join(lines(reasoning)), flush=True)
            if reasoning.status != Reasoning.ASKING:
                meant = reasoning.status == Reasoning.OK or said.strip().lower() in ("", STOP)
                return 0 if meant else 1
            said = typed(sys.stdin, interrupted) if sys.stdin.isatty() else None
        return 1


class _Talk:
    """Says sentences to the policy and waits for what it makes of each."""

    def __init__(self, node: Node, interrupted: threading.Event) -> None:
        self._node, self._interrupted = node, interrupted
        self._heard: list[Reasoning] = []
        self._asked = False  # by whomever: another `kinevla say` may have begun
        node.create_subscription(Reasoning, "kinevla/reasoning", self._heard.append, 1)
        node.create_subscription(Question, "kinevla/question", self._on_question, LATCHED)
        self._publisher = node.create_publisher(String, "/instruction", 1)

    def begins(self, timeout: float) -> bool:
        """Wait until somebody listens; whether somebody does."""
        settled = _Settled(self._publisher.get_subscription_count)
        return _spin(self._node, self._interrupted, settled, timeout)

    def _on_question(self, question: Question) -> None:
        self._asked = bool(question.text)

    def answer(self, said: str) -> Reasoning | None:
        """Say it; what the policy makes of it, or None where it says nothing."""
        # What answers a question is done in words of its own.
        answers = self._asked
        self._heard.clear()
        self._publisher.publish(String(data=said))
        self._publisher.wait_for_all_acked(Duration(seconds=2))
        heard_as = bounded(said.strip(), TEXT)

        def found() -> Reasoning | None:
            return next((r for r in self._heard if is_about(r, heard_as, answers)), None)

        _spin(self._node, self._interrupted, found, ANSWER_TIMEOUT)
        return found()


def is_about(reasoning: Reasoning, said: str, answers: bool) -> bool:
    """Whether a message is the policy's reaction to what was just said."""
    # While a question is open nothing moves, so a motion is what the answer began.
    return reasoning.instruction == said or (answers and reasoning.status == Reasoning.OK)


def typed(stream: TextIO, interrupted: threading.Event) -> str | None:
    """The next line that somebody types; None at the end of the input and when interrupted."""
    while not interrupted.is_set():
        if select.select([stream], [], [], POLL)[0]:
            return stream.readline().strip() or None
    return None


class _Settled:
    """Whether a count is above zero and has been the same for a while."""

    def __init__(self, count: Callable[[], int]) -> None:
        self._count, self._last, self._since = count, 0, time.monotonic()

    def __call__(self) -> bool:
        now, count = time.monotonic(), self._count()
        if count != self._last:
            self._last, self._since = count, now
        return count > 0 and now - self._since > SETTLED


def _spin(
    node: Node, interrupted: threading.Event, done: Callable[[], object], timeout: float
) -> bool:
    deadline = time.monotonic() + timeout
    while not done():
        rclpy.spin_once(node, timeout_sec=0.05)
        if interrupted.is_set() or time.monotonic() > deadline:
            return False
    return True
