"""A chunk that would break a limit is refused whole: which limit, where and by how much."""

from __future__ import annotations

import numpy as np
import pytest
from arm_bench import HOME, SPACE, over_the_table
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from kinevla_ros.base.chunk import JOINT_NAMES, ActionChunk
from kinevla_ros.robot.gate.check_result import CheckResult, Fault
from kinevla_ros.robot.gate.chunk_checks import SPEED_TOLERANCE, ChunkCase
from kinevla_ros.robot.gate.gate import (
    CHUNK_CHECKS,
    run_checks,
)
from kinevla_ros.robot.limits import POSITION_MARGIN, RM75_LIMITS
from kinevla_ros.robot.state import ArmState

Array = NDArray[np.float64]


NOW = 10.0


JOINTS = st.integers(0, 6)


BROKEN_BY_TARGETS = (
    Fault.POSITION_LIMIT,
    Fault.VELOCITY_LIMIT,
    Fault.WORKSPACE_LIMIT,
    Fault.TABLE_COLLISION,
    Fault.SELF_COLLISION,
)


def of_chunk(
    positions: Array,
    *,
    age: float = 0.1,
    q: Array = HOME,
    gripper: float = 0.03,
    dt: float = 0.1,
) -> CheckResult:
    chunk = ActionChunk(NOW - age, 7, positions, np.full(5, gripper), dt)
    return run_checks(CHUNK_CHECKS, ChunkCase(chunk, ArmState(q, NOW), q, RM75_LIMITS, SPACE, NOW))


def still() -> Array:
    return np.tile(HOME, (5, 1))


def test_a_chunk_that_stays_where_the_arm_is_passes() -> None:
    assert of_chunk(still()).ok


@given(arrays(np.float64, (5, 7), elements=st.floats(-0.3, 0.3)), st.floats(0.0, 0.39))
def test_a_chunk_passes_only_if_every_target_keeps_every_limit(steps: Array, age: float) -> None:
    positions = HOME + np.cumsum(steps, axis=0)
    result = of_chunk(positions, age=age)
    inside = (positions >= RM75_LIMITS.target_lower) & (positions <= RM75_LIMITS.target_upper)
    slow = abs(np.diff(positions, axis=0)) <= 0.1 * SPEED_TOLERANCE * RM75_LIMITS.velocity + 1e-9
    if not (inside.all() and slow.all()):
        assert not result.ok
    if not result.ok:
        assert result.fault in BROKEN_BY_TARGETS
        assert result.margin < 0
        assert result.joint in result.reason


@given(JOINTS, st.integers(0, 4), st.sampled_from([-1, 1]), st.floats(1e-6, 3.0))
def test_one_target_beyond_its_margin_is_named_with_the_distance(
    joint: int, step: int, side: int, beyond: float
) -> None:
    bound = RM75_LIMITS.target_upper if side > 0 else RM75_LIMITS.target_lower
    positions = still()
    positions[step, joint] = bound[joint] + side * beyond
    result = of_chunk(positions)
    assert result.fault is Fault.POSITION_LIMIT
    assert result.joint == JOINT_NAMES[joint]
    assert result.margin == pytest.approx(-beyond)


def test_the_last_permitted_position_is_permitted() -> None:
    edge = RM75_LIMITS.upper - POSITION_MARGIN
    result = of_chunk(np.tile(edge, (5, 1)), q=edge)
    assert result.fault is not Fault.POSITION_LIMIT


@given(JOINTS, st.integers(1, 4), st.floats(0.01, 1.0))
def test_a_step_faster_than_the_joint_may_go_is_named(joint: int, step: int, excess: float) -> None:
    positions = still()
    positions[step:, joint] -= 0.1 * (SPEED_TOLERANCE * RM75_LIMITS.velocity[joint] + excess)
    result = of_chunk(positions)
    assert result.fault is Fault.VELOCITY_LIMIT
    assert result.joint == JOINT_NAMES[joint]
    assert result.margin == pytest.approx(-excess)


@given(JOINTS, st.floats(0.75, 1.0))
def test_a_chunk_that_begins_away_from_the_arm_is_refused(joint: int, away: float) -> None:
    q = HOME.copy()
    q[joint] -= away
    result = of_chunk(still(), q=q)
    assert result.fault is Fault.VELOCITY_LIMIT
    assert result.joint == JOINT_NAMES[joint]
    assert "begins" in result.reason


def test_an_arm_that_trails_a_fast_motion_may_go_on() -> None:
    times = np.arange(1, 6) * 0.1
    speed = 0.7 * RM75_LIMITS.velocity.min()
    measured = HOME + speed * (0.1 - 0.06)  # where it was 60 ms ago
    assert of_chunk(HOME + speed * times[:, None], q=measured).ok


@pytest.mark.parametrize("age", [0.1, 0.2, 0.3])
def test_a_target_that_is_due_now_is_no_longer_headed_for(age: float) -> None:
    times = np.arange(1, 6) * 0.1
    speed = 0.7 * RM75_LIMITS.velocity.min()
    at_now = HOME + speed * age
    for rounding in (-1e-12, 0.0, 1e-12):
        assert of_chunk(HOME + speed * times[:, None], age=age + rounding, q=at_now - 0.26).ok


def test_a_late_chunk_is_followed_more_slowly_and_may_begin_farther_away() -> None:
    away = HOME.copy()
    away[0] -= 0.55
    assert not of_chunk(still(), age=0.1, q=away).ok
    assert of_chunk(still(), age=0.3, q=away).ok


def test_a_measured_position_that_is_no_number_fails_closed() -> None:
    assert not of_chunk(still(), q=np.full(7, np.nan)).ok


@pytest.mark.parametrize("age", [0.41, 3.0, -0.03])
def test_a_chunk_too_old_or_from_the_future_is_stale(age: float) -> None:
    assert of_chunk(still(), age=age).fault is Fault.STALE_CHUNK


def test_a_chunk_of_another_period_is_invalid() -> None:
    assert of_chunk(still(), dt=0.05).fault is Fault.INVALID_CHUNK


@pytest.mark.parametrize("opening", [-0.02, 0.09])
def test_a_gripper_opening_that_does_not_exist_is_refused(opening: float) -> None:
    result = of_chunk(still(), gripper=opening)
    assert result.fault is Fault.POSITION_LIMIT
    assert result.joint == "gripper"


def test_a_chunk_into_the_table_is_refused_whole() -> None:
    high, low = over_the_table(0.06), over_the_table(0.002)
    down = high + np.linspace(0, 1, 6)[1:, None] * (low - high)
    result = of_chunk(down, q=high)
    assert (result.fault, result.joint) == (Fault.TABLE_COLLISION, "fingers")
    assert result.margin < 0
    assert "table" in result.reason


def test_a_grasp_of_a_flat_object_passes() -> None:
    high, grasp = over_the_table(0.06), over_the_table(0.014)
    assert of_chunk(high + np.linspace(0, 1, 6)[1:, None] * (grasp - high), q=high).ok


def test_a_chunk_into_the_arm_itself_is_refused_whole() -> None:
    start = np.array([0.0, -0.4, 0.0, 2.2, 0.0, 1.4, 0.0])
    into = start + np.linspace(0, 1, 6)[1:, None] * (0, 0, 0, 0.12, 0, 0.8, 0)
    result = of_chunk(into, q=start)
    assert result.fault is Fault.SELF_COLLISION


def test_a_chunk_out_of_the_workspace_is_refused_whole() -> None:
    reach = np.array([1.5, 1.45, 0.0, 0.1, 0.0, 0.0, 0.0])
    result = of_chunk(np.tile(reach, (5, 1)), q=reach)
    assert result.fault is Fault.WORKSPACE_LIMIT
    assert "right wall" in result.reason
