"""A place of one's own on this computer for a run that must not disturb or be disturbed."""

from __future__ import annotations

import os
import socket

DISCOVERY = "ROS_AUTOMATIC_DISCOVERY_RANGE"
RANGES = {"local": "LOCALHOST", "subnet": "SUBNET"}
"""How far nodes look for each other, and ROS's word for it."""

DOMAINS = range(1, 102)
"""Domains whose ports Linux does not hand out to clients."""

PARTICIPANTS = 32
"""So many participants of a domain are looked for on a computer; Fast DDS's own number."""


def confine(discovery: str = "") -> None:
    """Let this process and those it starts be found as far as one of `RANGES` says.

    Without a word on this computer alone, unless the user's environment says something else:
    whoever is found can publish, and can move the arm.
    """
    if discovery:
        os.environ[DISCOVERY] = RANGES[discovery]
    else:
        os.environ.setdefault(DISCOVERY, RANGES["local"])


def own_domain() -> None:
    """Take a DDS domain that nobody uses here, for this process and those it starts.

    Raises:
        OSError: all of them are in use.
    """
    confine("local")
    for domain in DOMAINS:
        if not _taken(first_port(domain)):
            os.environ["ROS_DOMAIN_ID"] = str(domain)
            return
    raise OSError(
        f"all DDS domains from {DOMAINS[0]} to {DOMAINS[-1]} are in use on this computer; end "
        "programs of ROS that are left over (ros2 daemon stop)"
    )


def has_neighbours() -> bool:
    """Whether a process on this computer is in this one's DDS domain, before this one joins it."""
    first = first_port(int(os.environ.get("ROS_DOMAIN_ID") or 0))
    return any(_taken(first + 2 * number) for number in range(PARTICIPANTS))


def first_port(domain: int) -> int:
    """UDP port of a DDS domain's first participant."""
    return 7400 + 250 * domain + 10


def _taken(port: int) -> bool:
    """Whether a process on this computer has a UDP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return True
    return False


def free_tcp_port(host: str) -> int:
    """A TCP port of `host` on which nobody listens."""
    with socket.create_server((host, 0)) as probe:
        return int(probe.getsockname()[1])


def free_udp_port(host: str) -> int:
    """A UDP port of `host` that nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
