"""What no RM75 can report, so that other units or another arm are known by their numbers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import GRIPPER_STROKE, GRIPPER_TOLERANCE
from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.robot.model import POSITION_LIMITS

JOINT_TOLERANCE = 0.1
"""A joint that was pushed by hand may stand so far beyond its range, rad."""

FULL_TURN = 2 * math.pi + JOINT_TOLERANCE


def require_possible(joints: NDArray[np.float64], gripper: float) -> None:
    """Check live joint positions, shape (7,), rad, and the gripper's opening, m.

    Raises:
        ValueError: no RM75 can stand so; names value and likely unit.
    """
    beyond = np.abs(joints) - POSITION_LIMITS
    if beyond.max() > JOINT_TOLERANCE:
        first = int(np.argmax(beyond > JOINT_TOLERANCE))
        limit, largest = POSITION_LIMITS[first], float(np.abs(joints).max())
        raise ValueError(
            f"{JOINT_NAMES[first]} is {joints[first]:.6g}: rad are expected, {-limit:.2f} to "
            f"{limit:.2f}; {_angle_unit(largest)}"
        )
    if not -GRIPPER_TOLERANCE <= gripper <= GRIPPER_STROKE + GRIPPER_TOLERANCE:
        raise ValueError(
            f"gripper is {gripper:.6g}: metres are expected, 0 to {GRIPPER_STROKE:.2f}; "
            f"{_opening_unit(gripper)}"
        )


def _angle_unit(largest: float) -> str:
    """What numbers up to `largest` look like."""
    if largest <= FULL_TURN:
        return "check the order and the zero positions of the joints"
    unit = "degrees" if largest <= 1.1 * 360 else "the vendor's thousandths of a degree"
    return f"{largest:.6g} looks like {unit}: convert to rad where /joint_states is published"


def _opening_unit(gripper: float) -> str:
    kinds = ((1.0, "a share of its stroke"), (100.0, "millimetres or per cent"))
    last = "the vendor's 0 to 1000"
    if gripper < 0:
        return "check its sign and its zero position"
    unit = next((name for most, name in kinds if gripper <= most), last)
    return f"{gripper:.6g} looks like {unit}: convert to metres where /joint_states is published"
