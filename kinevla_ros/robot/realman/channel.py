"""What the arm's process and the vendor library's process exchange.

Commands are packets on a socket pair; the state lies in shared memory, the latest value only, so
that a reader is never behind and a writer never waits.
"""

from __future__ import annotations

import json
import mmap
import os
import socket
import struct
import zlib
from dataclasses import asdict, dataclass

import numpy as np

from kinevla_ros.robot.motion.target_sender import Point, Target

TARGET = struct.Struct("<cdQQi?")
"""Kind, time of sending (s, monotonic), number, and the point it follows: number, step (`FIRST` for
none), standing. Behind it come the joint positions of the target and of its way to rest, 7 doubles
(rad) each."""

FIRST = -1

GRIPPER = struct.Struct("<cd")
"""Kind, opening (m)."""

LIFE = struct.Struct("<cd")
"""Kind, time (s, monotonic) at which the controller has answered over the stop line."""

DRAG = struct.Struct("<c?")
"""Kind, whether the joints shall give way to a hand."""

TARGET_KIND, GRIPPER_KIND, CLEAR_KIND, LIFE_KIND, DRAG_KIND = b"T", b"G", b"C", b"L", b"D"

LONGEST_PACKET = 16384
MOST_ERRORS = 24

_CHECKSUM = struct.Struct("<I")


@dataclass(frozen=True)
class ProcessSettings:
    """What the vendor library's process is started with.

    Attributes:
        ip, port: the controller's TCP address.
        host_ip, udp_port: where the controller is to push its state.
        period: between targets, s.
        channel, memory: inherited file descriptors of the packet channel and the shared memory.
    """

    ip: str
    port: int
    host_ip: str
    udp_port: int
    period: float
    channel: int
    memory: int

    def to_argument(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_argument(cls, argument: str) -> ProcessSettings:
        return cls(**json.loads(argument))


def pack_target(target: Target, now: float) -> bytes:
    """Return the packet of a target that is sent at the time `now`, s."""
    after = Point(0, FIRST) if target.after is None else target.after
    places = np.vstack([target.q, target.way])
    return TARGET.pack(TARGET_KIND, now, target.number, *after) + places.astype("<f8").tobytes()


def unpack_target(packet: bytes) -> tuple[Target, float]:
    """Read what `pack_target` took."""
    _, sent, number, *after = TARGET.unpack_from(packet)
    places = np.frombuffer(packet, "<f8", offset=TARGET.size).reshape(-1, 7)
    point = None if after[1] == FIRST else Point(*after)
    return Target(places[0], number, point, places[1:]), sent


class SharedRecord:
    """The latest record in shared memory: one writer, any number of readers.

    A checksum shows a reader a record that is being written, on every processor.
    """

    def __init__(self, memory: mmap.mmap, offset: int, layout: struct.Struct) -> None:
        self._memory = memory
        self._layout = layout
        self._place = slice(offset, offset + _CHECKSUM.size + layout.size)
        self._last: tuple[float, ...] | None = None

    def write(self, *values: float) -> None:
        body = self._layout.pack(*values)
        self._memory[self._place] = _CHECKSUM.pack(zlib.crc32(body)) + body

    def read(self) -> tuple[float, ...] | None:
        """Return the latest complete record; None before the first."""
        for _ in range(4):
            data = self._memory[self._place]
            body = data[_CHECKSUM.size :]
            if _CHECKSUM.unpack_from(data)[0] == zlib.crc32(body):
                self._last = self._layout.unpack(body)
                break
        return self._last


class SharedState:
    """The shared memory: heartbeat, gripper, the point that was sent last and the joint state.

    `heartbeat`: time. `gripper`: opening in m, NaN when unknown. `point`: number, step, standing,
    time of sending. `state`: arrival time, seven joint positions in rad, seven joint error words,
    whether it is dragged, number of controller errors, the errors. Times in s.
    """

    def __init__(self, memory_fd: int) -> None:
        memory = mmap.mmap(memory_fd, mmap.PAGESIZE)
        self.heartbeat = SharedRecord(memory, 0, struct.Struct("<d"))
        self.gripper = SharedRecord(memory, 64, struct.Struct("<d"))
        self.point = SharedRecord(memory, 96, struct.Struct("<Qi?d"))
        self.state = SharedRecord(memory, 128, struct.Struct(f"<8d7H?B{MOST_ERRORS}i"))


def create_memory() -> int:
    """Return the descriptor of fresh shared memory; it has no name and goes with its users."""
    descriptor = os.memfd_create("kinevla-arm-state")
    os.truncate(descriptor, mmap.PAGESIZE)
    return descriptor


def create_channel() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a packet channel; the parent's end never blocks."""
    parent, child = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent.setblocking(False)
    return parent, child
