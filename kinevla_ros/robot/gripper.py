"""The EG2-4C2 as the vendor commands it: positions 1 (closed) to 1000 (open), 24 V at the tool."""

from __future__ import annotations

from kinevla_ros.robot.model import GRIPPER_STROKE

SUPPLY_24V = 3
"""The tool voltage's type that the gripper needs."""

FULL_POSITION = 1000

PERIOD = 0.1
"""The gripper's serial line takes no more than ten requests a second, s."""

RETRY = 1.0
"""How often a gripper is asked or told again that does not answer, s; drivers log each failure."""


def position_of(opening: float) -> int:
    """The vendor's position of an opening, m; the nearest one there is."""
    share = min(max(opening / GRIPPER_STROKE, 0.0), 1.0)
    return 1 + round(share * (FULL_POSITION - 1))


def opening_of(position: float) -> float:
    """The opening, m, at one of the vendor's positions."""
    return (position - 1) / (FULL_POSITION - 1) * GRIPPER_STROKE
