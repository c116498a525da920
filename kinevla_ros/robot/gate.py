"""The safety gate: what may reach the arm.

Each check knows one limit; the three tuples are the gate, in the order in which they are asked.
A chunk that fails one is refused whole; nothing is clipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.codec.chunk import ActionChunk
from kinevla_ros.robot import arm_checks, chunk_checks, target_checks
from kinevla_ros.robot.arm_checks import ArmCase
from kinevla_ros.robot.chunk_checks import ChunkCase
from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.target_checks import TargetCase
from kinevla_ros.robot.verdict import PASSED, Verdict

Array = NDArray[np.float64]
Case = TypeVar("Case")

CHUNK_CHECKS: tuple[Callable[[ChunkCase], Verdict], ...] = (
    chunk_checks.finite,
    chunk_checks.period,
    chunk_checks.age,
    chunk_checks.position,
    chunk_checks.speed,
    chunk_checks.begins_at_the_arm,
    chunk_checks.gripper_stroke,
)

TARGET_CHECKS: tuple[Callable[[TargetCase], Verdict], ...] = (
    target_checks.finite,
    target_checks.position,
    target_checks.speed,
    target_checks.frame_step,
)

ARM_CHECKS: tuple[Callable[[ArmCase], Verdict], ...] = (
    arm_checks.state_age,
    arm_checks.error_codes,
    arm_checks.tracking_error,
)


def check_chunk(chunk: ActionChunk, state: ArmState, limits: JointLimits, now: float) -> Verdict:
    """Return whether the stream may follow `chunk` from where the arm is."""
    return _first_failure(CHUNK_CHECKS, ChunkCase(chunk, state, limits, now))


def check_target(target: Array, previous: Array, limits: JointLimits, dt: float) -> Verdict:
    """Return whether `target` may be sent `dt` s after `previous`; both rad, shape (7,)."""
    return _first_failure(TARGET_CHECKS, TargetCase(target, previous, limits, dt))


def check_arm(state: ArmState | None, target: Array, now: float) -> Verdict:
    """Return whether the arm is well and near `target`, the last one sent, rad, shape (7,)."""
    return _first_failure(ARM_CHECKS, ArmCase(state, target, now))


def _first_failure(checks: Iterable[Callable[[Case], Verdict]], case: Case) -> Verdict:
    return next((verdict for check in checks if not (verdict := check(case)).ok), PASSED)
