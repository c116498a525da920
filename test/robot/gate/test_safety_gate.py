"""The gate by itself: what another lab's policy may send, and why not."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from arm_bench import HOME
from hypothesis import given
from hypothesis import strategies as st

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.gate.safety_gate import SafetyGate
from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.state import ArmState

NOW = 10.0
GATE = SafetyGate()
WELL = ArmState(HOME, NOW, 0.03)


def chunk(speed: float = 0.0, joint: int = 0) -> ActionChunk:
    """Goes on from home with one joint at this speed, rad/s."""
    way = speed * 0.1 * np.arange(1, 6)[:, None] * np.eye(7)[joint]
    return ActionChunk(NOW - 0.1, 1, HOME + way, np.full(5, 0.03))


def test_a_chunk_near_a_well_arm_passes() -> None:
    assert GATE.check(chunk(0.3), WELL, NOW).ok


def test_a_refusal_has_a_fault_a_reason_a_joint_and_a_margin() -> None:
    found = GATE.check(chunk(2.5), WELL, NOW)
    assert (found.ok, found.fault, found.joint) == (False, Fault.VELOCITY_LIMIT, "joint1")
    assert "allowed are 2.20 rad/s" in found.reason
    assert found.margin == pytest.approx(-0.3)


@given(st.floats(-4, 4), st.integers(0, 6))
def test_stricter_limits_pass_nothing_that_wider_ones_refuse(speed: float, joint: int) -> None:
    slow = SafetyGate(dataclasses.replace(RM75_LIMITS, velocity=np.full(7, 0.5)))
    found = slow.check(chunk(speed, joint), WELL, NOW)
    assert not found.ok or (abs(speed) < 0.56 and GATE.check(chunk(speed, joint), WELL, NOW).ok)


def test_the_workspace_is_the_callers() -> None:
    low = SafetyGate(workspace=dataclasses.replace(DEFAULT_WORKSPACE, top=0.3))
    assert low.check(chunk(0.3), WELL, NOW).fault is Fault.WORKSPACE_LIMIT


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"stamp": NOW - 1}, "1.000 s old"),
        ({"stamp": NOW + 1.7e9}, "the same clock"),
        ({"stamp": math.nan}, "old"),
        ({"q": np.degrees(HOME)}, "degrees"),
        ({"q": np.full(7, np.nan)}, "7 finite numbers"),
        ({"q": HOME[:6]}, "7 finite numbers"),
        ({"gripper": 0.8}, "share of its stroke"),
        ({"gripper": math.nan}, "metres"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_no_chunk_passes_with_a_state_that_says_nothing(changed: dict, said: str) -> None:
    found = GATE.check(chunk(), dataclasses.replace(WELL, **changed), NOW)
    assert (found.ok, found.fault) == (False, Fault.STALE_STATE)
    assert said in found.reason


def test_an_arm_with_an_error_follows_nothing() -> None:
    ill = dataclasses.replace(WELL, joint_errors=(0, 0, 0, 4, 0, 0, 0))
    found = GATE.check(chunk(), ill, NOW)
    assert (found.fault, found.joint) == (Fault.CONTROLLER_ERROR, "joint4")
