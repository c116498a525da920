"""What open pages cost the arm: the stream and the policy in motion, in turns without and with."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from rclpy.node import Node
from rich.console import Console
from sensor_msgs.msg import JointState

from kinevla_ros.base import topics
from kinevla_ros.evaluation.report.statistics import percentiles
from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.msg import Reasoning
from kinevla_ros.nodes.ros.messages import NANO, Stamps
from kinevla_ros.stack.bench.trials import Attendant
from kinevla_ros.stack.demo import Demonstration
from kinevla_ros.stack.processes.launcher import Launcher

TASK_TIMEOUT = 15.0

Look = Callable[[], Coroutine[Any, Any, Any]]


class Figures:
    """Collects while `pages` is set.

    Attributes:
        pages: how many are open now; None while nothing is collected.
        found: pages to figure to its values, s.
    """

    def __init__(self, node: Node) -> None:
        self.pages: int | None = None
        self.found: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._stamps, self._last = Stamps(node.get_clock()), 0.0
        node.create_subscription(JointState, topics.JOINT_TARGETS, self._on_target, 200)
        node.create_subscription(Reasoning, topics.REASONING, self._on_reasoning, 10)

    def _on_target(self, message: JointState) -> None:
        stamp = message.header.stamp.sec + message.header.stamp.nanosec / NANO
        if self.pages is not None and self._last:
            self.found[self.pages]["period"].append(stamp - self._last)
        self._last = stamp

    def _on_reasoning(self, message: Reasoning) -> None:
        if self.pages is not None and message.status == Reasoning.OK:
            latency = time.monotonic() - self._stamps.to_monotonic(message.header.stamp)
            self.found[self.pages]["picture to chunk"].append(latency)
            self.found[self.pages]["model time"].append(message.model_time)


def cost(
    node: Node, launcher: Launcher, look: Look, pages: int, rounds: int
) -> list[dict[str, Any]]:
    """Let the arm carry out the tasks' example, in turns without a page and with some.

    Args:
        look: opens a page, and takes what comes until cancelled.

    Returns:
        For no page and for `pages` the error of the stream's period, the model's time and the time
        from picture to chunk.

    Raises:
        LaunchError, Interrupted: see `Launcher`.
    """
    figures, attendant = Figures(node), Attendant(node, launcher)
    quiet = Console(quiet=True)
    with Demonstration(node, launcher, quiet) as demonstration:
        for _ in range(rounds):
            for count in (0, pages):
                attendant.prepare(demonstration.arm)
                with _open(look, count):
                    figures.pages = count
                    demonstration.run(kine_realman().example, TASK_TIMEOUT)
                    figures.pages = None
    return [{"pages": count, **_summary(found)} for count, found in sorted(figures.found.items())]


def _summary(found: dict[str, list[float]]) -> dict[str, Any]:
    periods = np.array(found.pop("period", []))
    errors = np.abs(periods - np.median(periods)).tolist() if len(periods) else []
    return {"stream": percentiles(errors)} | {
        name: percentiles(values) for name, values in found.items()
    }


@contextmanager
def _open(look: Look, pages: int) -> Iterator[None]:
    """Pages in a thread of their own."""
    over = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_look(look, pages, over)))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


async def _look(look: Look, pages: int, over: threading.Event) -> None:
    open_pages = [asyncio.create_task(look()) for _ in range(pages)]
    await asyncio.to_thread(over.wait)
    for page in open_pages:
        page.cancel()
    await asyncio.gather(*open_pages)
