"""Starts the vendor library's process."""

from __future__ import annotations

import os
import select
import socket
import subprocess

from kinevla_ros.robot.host.child_process import start_module
from kinevla_ros.robot.realman.channel import (
    ProcessSettings,
    SharedState,
    create_channel,
    create_memory,
)


def start_realman_process(
    address: tuple[str, int], udp_port: int, host_ip: str | None, period: float
) -> tuple[subprocess.Popen[bytes], socket.socket, SharedState]:
    """Start the process and return it with the parent's ends of channel and shared memory.

    Args:
        address: of the controller.
        udp_port: port on this computer for the state.
        host_ip: this computer's address as the controller sees it; found from the route if None.
        period: between targets, s.
    """
    ip = socket.gethostbyname(address[0])
    memory = create_memory()
    channel, child = create_channel()
    settings = ProcessSettings(
        ip=ip,
        port=address[1],
        host_ip=host_ip or _address_towards(ip),
        udp_port=udp_port,
        period=period,
        channel=child.fileno(),
        memory=memory,
    )
    try:
        module, argument = "kinevla_ros.robot.realman.process", settings.to_argument()
        process = start_module(module, [argument], [child.fileno(), memory])
        return process, channel, SharedState(memory)
    finally:
        os.close(memory)
        child.close()


def has_ended(process: subprocess.Popen[bytes], channel: socket.socket) -> bool:
    """Tell whether a process has ended, or ends: its side of the channel goes with its last thread.

    What the kernel has to clear away after that may take a while.
    """
    if process.poll() is not None:
        return True
    poller = select.poll()
    poller.register(channel, 0)
    return bool(poller.poll(0))


def _address_towards(ip: str) -> str:
    """Return this computer's address on the route to `ip`; sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((ip, 9))
        return str(probe.getsockname()[0])
