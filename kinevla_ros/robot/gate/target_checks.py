"""What must hold for a joint target before it is sent to the arm."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.robot.gate.check_result import PASSED, CheckResult, Fault, refused, worst
from kinevla_ros.robot.gate.collision import CollisionModel, too_near
from kinevla_ros.robot.limits import JointLimits

Array = NDArray[np.float64]

MAX_FRAME_STEP = math.radians(10)
"""The vendor's controller refuses a larger step from one frame to the next (rad)."""

START_BAND = 0.02
"""So near the measured arm is the first target (rad)."""

LAG = 0.15
"""The arm trails its targets by no more than this (s)."""

_ROUNDING = 1e-6
"""Share of a limit that is lost in rounding."""


@dataclass(frozen=True, eq=False)
class TargetCase:
    """A target about to be sent, with what it is judged by.

    Attributes:
        path: the last three targets sent and this one, shape (4, 7), rad.
        way: on which the joints come to rest if braked from this target on, shape (n, 7), rad.
        measured: where the joints are, shape (7,), rad.
        limits: limits of the joints.
        space: clearances of the arm.
        dt: time from target to target, s.
    """

    path: Array
    way: Array
    measured: Array
    limits: JointLimits
    space: CollisionModel
    dt: float

    @property
    def target(self) -> Array:
        """The target itself, shape (7,), rad."""
        return np.array(self.path[-1])


def finite(case: TargetCase) -> CheckResult:
    """All numbers are finite."""
    if np.isfinite(case.path).all() and np.isfinite(case.way).all():
        return PASSED
    return refused(Fault.INVALID_TARGET, "a target is NaN or infinite")


def position(case: TargetCase) -> CheckResult:
    """Every joint stays inside its position limits."""
    return _inside(case, case.path[-1:], "be")


def braking_distance(case: TargetCase) -> CheckResult:
    """Every joint can still be brought to rest inside its position limits."""
    return _inside(case, case.way, "not come to rest before it is")


def speed(case: TargetCase) -> CheckResult:
    """No joint exceeds its speed from the previous target."""
    return _rate(case, 1, case.limits.velocity, Fault.VELOCITY_LIMIT, "move at", "rad/s")


def acceleration(case: TargetCase) -> CheckResult:
    """No joint changes its speed faster than it may."""
    limit = case.limits.acceleration
    return _rate(case, 2, limit, Fault.ACCELERATION_LIMIT, "accelerate by", "rad/s^2")


def jerk(case: TargetCase) -> CheckResult:
    """No joint changes its acceleration faster than it may."""
    return _rate(case, 3, case.limits.jerk, Fault.JERK_LIMIT, "jerk by", "rad/s^3")


def frame_step(case: TargetCase) -> CheckResult:
    """No joint steps further in one frame than the controller accepts."""
    steps = abs(case.path[-1] - case.path[-2])
    _, column, joint, margin = worst(MAX_FRAME_STEP - steps)
    if margin > 0:
        return PASSED
    reason = (
        f"{joint} would step by {steps[column]:.3f} rad in one frame; the controller refuses "
        f"{MAX_FRAME_STEP:.3f} rad"
    )
    return refused(Fault.VELOCITY_LIMIT, reason, joint, margin)


def step_from_the_arm(case: TargetCase) -> CheckResult:
    """No joint is sent further from where it is than a trailing arm can be."""
    return _near(case, START_BAND + LAG * case.limits.velocity)


def first_at_the_arm(case: TargetCase) -> CheckResult:
    """The first target is where the arm is."""
    return _near(case, np.full(len(case.measured), START_BAND))


def clearance(case: TargetCase) -> CheckResult:
    """Nothing comes too near, from the target to where the arm would come to rest."""
    found = case.space.obstacle(case.way)
    return PASSED if found is None else too_near(found, "the arm")


def _inside(case: TargetCase, places: Array, verb: str) -> CheckResult:
    """Judge joint positions, shape (n, 7), rad."""
    limits = case.limits
    row, column, joint, margin = worst(np.minimum(places - limits.lower, limits.upper - places))
    if margin >= -_ROUNDING:
        return PASSED
    reason = (
        f"{joint} would {verb} at {places[row, column]:.3f} rad; its limits are "
        f"{limits.lower[column]:.3f} and {limits.upper[column]:.3f} rad"
    )
    return refused(Fault.POSITION_LIMIT, reason, joint, margin)


def _rate(
    case: TargetCase, order: int, limit: Array, fault: Fault, verb: str, unit: str
) -> CheckResult:
    """Judge the last difference of an order: speed, acceleration, jerk."""
    rates = abs(np.diff(case.path, order, axis=0)[-1]) / case.dt**order
    _, column, joint, margin = worst(limit - rates)
    if margin >= -_ROUNDING * limit[column]:
        return PASSED
    reason = f"{joint} would {verb} {rates[column]:.2f} {unit}; allowed are {limit[column]:.2f}"
    return refused(fault, f"{reason} {unit}", joint, margin)


def _near(case: TargetCase, allowed: Array) -> CheckResult:
    away = abs(case.target - case.measured)
    _, column, joint, margin = worst(allowed - away)
    if margin >= 0:
        return PASSED
    reason = (
        f"{joint} would be sent {away[column]:.3f} rad from where it is; allowed are "
        f"{allowed[column]:.3f} rad"
    )
    return refused(Fault.TRACKING_ERROR, reason, joint, margin)
