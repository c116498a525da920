"""The gate refuses whatever breaks a limit, and says which, where and by how much."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from kinevla_ros.codec.chunk import JOINT_NAMES, ActionChunk
from kinevla_ros.robot.gate import check_arm, check_chunk, check_target
from kinevla_ros.robot.limits import POSITION_MARGIN, RM75_LIMITS
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.verdict import Fault, Verdict

Array = NDArray[np.float64]

HOME = np.array([0.0, 0.3, 0.0, 1.5, 0.0, 1.3, 0.0])
NOW = 10.0
JOINTS = st.integers(0, 6)


def judge(
    positions: Array,
    *,
    age: float = 0.1,
    q: Array = HOME,
    gripper: float = 0.03,
    dt: float = 0.1,
) -> Verdict:
    chunk = ActionChunk(NOW - age, 7, positions, np.full(5, gripper), dt)
    return check_chunk(chunk, ArmState(q, NOW), RM75_LIMITS, NOW)


def still() -> Array:
    return np.tile(HOME, (5, 1))


def test_a_chunk_that_stays_where_the_arm_is_passes() -> None:
    assert judge(still()).ok


@given(arrays(np.float64, (5, 7), elements=st.floats(-0.3, 0.3)), st.floats(0.0, 0.39))
def test_a_chunk_passes_only_if_every_target_keeps_every_limit(steps: Array, age: float) -> None:
    positions = HOME + np.cumsum(steps, axis=0)
    verdict = judge(positions, age=age)
    inside = (positions >= RM75_LIMITS.target_lower) & (positions <= RM75_LIMITS.target_upper)
    slow = abs(np.diff(positions, axis=0)) <= 0.1 * RM75_LIMITS.velocity
    if not (inside.all() and slow.all()):
        assert not verdict.ok
    if not verdict.ok:
        assert verdict.fault in (Fault.POSITION_LIMIT, Fault.VELOCITY_LIMIT)
        assert verdict.margin < 0
        assert verdict.joint in verdict.reason


@given(JOINTS, st.integers(0, 4), st.sampled_from([-1, 1]), st.floats(1e-6, 3.0))
def test_one_target_beyond_its_margin_is_named_with_the_distance(
    joint: int, step: int, side: int, beyond: float
) -> None:
    bound = RM75_LIMITS.target_upper if side > 0 else RM75_LIMITS.target_lower
    positions = still()
    positions[step, joint] = bound[joint] + side * beyond
    verdict = judge(positions)
    assert verdict.fault is Fault.POSITION_LIMIT
    assert verdict.joint == JOINT_NAMES[joint]
    assert verdict.margin == pytest.approx(-beyond)


def test_the_last_permitted_position_is_permitted() -> None:
    edge = RM75_LIMITS.upper - POSITION_MARGIN
    assert judge(np.tile(edge, (5, 1)), q=edge).ok


@given(JOINTS, st.integers(1, 4), st.floats(0.01, 1.0))
def test_a_step_faster_than_the_joint_may_go_is_named(joint: int, step: int, excess: float) -> None:
    positions = still()
    positions[step:, joint] -= 0.1 * (RM75_LIMITS.velocity[joint] + excess)
    verdict = judge(positions)
    assert verdict.fault is Fault.VELOCITY_LIMIT
    assert verdict.joint == JOINT_NAMES[joint]
    assert verdict.margin == pytest.approx(-excess)


@given(JOINTS, st.floats(0.65, 1.0))
def test_a_chunk_that_begins_away_from_the_arm_is_refused(joint: int, away: float) -> None:
    q = HOME.copy()
    q[joint] -= away
    verdict = judge(still(), q=q)
    assert verdict.fault is Fault.VELOCITY_LIMIT
    assert verdict.joint == JOINT_NAMES[joint]
    assert "begins" in verdict.reason


def test_an_arm_that_trails_a_fast_motion_may_go_on() -> None:
    times = np.arange(1, 6) * 0.1
    speed = 0.7 * RM75_LIMITS.velocity.min()
    measured = HOME + speed * (0.1 - 0.06)  # where it was 60 ms ago
    assert judge(HOME + speed * times[:, None], q=measured).ok


def test_a_measured_position_that_is_no_number_fails_closed() -> None:
    assert not judge(still(), q=np.full(7, np.nan)).ok


@pytest.mark.parametrize("age", [0.41, 3.0, -0.03])
def test_a_chunk_too_old_or_from_the_future_is_stale(age: float) -> None:
    assert judge(still(), age=age).fault is Fault.STALE_CHUNK


def test_a_chunk_of_another_period_is_invalid() -> None:
    assert judge(still(), dt=0.05).fault is Fault.INVALID_CHUNK


@pytest.mark.parametrize("opening", [-0.02, 0.09])
def test_a_gripper_opening_that_does_not_exist_is_refused(opening: float) -> None:
    verdict = judge(still(), gripper=opening)
    assert verdict.fault is Fault.POSITION_LIMIT
    assert verdict.joint == "gripper"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_target_that_is_no_number_is_not_sent(value: float) -> None:
    target = HOME.copy()
    target[3] = value
    assert not check_target(target, HOME, RM75_LIMITS, 0.02).ok


def test_a_target_beyond_the_hard_limit_is_not_sent() -> None:
    target = RM75_LIMITS.upper + np.eye(7)[5] * 0.001
    verdict = check_target(target, target, RM75_LIMITS, 0.02)
    assert (verdict.fault, verdict.joint) == (Fault.POSITION_LIMIT, "joint6")


def test_a_target_too_far_for_one_tick_is_not_sent() -> None:
    target = HOME + np.eye(7)[0] * 1.05 * RM75_LIMITS.velocity[0] * 0.02
    verdict = check_target(target, HOME, RM75_LIMITS, 0.02)
    assert (verdict.fault, verdict.joint) == (Fault.VELOCITY_LIMIT, "joint1")


def test_a_step_of_ten_degrees_in_one_frame_is_not_sent_however_slow() -> None:
    target = HOME - np.eye(7)[6] * math.radians(10)
    verdict = check_target(target, HOME, RM75_LIMITS, dt=0.2)
    assert (verdict.fault, verdict.joint) == (Fault.VELOCITY_LIMIT, "joint7")
    assert "frame" in verdict.reason


def test_an_arm_that_answers_and_is_near_its_target_is_well() -> None:
    assert check_arm(ArmState(HOME + 0.19, NOW - 0.09), HOME, NOW).ok


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        (None, Fault.STALE_STATE),
        (ArmState(HOME, NOW - 0.11), Fault.STALE_STATE),
        (ArmState(HOME - 0.21, NOW), Fault.TRACKING_ERROR),
        (ArmState(np.full(7, np.nan), NOW), Fault.TRACKING_ERROR),
        (ArmState(HOME, NOW, controller_errors=(0x100D,)), Fault.CONTROLLER_ERROR),
        (ArmState(HOME, NOW, joint_errors=(0, 0, 0x4000, 0, 0, 0, 0)), Fault.CONTROLLER_ERROR),
    ],
)
def test_an_arm_that_is_not_well_is_named_by_its_fault(
    state: ArmState | None, fault: Fault
) -> None:
    verdict = check_arm(state, HOME, NOW)
    assert not verdict.ok
    assert verdict.fault is fault


def test_a_joint_error_names_the_joint_and_the_bits() -> None:
    state = ArmState(HOME, NOW, joint_errors=(0, 0, 0x4000, 0, 0, 0, 0))
    verdict = check_arm(state, HOME, NOW)
    assert verdict.joint == "joint3"
    assert "0x4000" in verdict.reason
