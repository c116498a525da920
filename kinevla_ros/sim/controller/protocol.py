"""Wire format of the RM75's Gen-3 controller: JSON lines over TCP, JSON datagrams over UDP.

Angles travel as integers of 0.001 deg, speeds as 0.001 RPM, accelerations as 0.001 RPM/s.
Cartesian poses are not emulated: they are all zero.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Message = dict[str, Any]

LINE_END = b"\r\n"
LONGEST_LINE = 65536

_RAD_PER_UNIT = math.radians(0.001)
_RAD_PER_S_PER_UNIT = 0.001 * 2 * math.pi / 60


class LineReader:
    """Cuts a byte stream into JSON objects; anything else is dropped."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Message]:
        """Return the objects whose lines end in `data`; the rest waits for more."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            self._rest = b""
        messages = (_parse(line) for line in lines)
        return [message for message in messages if message is not None]


def _parse(line: bytes) -> Message | None:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def encode(message: Message) -> bytes:
    """Return the message without blanks and without line end."""
    return json.dumps(message, separators=(",", ":")).encode()


def angles_to_wire(q: Array) -> list[int]:
    """Rad to 0.001 deg."""
    return [round(angle) for angle in (q / _RAD_PER_UNIT).tolist()]


def angles_from_wire(joint: object) -> Array | None:
    """0.001 deg to rad, shape (7,); None unless there are seven numbers."""
    if not isinstance(joint, list) or len(joint) != 7:
        return None
    if not all(type(angle) in (int, float) and abs(angle) < 1e12 for angle in joint):
        return None
    return np.array(joint, dtype=float) * _RAD_PER_UNIT


def speeds_to_wire(speeds: Array) -> list[int]:
    """Rad/s to 0.001 RPM; the same for rad/s^2 to 0.001 RPM/s."""
    return [round(speed / _RAD_PER_S_PER_UNIT) for speed in speeds.tolist()]


def state_packet(
    q: Array, status: str, joint_errors: list[int], enabled: list[bool], errors: list[int]
) -> bytes:
    """Return the state datagram: no sequence number and no time, as the vendor's."""
    return encode(
        {
            "arm_current_status": status,
            "err": errors or [0],
            "joint_status": {
                "joint_current": [0] * 7,
                "joint_en_flag": [int(flag) for flag in enabled],
                "joint_err_code": joint_errors,
                "joint_position": angles_to_wire(q),
                "joint_speed": [0] * 7,
                "joint_temperature": [33000] * 7,
                "joint_voltage": [24000] * 7,
            },
            "state": "realtime_arm_joint_state",
            "waypoint": {"euler": [0] * 3, "position": [0] * 3, "quat": [1000000, 0, 0, 0]},
        }
    )
