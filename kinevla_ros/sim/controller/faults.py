"""Faults of the emulated controller: what it does wrong on purpose to its replies and its state.

Each is one that was seen at a real controller or in the vendor's library, or that a broken network
makes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum

from kinevla_ros.sim.controller.protocol import LINE_END, Message, encode

LONG_REPLY = 2000
"""Bytes of a long reply; the vendor's library aborts its process above about 1050."""

GARBAGE = b'\x00\xff{"command":' + LINE_END
SPLIT_PAUSE = 0.02
"""Between the two halves of a split reply, s."""


class Push(Enum):
    """What the state push is like; the vendor's client makes zeros of most of the broken ones."""

    SOUND = "sound"
    OFF = "off"
    TRUNCATED = "truncated"
    GARBAGE = "garbage"
    ZEROS = "zeros"
    SIX_JOINTS = "six_joints"
    NO_POSITIONS = "no_positions"


@dataclass
class Faults:
    """Switches; all off is a sound controller.

    Attributes:
        mute: reads and executes, answers nothing.
        frozen: does nothing at all, while the connections stay as they are.
        single_client: closes every connection but the first.
        delay: how much later than at once it answers, s.
        split: sends each reply in two halves.
        garbage: sends a line of nonsense and one that nobody asked for before each reply.
        long_reply: makes each reply longer than the vendor's library can take.
        push: what the state push is like.
    """

    mute: bool = False
    frozen: bool = False
    single_client: bool = False
    delay: float = 0.0
    split: bool = False
    garbage: bool = False
    long_reply: bool = False
    push: Push = Push.SOUND

    def pieces(self, message: Message) -> list[tuple[float, bytes]]:
        """Return what to write for a message: delays (s) and bytes."""
        if self.long_reply:
            message = {**message, "padding": "x" * LONG_REPLY}
        line = encode(message) + LINE_END
        if self.garbage:
            line = GARBAGE + encode({"state": "nothing_asked_for"}) + LINE_END + line
        if not self.split:
            return [(self.delay, line)]
        half = len(line) // 2
        return [(self.delay, line[:half]), (self.delay + SPLIT_PAUSE, line[half:])]

    def datagram(self, packet: bytes) -> bytes | None:
        """Return the state packet as it goes out; None if it does not."""
        if self.push is Push.SOUND:
            return packet
        if self.push is Push.OFF:
            return None
        if self.push is Push.TRUNCATED:
            return packet[: len(packet) // 2]
        if self.push is Push.GARBAGE:
            return bytes(byte ^ 0x5A for byte in packet)
        state = json.loads(packet)
        joints = state["joint_status"]
        if self.push is Push.ZEROS:
            joints["joint_position"] = [0] * 7
        elif self.push is Push.SIX_JOINTS:
            joints |= {name: values[:6] for name, values in joints.items()}
        else:
            del joints["joint_position"]
        return encode(state)
