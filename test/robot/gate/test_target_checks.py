"""A target that would break a limit is not sent."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arm_bench import DT, HOME, SPACE, over_the_table
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from kinevla_ros.robot.gate.braking import Brake
from kinevla_ros.robot.gate.check_result import CheckResult, Fault
from kinevla_ros.robot.gate.gate import FIRST_TARGET_CHECKS, TARGET_CHECKS, run_checks
from kinevla_ros.robot.gate.target_checks import TargetCase
from kinevla_ros.robot.limits import RM75_LIMITS

Array = NDArray[np.float64]


def of_path(path: Array, measured: Array | None = None, dt: float = DT) -> CheckResult:
    """Judge the last of four targets, shape (4, 7), by everything but the arm's start."""
    way = path[-1:]
    if np.isfinite(path).all():
        speed = (path[-1] - path[-2]) / dt
        way = Brake(RM75_LIMITS).way(path[-1], speed, np.zeros(7)).positions
    measured = path[-2] if measured is None else measured
    case = TargetCase(path, way, measured, RM75_LIMITS, SPACE, dt)
    return run_checks(TARGET_CHECKS, case)


def still_path(last: Array) -> Array:
    return np.vstack([np.tile(HOME, (3, 1)), last])


def shares(path: Array) -> Array:
    """Largest share of the limits on speed, acceleration and jerk in the last step."""
    limits = (RM75_LIMITS.velocity, RM75_LIMITS.acceleration, RM75_LIMITS.jerk)
    rates = [abs(np.diff(path, n, axis=0)[-1]) / DT**n for n in (1, 2, 3)]
    return np.array([(rate / limit).max() for rate, limit in zip(rates, limits, strict=True)])


@settings(deadline=None, max_examples=300)
@given(
    arrays(np.float64, 7, elements=st.floats(-1, 1)),
    arrays(np.float64, (3, 7), elements=st.floats(-1, 1)),
    st.sampled_from([1e-3, 1e-2, 0.1, 1.0]),
)
def test_a_target_is_sent_only_if_it_keeps_every_limit(
    where: Array, jerks: Array, strength: float
) -> None:
    speeds = strength * np.cumsum(jerks, axis=0) * RM75_LIMITS.acceleration * DT
    path = where * RM75_LIMITS.upper * 1.01 + np.vstack([np.zeros(7), np.cumsum(speeds, 0) * DT])
    result = of_path(path)
    inside = (path[-1] >= RM75_LIMITS.lower) & (path[-1] <= RM75_LIMITS.upper)
    kept = inside.all() and (shares(path) <= 1 + 1e-6).all() and SPACE.nearest(path[-1]).margin >= 0
    assert not result.ok or kept
    if not result.ok:
        assert result.reason
        assert not result.margin > 1e-5


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_target_that_is_no_number_is_not_sent(value: float) -> None:
    target = HOME.copy()
    target[3] = value
    assert of_path(still_path(target)).fault is Fault.INVALID_TARGET


def test_a_target_beyond_the_hard_limit_is_not_sent() -> None:
    target = RM75_LIMITS.upper + np.eye(7)[5] * 0.001
    result = of_path(np.tile(target, (4, 1)))
    assert (result.fault, result.joint) == (Fault.POSITION_LIMIT, "joint6")


def test_a_target_too_far_for_one_tick_is_not_sent() -> None:
    target = HOME + np.eye(7)[0] * 1.05 * RM75_LIMITS.velocity[0] * DT
    result = of_path(still_path(target))
    assert (result.fault, result.joint) == (Fault.VELOCITY_LIMIT, "joint1")


def steps(speeds: Array) -> Array:
    """Four targets of joint 1 with these three speeds in between, rad/s."""
    way = np.append(0.0, np.cumsum(speeds) * DT)
    return HOME + way[:, None] * np.eye(7)[0]


def test_a_target_that_asks_for_too_much_acceleration_is_not_sent() -> None:
    change = 1.05 * RM75_LIMITS.acceleration[0] * DT
    result = of_path(steps(np.array([0.0, 0.0, change])))
    assert (result.fault, result.joint) == (Fault.ACCELERATION_LIMIT, "joint1")
    assert result.margin == pytest.approx(-0.05 * RM75_LIMITS.acceleration[0], rel=1e-3)


def test_a_target_that_asks_for_too_much_jerk_is_not_sent() -> None:
    change = 0.6 * RM75_LIMITS.jerk[0] * DT**2
    result = of_path(steps(np.array([change, 0.0, change])))
    assert (result.fault, result.joint) == (Fault.JERK_LIMIT, "joint1")


def test_a_target_from_which_the_arm_cannot_stop_inside_its_limits_is_not_sent() -> None:
    path = np.tile(HOME, (4, 1))
    path[:, 0] = RM75_LIMITS.upper[0] - 0.05 + 1.5 * DT * np.arange(-3, 1)
    result = of_path(path)
    assert (result.fault, result.joint) == (Fault.POSITION_LIMIT, "joint1")
    assert "not come to rest" in result.reason


def test_a_target_from_which_the_arm_cannot_stop_above_the_table_is_not_sent() -> None:
    low, lower = over_the_table(0.032), over_the_table(0.016)
    assert SPACE.nearest(lower).margin > 0
    path = lower + np.arange(-3, 1)[:, None] * (lower - low) / 4
    assert of_path(path).fault is Fault.TABLE_COLLISION


def test_a_target_that_brings_the_arm_too_near_to_itself_is_not_sent() -> None:
    folded = np.array([0.0, -0.4, 0.0, 2.28, 0.0, 1.4, 0.0])
    assert of_path(np.tile(folded, (4, 1))).fault is Fault.SELF_COLLISION


def test_a_target_that_brings_the_arm_out_of_its_workspace_is_not_sent() -> None:
    stretched = np.array([1.5, 1.2, 0.0, 0.2, 0.0, 0.0, 0.0])
    result = of_path(np.tile(stretched, (4, 1)))
    assert result.fault is Fault.WORKSPACE_LIMIT
    assert "right wall" in result.reason


def test_the_way_to_rest_is_looked_at_as_it_is_because_joints_stop_at_different_times() -> None:
    q = np.array([0.08, -0.28, 0.61, -0.59, 2.89, -0.29, 4.49])
    speed = np.array([-1.2, -1.2, -2.0, 2.3, 1.4, 1.0, 0.4])
    way = Brake(RM75_LIMITS).way(q, speed, np.zeros(7)).positions
    straight = np.vstack([way[0], way[-1]])
    assert SPACE.obstacle(straight) is None
    path = q + np.arange(-3, 1)[:, None] * speed * DT
    for ways, ok in ((straight, True), (way, False)):
        case = TargetCase(path, ways, q, RM75_LIMITS, SPACE, DT)
        assert run_checks(TARGET_CHECKS, case).ok is ok


def test_a_target_too_far_from_the_measured_arm_is_not_sent() -> None:
    result = of_path(np.tile(HOME, (4, 1)), measured=HOME - 0.4 * np.eye(7)[1])
    assert (result.fault, result.joint) == (Fault.TRACKING_ERROR, "joint2")


def test_the_first_target_has_to_be_where_the_arm_is() -> None:
    path, measured = np.tile(HOME, (4, 1)), HOME + 0.03 * np.eye(7)[6]
    case = TargetCase(path, HOME[None], measured, RM75_LIMITS, SPACE, DT)
    assert run_checks(TARGET_CHECKS, case).ok
    result = run_checks(FIRST_TARGET_CHECKS, case)
    assert (result.fault, result.joint) == (Fault.TRACKING_ERROR, "joint7")


def test_a_step_of_ten_degrees_in_one_frame_is_not_sent_however_slow() -> None:
    target = HOME - np.eye(7)[6] * math.radians(10)
    result = of_path(still_path(target), dt=0.3)
    assert (result.fault, result.joint) == (Fault.VELOCITY_LIMIT, "joint7")
    assert "frame" in result.reason
