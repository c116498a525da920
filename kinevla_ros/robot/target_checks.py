"""What must hold for a joint target before it is sent to the arm."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.robot.verdict import PASSED, Fault, Verdict, refused, worst

Array = NDArray[np.float64]

MAX_FRAME_STEP = math.radians(10)
"""The vendor's controller refuses a larger step from one frame to the next (rad)."""

_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class TargetCase:
    """A target about to be sent and the one before it, rad, shape (7,), `dt` s apart."""

    target: Array
    previous: Array
    limits: JointLimits
    dt: float


def finite(case: TargetCase) -> Verdict:
    """All numbers are finite."""
    if np.isfinite(case.target).all():
        return PASSED
    return refused(Fault.POSITION_LIMIT, "a target is NaN or infinite")


def position(case: TargetCase) -> Verdict:
    """Every joint stays inside its position limits."""
    target, limits = case.target, case.limits
    _, column, joint, margin = worst(np.minimum(target - limits.lower, limits.upper - target))
    if margin >= 0:
        return PASSED
    reason = (
        f"{joint} would go to {target[column]:.3f} rad; its limits are "
        f"{limits.lower[column]:.3f} and {limits.upper[column]:.3f} rad"
    )
    return refused(Fault.POSITION_LIMIT, reason, joint, margin)


def speed(case: TargetCase) -> Verdict:
    """No joint exceeds its speed from the previous target."""
    speeds = abs(case.target - case.previous) / case.dt
    _, column, joint, margin = worst(case.limits.velocity - speeds)
    if margin >= -_ROUNDING:
        return PASSED
    reason = (
        f"{joint} would move at {speeds[column]:.2f} rad/s; allowed are "
        f"{case.limits.velocity[column]:.2f} rad/s"
    )
    return refused(Fault.VELOCITY_LIMIT, reason, joint, margin)


def frame_step(case: TargetCase) -> Verdict:
    """No joint steps further in one frame than the controller accepts."""
    steps = abs(case.target - case.previous)
    _, column, joint, margin = worst(MAX_FRAME_STEP - steps)
    if margin > 0:
        return PASSED
    reason = (
        f"{joint} would step by {steps[column]:.3f} rad in one frame; the controller refuses "
        f"{MAX_FRAME_STEP:.3f} rad"
    )
    return refused(Fault.VELOCITY_LIMIT, reason, joint, margin)
