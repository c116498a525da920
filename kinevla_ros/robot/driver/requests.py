"""Requests to the driver's process, one after the other, none of which waits for ever."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from kinevla_ros.robot.driver.channel import receive, send
from kinevla_ros.robot.transport import ArmConnectionError

SEND_TIMEOUT = 0.05
"""The channel holds many requests; it is full only if the process has been frozen for long, s."""

TAKEN = 0.3
"""A process that runs begins with a request in this time, or does not carry it out, s."""

POLL = 0.05

ENDED = "the driver's process has ended; starting it again, then call /arm/reset"


class DriverGone(ArmConnectionError):
    """The driver's process does not answer."""


class DriverRequests:
    """This end of the channel for requests; it may be closed and opened again."""

    def __init__(self) -> None:
        self._channel: socket.socket | None = None
        self._lock, self._number = threading.Lock(), 0

    def open(self, channel: socket.socket) -> None:
        """Send requests to this channel."""
        self._channel = channel

    def shut(self) -> None:
        """Let nobody wait any more, here and there."""
        if self._channel is not None:
            with contextlib.suppress(OSError):
                self._channel.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Take no request."""
        self.shut()
        with self._lock:
            if self._channel is not None:
                self._channel.close()
            self._channel = None

    def ask(
        self,
        name: str,
        *arguments: Any,
        timeout: float,
        alive: Callable[[], bool] | None = None,
    ) -> Any:
        """Return the answer to a request.

        Args:
            name: of the request.
            arguments: as it takes them.
            timeout: longest time until the answer, s.
            alive: whether it makes sense to wait on; without it, for a process that starts or ends,
                it always does.

        Raises:
            DriverGone: there is none.
            ValueError, RuntimeError: as the request raised it.
        """
        deadline = time.monotonic() + timeout
        while not self._lock.acquire(timeout=_step(deadline)):
            if (alive and not alive()) or time.monotonic() > deadline:
                raise DriverGone("the driver's process is busy or is being started")
        try:
            answer = self._exchange(name, arguments, deadline, alive)
        except TimeoutError as error:
            raise DriverGone("the driver's process does not answer") from error
        except (EOFError, OSError) as error:
            raise DriverGone(ENDED) from error
        finally:
            self._lock.release()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _exchange(
        self,
        name: str,
        arguments: tuple[Any, ...],
        deadline: float,
        alive: Callable[[], bool] | None,
    ) -> Any:
        if (channel := self._channel) is None:
            raise DriverGone("the arm is not connected")
        self._number += 1
        taken_by = min(deadline, time.monotonic() + TAKEN) if alive else deadline
        channel.settimeout(SEND_TIMEOUT)
        send(channel, (self._number, name, arguments, taken_by))
        while True:
            channel.settimeout(max(_step(deadline), 1e-3))
            try:
                number, answer = receive(channel)
            except TimeoutError:
                now = time.monotonic()
                if now > deadline or (alive and now > taken_by and not alive()):
                    raise
                continue
            # Answers to requests that were given up may still come.
            if number == self._number:
                return answer


def _step(deadline: float) -> float:
    """How long to wait until the next look at whether to wait on, s."""
    return min(max(deadline - time.monotonic(), 0.0), POLL)
