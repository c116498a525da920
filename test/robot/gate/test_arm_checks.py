"""An arm that is not well is named by its fault."""

from __future__ import annotations

import numpy as np
import pytest
from arm_bench import HOME
from numpy.typing import NDArray

from kinevla_ros.robot.gate.arm_checks import ArmCase
from kinevla_ros.robot.gate.check_result import CheckResult, Fault
from kinevla_ros.robot.gate.gate import (
    ARM_CHECKS,
    run_checks,
)
from kinevla_ros.robot.gate.tracking import TrackingMonitor
from kinevla_ros.robot.state import ArmState

Array = NDArray[np.float64]


NOW = 10.0


def of_arm(state: ArmState | None, sent: Array = HOME) -> CheckResult:
    tracking = TrackingMonitor()
    tracking.sent(sent, sent, NOW - 0.02)
    if state is not None:
        tracking.measured(state)
    return run_checks(ARM_CHECKS, ArmCase(state, tracking, NOW))


def test_an_arm_that_answers_and_is_near_its_target_is_well() -> None:
    assert of_arm(ArmState(HOME + 0.09, NOW - 0.09)).ok


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        (None, Fault.STALE_STATE),
        (ArmState(HOME, NOW - 0.11), Fault.STALE_STATE),
        (ArmState(HOME - 0.11, NOW), Fault.TRACKING_ERROR),
        (ArmState(np.full(7, np.nan), NOW), Fault.TRACKING_ERROR),
        (ArmState(HOME, NOW, controller_errors=(0x100D,)), Fault.CONTROLLER_ERROR),
        (ArmState(HOME, NOW, joint_errors=(0, 0, 0x4000, 0, 0, 0, 0)), Fault.CONTROLLER_ERROR),
    ],
)
def test_an_arm_that_is_not_well_is_named_by_its_fault(
    state: ArmState | None, fault: Fault
) -> None:
    result = of_arm(state)
    assert not result.ok
    assert result.fault is fault


def test_a_joint_error_names_the_joint_and_the_bits() -> None:
    result = of_arm(ArmState(HOME, NOW, joint_errors=(0, 0, 0x4000, 0, 0, 0, 0)))
    assert result.joint == "joint3"
    assert "0x4000" in result.reason
