"""Publishes an instruction and shows what the policy makes of it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

import rclpy
from rclpy.duration import Duration
from rclpy.node import Node
from std_msgs.msg import String

from kinevla_ros.msg import Reasoning
from kinevla_ros.nodes.launcher import client_node
from kinevla_ros.nodes.policy import STOP
from kinevla_ros.nodes.rviz import lines
from kinevla_ros.nodes.text import TEXT, bounded

SETTLED = 0.5
"""Subscribers are discovered one by one; none new for so long and all are there, s."""

ANSWER_TIMEOUT = 5.0


def say(instruction: str, timeout: float) -> int:
    """Publish on /instruction as soon as a policy listens; returns the exit code."""
    with client_node("kinevla_say") as (node, interrupted):
        answers: list[Reasoning] = []
        node.create_subscription(Reasoning, "kinevla/reasoning", answers.append, 1)
        publisher = node.create_publisher(String, "/instruction", 1)
        heard = _Settled(publisher.get_subscription_count)
        if not _spin(node, interrupted, heard, timeout):
            print(
                "error: nobody listens to /instruction. Start the nodes (`kinevla up`; to be found "
                "from another computer with --discovery subnet), and check that ROS_DOMAIN_ID is "
                "the same here and there.",
                file=sys.stderr,
            )
            return 1
        publisher.publish(String(data=instruction))
        publisher.wait_for_all_acked(Duration(seconds=2))

        heard_as = bounded(instruction.strip(), TEXT)

        def answer() -> Reasoning | None:
            return next((a for a in answers if a.instruction == heard_as), None)

        if not _spin(node, interrupted, answer, ANSWER_TIMEOUT):
            print("error: the policy does not answer; is it active?", file=sys.stderr)
            return 1
        reasoning = answer()
        assert reasoning is not None
        print("\n".join(lines(reasoning)))
        meant = reasoning.status == Reasoning.OK or instruction.strip().lower() in ("", STOP)
        return 0 if meant else 1


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
