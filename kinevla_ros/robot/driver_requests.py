"""Requests to the driver's process, one after the other, none of which waits for ever."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

from kinevla_ros.robot.driver_channel import receive, send
from kinevla_ros.robot.transport import ArmConnectionError

SEND_TIMEOUT = 0.05
"""The channel holds many requests; it is full only if the process has been frozen for long, s."""

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

    def ask(self, name: str, *arguments: Any, timeout: float) -> Any:
        """Return the answer to a request.

        Args:
            name: of the request.
            arguments: as it takes them.
            timeout: longest time until the answer, s.

        Raises:
            DriverGone: there is none.
            ValueError, RuntimeError: as the request raised it.
        """
        if not self._lock.acquire(timeout=timeout):
            raise DriverGone("the driver's process is busy or is being started")
        try:
            answer = self._exchange(name, arguments, timeout)
        except TimeoutError as error:
            raise DriverGone("the driver's process does not answer") from error
        except (EOFError, OSError) as error:
            raise DriverGone(ENDED) from error
        finally:
            self._lock.release()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _exchange(self, name: str, arguments: tuple[Any, ...], timeout: float) -> Any:
        if (channel := self._channel) is None:
            raise DriverGone("the arm is not connected")
        deadline = time.monotonic() + timeout
        self._number += 1
        channel.settimeout(SEND_TIMEOUT)
        send(channel, (self._number, name, arguments, deadline))
        while True:
            channel.settimeout(max(deadline - time.monotonic(), 1e-3))
            number, answer = receive(channel)
            # Answers to requests that were given up may still come.
            if number == self._number:
                return answer
