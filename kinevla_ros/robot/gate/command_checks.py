"""What holds for where a chunk or teleoperation sends joints and gripper."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import GRIPPER_STROKE, GRIPPER_TOLERANCE
from kinevla_ros.robot.gate.check_result import PASSED, CheckResult, Fault, refused, worst
from kinevla_ros.robot.gate.collision import CollisionModel, too_near
from kinevla_ros.robot.limits import POSITION_MARGIN, JointLimits

Array = NDArray[np.float64]

CLOCK_TOLERANCE = 0.02
"""How far in the future a stamp may lie before the clocks are taken to differ (s)."""

RESERVE = 0.002
"""A command keeps so much more distance than a target: the motion rounds its corners (m)."""


def inside_limits(who: str, positions: Array, limits: JointLimits) -> CheckResult:
    """Joint positions, shape (n, 7), rad, keep the margin to the limits."""
    lower, upper = limits.target_lower, limits.target_upper
    row, column, joint, margin = worst(np.minimum(positions - lower, upper - positions))
    if margin >= 0:
        return PASSED
    reason = (
        f"{who} sends {joint} to {positions[row, column]:.3f} rad; allowed are "
        f"{lower[column]:.3f} to {upper[column]:.3f} rad, {POSITION_MARGIN} rad inside its limits"
    )
    return refused(Fault.POSITION_LIMIT, reason, joint, margin)


def within_stroke(who: str, openings: Array) -> CheckResult:
    """The gripper has openings, shape (n,), m."""
    least, most = float(openings.min()), float(openings.max())
    margin = GRIPPER_TOLERANCE + min(least, GRIPPER_STROKE - most)
    if margin >= 0:
        return PASSED
    sent = f"{least:.3f}" if least == most else f"{least:.3f} .. {most:.3f}"
    reason = f"{who} sends the gripper to {sent} m; it opens from 0 to {GRIPPER_STROKE} m"
    return refused(Fault.POSITION_LIMIT, reason, "gripper", margin)


def clear(who: str, path: Array, space: CollisionModel) -> CheckResult:
    """Nothing comes too near on the straight ways of a path, shape (n, 7), rad."""
    found = space.obstacle(path, RESERVE)
    return PASSED if found is None else too_near(found, who)
