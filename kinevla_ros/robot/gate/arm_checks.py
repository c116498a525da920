"""What must hold for the arm while it is sent targets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.robot.gate.check_result import PASSED, CheckResult, Fault, refused, worst
from kinevla_ros.robot.gate.tracking import PATIENCE, TrackingMonitor
from kinevla_ros.robot.state import ArmState

MAX_STATE_AGE = 0.1
"""The controller sends a state every 5 ms; twenty missing in a row are a failure (s)."""

MAX_GAP = 0.1
"""The controller ends pass-through after so long without a target (s)."""

MAX_TRACKING_ERROR = 0.1
"""So far from all it was sent of late, a joint has been pushed or is blocked (rad)."""

HAND = "the arm is guided by hand; end that first: /arm/drag with false, or the button at the arm"

LEAST_WAY = 0.03
"""A joint that is to go so far (rad) ..."""

LEAST_SHARE = 0.1
"""... goes at least this share of it in `PATIENCE`."""


@dataclass(frozen=True, eq=False)
class ArmCase:
    """An arm that is sent targets.

    Attributes:
        state: the newest; None before the first.
        tracking: what was sent and measured.
        now: the time, s.
        moved_at: when the last target was sent, s; infinite if it was at rest.
        max_state_age: oldest state that may be, s.
    """

    state: ArmState | None
    tracking: TrackingMonitor
    now: float
    moved_at: float = math.inf
    max_state_age: float = MAX_STATE_AGE


def state_age(case: ArmCase) -> CheckResult:
    """The arm reports where it is."""
    if case.state is None:
        return refused(Fault.STALE_STATE, "the arm has sent no state yet. Is it connected?")
    age = case.now - case.state.stamp
    if age <= case.max_state_age:
        return PASSED
    reason = f"the arm's last state is {age:.3f} s old; allowed are {case.max_state_age} s"
    return refused(Fault.STALE_STATE, reason, margin=case.max_state_age - age)


def in_time(case: ArmCase) -> CheckResult:
    """A motion goes on without a gap."""
    gap = case.now - case.moved_at
    if gap <= MAX_GAP:
        return PASSED
    reason = (
        f"the stream was held up for {gap:.3f} s in motion; allowed are {MAX_GAP} s. Was this "
        "computer busy, or a process suspended?"
    )
    return refused(Fault.STREAM_INTERRUPTED, reason, margin=MAX_GAP - gap)


def error_codes(case: ArmCase) -> CheckResult:
    """Neither the controller nor a joint reports an error."""
    if case.state is None:
        return PASSED
    for joint, bits in zip(JOINT_NAMES, case.state.joint_errors, strict=False):
        if bits:
            return refused(Fault.CONTROLLER_ERROR, f"{joint} reports error bits {bits:#06x}", joint)
    if case.state.controller_errors:
        codes = ", ".join(f"{code:#06x}" for code in case.state.controller_errors)
        return refused(Fault.CONTROLLER_ERROR, f"the controller reports error {codes}")
    return PASSED


def not_dragged(case: ArmCase) -> CheckResult:
    """Nobody guides the arm by hand."""
    if case.state is None or not case.state.dragged:
        return PASSED
    return refused(Fault.CONTROLLER_ERROR, HAND)


def tracking_error(case: ArmCase) -> CheckResult:
    """The arm is near where it was sent of late."""
    if case.state is None or (band := case.tracking.band(case.state.stamp)) is None:
        return PASSED
    lower, upper = band
    q = case.state.q
    errors = np.maximum(lower - q, q - upper)
    _, column, joint, margin = worst(MAX_TRACKING_ERROR - errors)
    if margin >= 0:
        return PASSED
    reason = (
        f"{joint} is {errors[column]:.3f} rad from where it was sent; allowed are "
        f"{MAX_TRACKING_ERROR} rad. Is it blocked?"
    )
    return refused(Fault.TRACKING_ERROR, reason, joint, margin)


def obeys(case: ArmCase) -> CheckResult:
    """A joint that is to go somewhere all the time gets on.

    A blocked arm whose policy begins every chunk where the arm is never comes far from its target.
    """
    if (found := case.tracking.obedience()) is None:
        return PASSED
    wanted, gone = found
    missing = np.where(wanted < LEAST_WAY, -np.inf, LEAST_SHARE * wanted - gone)
    _, column, joint, margin = worst(-missing)
    if margin >= 0:
        return PASSED
    reason = (
        f"{joint} was to go {wanted[column]:.3f} rad and went {gone[column]:.3f} rad in "
        f"{PATIENCE} s. Is it blocked?"
    )
    return refused(Fault.TRACKING_ERROR, reason, joint, margin)
