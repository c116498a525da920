"""What must hold for a teleoperation target before the stream may go there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.robot.gate.check_result import PASSED, CheckResult, Fault, refused, worst
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.command_checks import (
    CLOCK_TOLERANCE,
    clear,
    inside_limits,
    within_stroke,
)
from kinevla_ros.robot.joint_target import JointTarget
from kinevla_ros.robot.limits import JointLimits

Array = NDArray[np.float64]

WHO = "teleoperation"
"""What refusals call it."""

MAX_AGE = 0.1
"""As old may a target be (s); MoveIt Servo's default."""

MAX_AWAY = 0.3
"""So far may a target be from where the arm is sent (rad)."""


@dataclass(frozen=True, eq=False)
class TeleopCase:
    """A target to be judged, where the motion under way is, shape (7,), rad, and the time, s."""

    target: JointTarget
    start: Array
    limits: JointLimits
    space: CollisionModel
    now: float


def finite(case: TeleopCase) -> CheckResult:
    """All numbers are finite."""
    target = case.target
    numbers = [target.stamp, *target.positions, target.gripper or 0.0]
    if np.isfinite(numbers).all():
        return PASSED
    return refused(Fault.INVALID_TARGET, "a teleoperation target holds NaN or infinity")


def age(case: TeleopCase) -> CheckResult:
    """The target is recent and not from the future."""
    seconds = case.now - case.target.stamp
    margin = min(MAX_AGE - seconds, seconds + CLOCK_TOLERANCE)
    if margin >= 0:
        return PASSED
    reason = (
        f"a teleoperation target is {seconds:.3f} s old; allowed are {MAX_AGE} s. "
        "Do the machines' clocks differ?"
    )
    return refused(Fault.INVALID_TARGET, reason, margin=margin)


def position(case: TeleopCase) -> CheckResult:
    """The target keeps the margin to the position limits."""
    return inside_limits(WHO, case.target.positions[None], case.limits)


def near_the_arm(case: TeleopCase) -> CheckResult:
    """The target is near the motion under way."""
    away = abs(case.target.positions - case.start)
    _, column, joint, margin = worst(MAX_AWAY - away)
    if margin >= 0:
        return PASSED
    reason = (
        f"teleoperation is {away[column]:.3f} rad from {joint}; bring it to where the arm is, "
        f"within {MAX_AWAY} rad"
    )
    return refused(Fault.TRACKING_ERROR, reason, joint, margin)


def gripper_stroke(case: TeleopCase) -> CheckResult:
    """The gripper is sent to an opening it has."""
    opening = case.target.gripper
    return PASSED if opening is None else within_stroke(WHO, np.array([opening]))


def clearance(case: TeleopCase) -> CheckResult:
    """Nothing comes too near on the straight way to the target."""
    path = np.vstack([case.start, case.target.positions])
    return clear(WHO, path, case.space)
