"""The safety gate: what may reach the arm.

Each check knows one limit; the four tuples are the gate, in the order in which they are asked.

| what is judged                | checks        | when one fails                                 |
| ----------------------------- | ------------- | ---------------------------------------------- |
| an action chunk               | CHUNK_CHECKS  | refused whole; the motion under way runs out   |
| a teleoperation target        | TELEOP_CHECKS | refused; the arm holds                         |
| each target before it is sent | TARGET_CHECKS | not sent; the arm slows to rest; latched fault |
| the arm, at each tick         | ARM_CHECKS    | the arm slows to rest; latched fault           |

The gate clips nothing. The one thing that is scaled is time: `JointStream` keeps the speed,
acceleration and jerk of its motion inside the limits and takes longer where a chunk is too fast.
It also goes no closer to a position limit than the margin, whatever it is asked: what has passed
the gate never asks for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from kinevla_ros.robot.gate import arm_checks, chunk_checks, target_checks, teleop_checks
from kinevla_ros.robot.gate.arm_checks import ArmCase
from kinevla_ros.robot.gate.check_result import PASSED, CheckResult
from kinevla_ros.robot.gate.chunk_checks import ChunkCase
from kinevla_ros.robot.gate.target_checks import TargetCase
from kinevla_ros.robot.gate.teleop_checks import TeleopCase

Case = TypeVar("Case")

CHUNK_CHECKS: tuple[Callable[[ChunkCase], CheckResult], ...] = (
    chunk_checks.period,
    chunk_checks.age,
    chunk_checks.position,
    chunk_checks.speed,
    chunk_checks.begins_at_the_arm,
    chunk_checks.gripper_stroke,
    chunk_checks.clearance,
)

TELEOP_CHECKS: tuple[Callable[[TeleopCase], CheckResult], ...] = (
    teleop_checks.finite,
    teleop_checks.age,
    teleop_checks.position,
    teleop_checks.near_the_arm,
    teleop_checks.gripper_stroke,
    teleop_checks.clearance,
)

MOTION_CHECKS: tuple[Callable[[TargetCase], CheckResult], ...] = (
    target_checks.finite,
    target_checks.position,
    target_checks.speed,
    target_checks.acceleration,
    target_checks.jerk,
    target_checks.frame_step,
)
"""What holds for a target even while the arm slows to rest after a fault."""

TARGET_CHECKS: tuple[Callable[[TargetCase], CheckResult], ...] = (
    *MOTION_CHECKS,
    target_checks.braking_distance,
    target_checks.step_from_the_arm,
    target_checks.clearance,
)

START_CHECKS: tuple[Callable[[TargetCase], CheckResult], ...] = (
    target_checks.finite,
    target_checks.position,
    target_checks.clearance,
)
"""What holds for the place where motion is to begin."""

FIRST_TARGET_CHECKS: tuple[Callable[[TargetCase], CheckResult], ...] = (
    *TARGET_CHECKS,
    target_checks.first_at_the_arm,
)
"""What holds for the target with which motion begins."""

ARM_CHECKS: tuple[Callable[[ArmCase], CheckResult], ...] = (
    arm_checks.in_time,
    arm_checks.state_age,
    arm_checks.error_codes,
    arm_checks.not_dragged,
    arm_checks.tracking_error,
    arm_checks.obeys,
)


def run_checks(checks: Iterable[Callable[[Case], CheckResult]], case: Case) -> CheckResult:
    """Return the first failure, or that all checks passed."""
    return next((result for check in checks if not (result := check(case)).ok), PASSED)
