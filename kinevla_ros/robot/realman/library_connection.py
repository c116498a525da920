"""The vendor library's own TCP connection, found among the process's sockets."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct

UNACKNOWLEDGED_MS = 500
"""The kernel gives up the connection when the controller's computer is silent for so long."""


class LinkError(RuntimeError):
    """The link to the controller cannot be made or is lost."""


def controller_connection(ip: str, port: int) -> socket.socket:
    """Return the library's own connection, made to forget what it could not deliver.

    Otherwise the kernel keeps targets for a peer that has vanished and delivers them when it is
    back, much too late.
    """
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        with contextlib.suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            connection = socket.socket(fileno=os.dup(descriptor))
            if connection.type == socket.SOCK_STREAM and connection.getpeername() == (ip, port):
                abort = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, abort)
                connection.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS
                )
                return connection
    raise LinkError("the vendor library's connection cannot be found")
