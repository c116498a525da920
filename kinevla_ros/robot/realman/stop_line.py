"""Stopping the arm over a TCP connection of its own, past the vendor library.

A stop inside the library waits for whatever request is pending there, and hangs with it; on a
second connection the controller answers within a millisecond. Hence this line also shows whether
the controller is there at all, and a motion can be brought to rest over it when the library dies.
"""

from __future__ import annotations

import contextlib
import errno
import json
import socket
import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.robot.transport import ArmConnectionError

REPLY_TIMEOUT = 0.2
"""The controller answers within milliseconds or not at all, s."""

PROBE_TIMEOUT = 0.05
"""So long a probe may hold up a stop, s."""

SLOW_STOP_TIME = 0.3
"""Full speed to rest at the controller's default acceleration (180 deg/s, 600 deg/s^2), s."""


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
        """Connect again.

        Raises:
            ArmConnectionError: names the address and what to check.
        """
        # A stop must not wait for it.
        connection = self._connected(timeout)
        with self._lock:
            self._close()
            self._socket = connection

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

    def send_target(self, q: NDArray[np.float64], follow: bool) -> None:
        """Send one pass-through target, as the vendor's library does.

        Args:
            q: joint positions, shape (7,), rad.
            follow: high follow instead of low.

        Raises:
            ArmConnectionError: no connection.
        """
        joint = [round(angle) for angle in (np.degrees(q) * 1000).tolist()]
        point = {"command": "movej_canfd", "joint": joint, "follow": follow, "expand": 0}
        line = json.dumps({**point, "trajectory_mode": 0, "radio": 0}).encode() + b"\r\n"
        with self._lock:
            if self._socket is None:
                self._open(PROBE_TIMEOUT)
            assert self._socket is not None
            try:
                self._socket.settimeout(PROBE_TIMEOUT)
                self._socket.sendall(line)
            except OSError as error:
                self._close()
                raise ArmConnectionError(_explain(error, *self._address)) from error

    def is_open(self) -> bool:
        """Tell whether there is a connection; connects again if the controller has closed it."""
        with self._lock:
            try:
                if self._socket is None or _is_closed(self._socket):
                    self._open(PROBE_TIMEOUT)
            except ArmConnectionError:
                return False
            return True

    def answers(self) -> bool:
        """Tell whether the controller answers; connects again if the connection was closed."""
        with self._lock:
            # The first attempt may only find out that the connection was closed.
            for _ in range(2):
                try:
                    if self._socket is None:
                        self._open(PROBE_TIMEOUT)
                except ArmConnectionError:
                    return False
                assert self._socket is not None
                probe = self._ask(self._socket, "get_arm_power_state", "power_state", PROBE_TIMEOUT)
                if probe is not None or self._socket is not None:
                    return probe is not None
            return False

    def close(self) -> None:
        """Disconnect; a later stop connects again."""
        with self._lock:
            self._close()

    def _open(self, timeout: float) -> None:
        self._close()
        self._socket = self._connected(timeout)

    def _connected(self, timeout: float) -> socket.socket:
        try:
            connection = socket.create_connection(self._address, timeout=timeout)
        except OSError as error:
            raise ArmConnectionError(_explain(error, *self._address)) from error
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _request(self, command: str, confirmation: str) -> None:
        if self._socket is not None and self._ask(self._socket, command, confirmation) is True:
            return
        # The connection may have died unnoticed since it was opened.
        self._open(REPLY_TIMEOUT)
        if self._socket is None or self._ask(self._socket, command, confirmation) is not True:
            self._close()
            ip, port = self._address
            raise ArmConnectionError(f"the controller at {ip}:{port} did not confirm {command}")

    def _ask(
        self, connection: socket.socket, command: str, key: str, timeout: float = REPLY_TIMEOUT
    ) -> Any:
        """Return the value of `key` in the reply; None without one. Drops a dead connection."""
        deadline = time.monotonic() + timeout
        rest = b""
        try:
            _drop_late_replies(connection)
            connection.sendall(json.dumps({"command": command}).encode() + b"\r\n")
            while (left := deadline - time.monotonic()) > 0:
                connection.settimeout(left)
                data = connection.recv(4096)
                if not data:
                    self._close()
                    return None
                *lines, rest = (rest + data).split(b"\n")
                # Events of other motions come in between.
                for line in lines:
                    with contextlib.suppress(ValueError):
                        reply = json.loads(line)
                        if isinstance(reply, dict) and key in reply:
                            return reply[key]
        except TimeoutError:
            pass
        except OSError:
            self._close()
        return None


def _is_closed(connection: socket.socket) -> bool:
    """Tell whether the other end has closed the connection."""
    connection.settimeout(0.0)
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _drop_late_replies(connection: socket.socket) -> None:
    """Drop what has come in: a reply from before the question says nothing about now.

    Raises:
        OSError: the connection is dead.
    """
    connection.settimeout(0.0)
    with contextlib.suppress(BlockingIOError):
        while connection.recv(4096):
            pass


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
