"""Drives a recorder by keys."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rich.console import Console
from std_srvs.srv import SetBool, Trigger

from kinevla_ros.base import topics
from kinevla_ros.msg import RecordStatus

PATIENCE = 60.0
"""Ending an episode may have to wait for a slow disk, s."""

ASK_AGAIN = 2.0
"""By then a recorder that publishes its status has heard a request, s."""

QUIT = ("q", "")
"""The second is the end of the input."""


class RecordSession:
    """Episodes until somebody quits.

    Args:
        node: that talks to the recorder, in its namespace.
        spin: serves the node for a moment; its errors end the session.
        console: where it is said what comes of each key.

    Attributes:
        status: the newest of the recorder; None before the first.
        kept: verdict to number of episodes.
    """

    def __init__(self, node: Node, spin: Callable[[], None], console: Console) -> None:
        self.status: RecordStatus | None = None
        self.kept: Counter[str] = Counter()
        self._spin, self._console, self._heard = spin, console, 0.0
        self._start = node.create_client(Trigger, topics.RECORD_START)
        self._stop = node.create_client(SetBool, topics.RECORD_STOP)
        self._discard = node.create_client(Trigger, topics.RECORD_DISCARD)
        node.create_subscription(RecordStatus, topics.RECORD_STATUS, self._on_status, 1)

    def press(self, key: str) -> bool:
        """Do what a key is for; whether the session goes on."""
        if key in QUIT:
            return self._quit(key)
        actions: dict[str, Callable[[], None]] = {
            "s": lambda: self._ask("started", self._start, Trigger.Request()),
            "y": lambda: self._ask("success", self._stop, SetBool.Request(data=True)),
            "n": lambda: self._ask("failure", self._stop, SetBool.Request(data=False)),
            "d": lambda: self._ask("discarded", self._discard, Trigger.Request()),
        }
        if key in actions:
            actions[key]()
        return True

    def summary(self) -> str:
        """What the session has brought."""
        names = ("success", "failure", "discarded")
        return ", ".join(f"{self.kept[name]} {name}" for name in names)

    def _quit(self, key: str) -> bool:
        if self.status is None or not self.status.episode:
            return False
        if key:
            self._print(f"{self.status.episode} is being recorded: y, n or d first", "yellow")
            return True
        # Nobody is left to say y, n or d.
        self.press("n")
        return False

    def _ask(self, what: str, client: Any, request: Any) -> None:
        """Send a request and say what came of it."""
        done, text = self._answer(client, request)
        self._print(text, "" if done else "red")
        self.kept[what] += done
        # The status of before would let one quit in the middle of an episode.
        answered = time.monotonic()
        while self._heard < answered and time.monotonic() < answered + ASK_AGAIN:
            self._spin()

    def _print(self, text: str, style: str) -> None:
        self._console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def _answer(self, client: Any, request: Any) -> tuple[bool, str]:
        deadline = time.monotonic() + PATIENCE
        while not (client.service_is_ready() and self.status):
            if time.monotonic() > deadline:
                return False, f"{client.service_name} is not there: is the recorder active?"
            self._spin()
        before = self.status.episode
        while True:
            answer, asked = client.call_async(request), time.monotonic()
            # Heard so late, a status that shows no change was sent after the request was lost.
            while not answer.done() and not self._lost(asked, before):
                if time.monotonic() > deadline:
                    client.remove_pending_request(answer)
                    return False, f"{client.service_name} does not answer: is the recorder active?"
                self._spin()
            if answer.done():
                return answer.result().success, answer.result().message
            client.remove_pending_request(answer)

    def _lost(self, asked: float, before: str) -> bool:
        """Whether a request of `asked` has not reached the recorder."""
        same = self.status is not None and self.status.episode == before
        return same and self._heard > asked + ASK_AGAIN

    def _on_status(self, status: RecordStatus) -> None:
        self.status, self._heard = status, time.monotonic()
