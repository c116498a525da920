"""The EG2-4C2 as the vendor commands it: positions 1 (closed) to 1000 (open), 24 V at the tool."""

from __future__ import annotations

from kinevla_ros.base.arm import GRIPPER_STROKE

SUPPLY_24V = 3
"""The tool voltage's type that the gripper needs."""

FULL_POSITION = 1000

PERIOD = 0.1
"""The gripper's serial line takes no more than ten requests a second, s."""

RETRY = 1.0
"""Pause before a silent gripper is asked or commanded again, s; drivers log each failure."""

DELAY = 0.1
"""So late, about, a target gets to the gripper, s."""

STEP = 0.001
"""A target so near (m) to the one sent last is not worth a request: decoded targets are never
twice the same."""


class Turns:
    """Whose turn it is on the gripper's line: a target's that waits, or a reading's.

    One after the other: a gripper that gets a new target with every request would never be read,
    and a policy that sees it open for as long as it closes does not know what it does.
    """

    def __init__(self) -> None:
        self._commanded = False

    def tells(self, waiting: bool) -> bool:
        """Whether the next request sends the target that is `waiting`, if one is; else it reads."""
        self._commanded = waiting and not self._commanded
        return self._commanded


def is_new(target: float, commanded: float | None) -> bool:
    """Whether a target (m) has to be sent after the one sent last (m), if there is one."""
    return commanded is None or abs(target - commanded) > STEP


def position_of(opening: float) -> int:
    """The vendor's position of an opening, m; the nearest one there is."""
    share = min(max(opening / GRIPPER_STROKE, 0.0), 1.0)
    return 1 + round(share * (FULL_POSITION - 1))


def opening_of(position: float) -> float:
    """The opening, m, at one of the vendor's positions."""
    return (position - 1) / (FULL_POSITION - 1) * GRIPPER_STROKE
