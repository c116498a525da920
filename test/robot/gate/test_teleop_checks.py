"""A person's targets go through the same gate."""

from __future__ import annotations

import numpy as np
import pytest
from arm_bench import HOME, SPACE, over_the_table
from numpy.typing import NDArray

from kinevla_ros.robot.gate.check_result import CheckResult, Fault
from kinevla_ros.robot.gate.gate import (
    TELEOP_CHECKS,
    run_checks,
)
from kinevla_ros.robot.gate.teleop_checks import TeleopCase
from kinevla_ros.robot.joint_target import JointTarget
from kinevla_ros.robot.limits import RM75_LIMITS

Array = NDArray[np.float64]


NOW = 10.0


def of_teleop(positions: Array, age: float = 0.02, gripper: float | None = None) -> CheckResult:
    target = JointTarget(NOW - age, positions, gripper)
    return run_checks(TELEOP_CHECKS, TeleopCase(target, HOME, RM75_LIMITS, SPACE, NOW))


def test_a_teleoperation_target_near_the_arm_passes() -> None:
    assert of_teleop(HOME + 0.1, gripper=0.02).ok


@pytest.mark.parametrize(
    ("positions", "age", "gripper", "fault"),
    [
        (np.full(7, np.nan), 0.0, None, Fault.INVALID_TARGET),
        (HOME, np.inf, None, Fault.INVALID_TARGET),
        (HOME, 0.0, np.nan, Fault.INVALID_TARGET),
        (HOME, 0.11, None, Fault.INVALID_TARGET),
        (HOME, -0.03, None, Fault.INVALID_TARGET),
        (HOME + 3.0 * np.eye(7)[5], 0.0, None, Fault.POSITION_LIMIT),
        (HOME, 0.0, 0.09, Fault.POSITION_LIMIT),
        (HOME + 0.31 * np.eye(7)[2], 0.0, None, Fault.TRACKING_ERROR),
    ],
)
def test_a_teleoperation_target_that_breaks_a_limit_is_refused(
    positions: Array, age: float, gripper: float | None, fault: Fault
) -> None:
    assert of_teleop(positions, age, gripper).fault is fault


def test_a_teleoperation_target_for_six_joints_is_an_error() -> None:
    with pytest.raises(ValueError, match="seven joints"):
        JointTarget(NOW, np.zeros(6))


def test_a_teleoperation_target_into_the_table_is_refused() -> None:
    low = over_the_table(0.02)
    target = JointTarget(NOW, over_the_table(0.0))
    case = TeleopCase(target, low, RM75_LIMITS, SPACE, NOW)
    assert run_checks(TELEOP_CHECKS, case).fault is Fault.TABLE_COLLISION
