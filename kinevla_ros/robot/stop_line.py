"""Stopping the arm over a TCP connection of its own, past the vendor library.

A stop inside the library waits for whatever request is pending there, and hangs with it; on a
second connection the controller answers within a millisecond.
"""

from __future__ import annotations

import contextlib
import errno
import json
import socket
import threading
import time

REPLY_TIMEOUT = 0.2
"""The controller answers within milliseconds or not at all, s."""

SLOW_STOP_TIME = 0.3
"""Full speed to rest at the controller's default acceleration (180 deg/s, 600 deg/s^2), s."""


class ArmConnectionError(RuntimeError):
    """The arm's controller cannot be reached or does not do what it must."""


class StopLine:
    """A connection to the controller that carries nothing but stops.

    Args:
        ip, port: the controller's TCP address.
    """

    def __init__(self, ip: str, port: int) -> None:
        self._address = (ip, port)
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def open(self, timeout: float) -> None:
        """Connect anew.

        Raises:
            ArmConnectionError: names the address and what to check.
        """
        with self._lock:
            self._open(timeout)

    def stop(self) -> None:
        """Slow stop, then stop: blocks for about `SLOW_STOP_TIME`.

        Raises:
            ArmConnectionError: the controller did not confirm the stop; use the emergency button.
        """
        with self._lock:
            # The hard stop must go out whatever becomes of the gentle one.
            with contextlib.suppress(ArmConnectionError):
                self._request("set_arm_slow_stop", "arm_slow_stop")
                time.sleep(SLOW_STOP_TIME)
            self._request("set_arm_stop", "arm_stop")

    def close(self) -> None:
        """Disconnect; a later stop connects again."""
        with self._lock:
            self._close()

    def _open(self, timeout: float) -> None:
        self._close()
        try:
            self._socket = socket.create_connection(self._address, timeout=timeout)
        except OSError as error:
            raise ArmConnectionError(_explain(error, *self._address)) from error
        self._socket.settimeout(REPLY_TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _request(self, command: str, confirmation: str) -> None:
        if self._socket is not None and self._ask(self._socket, command, confirmation):
            return
        # The connection may have died unnoticed since it was opened.
        self._open(REPLY_TIMEOUT)
        if self._socket is None or not self._ask(self._socket, command, confirmation):
            self._close()
            ip, port = self._address
            raise ArmConnectionError(f"the controller at {ip}:{port} did not confirm {command}")

    @staticmethod
    def _ask(connection: socket.socket, command: str, confirmation: str) -> bool:
        deadline = time.monotonic() + REPLY_TIMEOUT
        try:
            connection.sendall(json.dumps({"command": command}).encode() + b"\r\n")
            with connection.makefile("rb") as lines:
                while time.monotonic() < deadline:
                    line = lines.readline()
                    if not line:
                        return False
                    # Events of other motions come in between.
                    with contextlib.suppress(ValueError):
                        reply = json.loads(line)
                        if isinstance(reply, dict) and confirmation in reply:
                            return reply[confirmation] is True
        except OSError:
            pass
        return False


def _explain(error: OSError, ip: str, port: int) -> str:
    where = f"no connection to the arm's controller at {ip}, TCP port {port}"
    if error.errno == errno.ECONNREFUSED:
        return (
            f"{where}: refused. Check that the controller has started, that the port is right, "
            "and that no other client (teach pendant, another program) keeps it busy."
        )
    return (
        f"{where} ({error.strerror or error}). Check the arm's power, the network cable, "
        "the ip address, and that this computer is in the same network."
    )
