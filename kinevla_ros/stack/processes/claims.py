"""Two launches of the same nodes in one graph would answer for each other: the second one ends."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable


class AlreadyRunning(RuntimeError):
    """Another launch on this computer runs a node of the same name in the same graph."""


def claim(nodes: Iterable[str], namespace: str = "") -> list[socket.socket]:
    """Claim the names of nodes for this process; the kernel gives them up with it.

    Args:
        nodes: their names.
        namespace: theirs.

    Returns:
        What holds the claims, to be kept.

    Raises:
        AlreadyRunning: another process holds one.
    """
    domain, held = os.environ.get("ROS_DOMAIN_ID") or "0", []
    for node in nodes:
        name = f"/{namespace}/{node}".replace("//", "/")
        holder = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            # A leading zero byte: a name of the kernel's, no file.
            holder.bind(f"\0kinevla_launch_{domain}_{name}")
        except OSError as error:
            raise AlreadyRunning(
                f"another `kinevla up` or `ros2 launch` on this computer runs the node {name} in "
                f"ROS_DOMAIN_ID {domain}: end it with Ctrl-C in its terminal, or give this one a "
                "namespace or a ROS_DOMAIN_ID of its own"
            ) from error
        held.append(holder)
    return held
