"""A place of one's own on this computer for a run that must not disturb or be disturbed."""

from __future__ import annotations

import os
import socket


def own_domain() -> None:
    """Take a DDS domain that nobody uses here, for this process and those it starts."""
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    for domain in range(1, 102):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                # The port of a domain's first participant.
                probe.bind(("", 7400 + 250 * domain + 10))
            except OSError:
                continue
        os.environ["ROS_DOMAIN_ID"] = str(domain)
        return


def free_tcp_port(host: str) -> int:
    """A TCP port of `host` on which nobody listens."""
    with socket.create_server((host, 0)) as probe:
        return int(probe.getsockname()[1])


def free_udp_port(host: str) -> int:
    """A UDP port of `host` that nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
