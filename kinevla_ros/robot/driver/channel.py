"""What the arm node and the driver's process exchange.

Two socket pairs that nobody else can reach carry pickled objects of this package, each packet
bounded: requests with their answers, and ticks with log records. A tick that finds the buffer full
is dropped, so a node that is busy or frozen never holds up the driver.
"""

from __future__ import annotations

import pickle
import socket
from dataclasses import dataclass
from typing import Any

from kinevla_ros.robot.gate.arm_checks import MAX_STATE_AGE
from kinevla_ros.robot.gate.workspace import Workspace
from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.robot.transport import ArmInfo

LONGEST_PACKET = 1 << 16


@dataclass(frozen=True, eq=False)
class DriverSettings:
    """What a driver's process is asked to drive.

    Attributes:
        arm: name that only one process on this computer may claim.
        transport: arguments of the way to the arm.
        rate: targets a second, Hz.
        limits: limits of the joints.
        workspace: where links and gripper may be.
        speed: per cent of full speed.
        paused, stopped: whether a person has paused or stopped the arm before.
        fault: why motion needs a reset first; empty if it does not.
        max_state_age: oldest state of the arm, s.
    """

    arm: str
    transport: dict[str, Any]
    rate: float
    limits: JointLimits
    workspace: Workspace
    speed: float = 100.0
    paused: bool = False
    stopped: bool = False
    fault: str = ""
    max_state_age: float = MAX_STATE_AGE


@dataclass(frozen=True, eq=False)
class Connected:
    """The arm, the limits that hold, and whether the driver's process has real-time priority."""

    info: ArmInfo
    limits: JointLimits
    prompt: bool


@dataclass(frozen=True)
class LogRecord:
    """What the driver's process logs: level as in `logging`, text."""

    level: int
    text: str


def create_pair() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a packet channel."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(channel: socket.socket, content: Any) -> None:
    """Send one packet.

    Raises:
        ValueError: it would be longer than `LONGEST_PACKET`.
        OSError: nobody is there, or there is no space in a channel that does not block.
    """
    packet = pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL)
    if len(packet) > LONGEST_PACKET:
        raise ValueError(f"a packet of {len(packet)} bytes; at most {LONGEST_PACKET} are sent")
    channel.send(packet)


def receive(channel: socket.socket) -> Any:
    """Wait for one packet and return its content.

    Raises:
        EOFError: the other end is closed.
    """
    packet = channel.recv(LONGEST_PACKET)
    if not packet:
        raise EOFError
    return pickle.loads(packet)
