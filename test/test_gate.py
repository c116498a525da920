"""The gate refuses whatever breaks a limit, and says which, where and by how much."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from kinevla_ros.codec.chunk import JOINT_NAMES, ActionChunk
from kinevla_ros.robot.arm_checks import ArmCase
from kinevla_ros.robot.braking import Brake
from kinevla_ros.robot.chunk_checks import ChunkCase
from kinevla_ros.robot.collision import CollisionModel
from kinevla_ros.robot.following import Following
from kinevla_ros.robot.gate import (
    ARM_CHECKS,
    CHUNK_CHECKS,
    FIRST_TARGET_CHECKS,
    TARGET_CHECKS,
    TELEOP_CHECKS,
    judge,
)
from kinevla_ros.robot.kinematics import top_down_ik
from kinevla_ros.robot.limits import POSITION_MARGIN, RM75_LIMITS
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.target_checks import TargetCase
from kinevla_ros.robot.teleop_checks import JointTarget, TeleopCase
from kinevla_ros.robot.verdict import Fault, Verdict
from kinevla_ros.robot.workspace import DEFAULT_WORKSPACE

Array = NDArray[np.float64]

HOME = np.array([0.0, 0.3, 0.0, 1.5, 0.0, 1.3, 0.0])
NOW = 10.0
JOINTS = st.integers(0, 6)
DT = 0.02
BROKEN_BY_TARGETS = (
    Fault.POSITION_LIMIT,
    Fault.VELOCITY_LIMIT,
    Fault.WORKSPACE_LIMIT,
    Fault.TABLE_COLLISION,
    Fault.SELF_COLLISION,
)
SPACE = CollisionModel(DEFAULT_WORKSPACE)


def of_chunk(
    positions: Array,
    *,
    age: float = 0.1,
    q: Array = HOME,
    gripper: float = 0.03,
    dt: float = 0.1,
) -> Verdict:
    chunk = ActionChunk(NOW - age, 7, positions, np.full(5, gripper), dt)
    return judge(CHUNK_CHECKS, ChunkCase(chunk, ArmState(q, NOW), q, RM75_LIMITS, SPACE, NOW))


def still() -> Array:
    return np.tile(HOME, (5, 1))


def test_a_chunk_that_stays_where_the_arm_is_passes() -> None:
    assert of_chunk(still()).ok


@given(arrays(np.float64, (5, 7), elements=st.floats(-0.3, 0.3)), st.floats(0.0, 0.39))
def test_a_chunk_passes_only_if_every_target_keeps_every_limit(steps: Array, age: float) -> None:
    positions = HOME + np.cumsum(steps, axis=0)
    verdict = of_chunk(positions, age=age)
    inside = (positions >= RM75_LIMITS.target_lower) & (positions <= RM75_LIMITS.target_upper)
    slow = abs(np.diff(positions, axis=0)) <= 0.1 * RM75_LIMITS.velocity
    if not (inside.all() and slow.all()):
        assert not verdict.ok
    if not verdict.ok:
        assert verdict.fault in BROKEN_BY_TARGETS
        assert verdict.margin < 0
        assert verdict.joint in verdict.reason


@given(JOINTS, st.integers(0, 4), st.sampled_from([-1, 1]), st.floats(1e-6, 3.0))
def test_one_target_beyond_its_margin_is_named_with_the_distance(
    joint: int, step: int, side: int, beyond: float
) -> None:
    bound = RM75_LIMITS.target_upper if side > 0 else RM75_LIMITS.target_lower
    positions = still()
    positions[step, joint] = bound[joint] + side * beyond
    verdict = of_chunk(positions)
    assert verdict.fault is Fault.POSITION_LIMIT
    assert verdict.joint == JOINT_NAMES[joint]
    assert verdict.margin == pytest.approx(-beyond)


def test_the_last_permitted_position_is_permitted() -> None:
    edge = RM75_LIMITS.upper - POSITION_MARGIN
    verdict = of_chunk(np.tile(edge, (5, 1)), q=edge)
    assert verdict.fault is not Fault.POSITION_LIMIT


@given(JOINTS, st.integers(1, 4), st.floats(0.01, 1.0))
def test_a_step_faster_than_the_joint_may_go_is_named(joint: int, step: int, excess: float) -> None:
    positions = still()
    positions[step:, joint] -= 0.1 * (RM75_LIMITS.velocity[joint] + excess)
    verdict = of_chunk(positions)
    assert verdict.fault is Fault.VELOCITY_LIMIT
    assert verdict.joint == JOINT_NAMES[joint]
    assert verdict.margin == pytest.approx(-excess)


@given(JOINTS, st.floats(0.65, 1.0))
def test_a_chunk_that_begins_away_from_the_arm_is_refused(joint: int, away: float) -> None:
    q = HOME.copy()
    q[joint] -= away
    verdict = of_chunk(still(), q=q)
    assert verdict.fault is Fault.VELOCITY_LIMIT
    assert verdict.joint == JOINT_NAMES[joint]
    assert "begins" in verdict.reason


def test_an_arm_that_trails_a_fast_motion_may_go_on() -> None:
    times = np.arange(1, 6) * 0.1
    speed = 0.7 * RM75_LIMITS.velocity.min()
    measured = HOME + speed * (0.1 - 0.06)  # where it was 60 ms ago
    assert of_chunk(HOME + speed * times[:, None], q=measured).ok


def test_a_measured_position_that_is_no_number_fails_closed() -> None:
    assert not of_chunk(still(), q=np.full(7, np.nan)).ok


@pytest.mark.parametrize("age", [0.41, 3.0, -0.03])
def test_a_chunk_too_old_or_from_the_future_is_stale(age: float) -> None:
    assert of_chunk(still(), age=age).fault is Fault.STALE_CHUNK


def test_a_chunk_of_another_period_is_invalid() -> None:
    assert of_chunk(still(), dt=0.05).fault is Fault.INVALID_CHUNK


@pytest.mark.parametrize("opening", [-0.02, 0.09])
def test_a_gripper_opening_that_does_not_exist_is_refused(opening: float) -> None:
    verdict = of_chunk(still(), gripper=opening)
    assert verdict.fault is Fault.POSITION_LIMIT
    assert verdict.joint == "gripper"


def over_the_table(height: float) -> Array:
    """Joints with the tool straight down and its point so high, m."""
    return top_down_ik(np.array([0.35, 0.0, height]), 0.0)


def test_a_chunk_into_the_table_is_refused_whole() -> None:
    high, low = over_the_table(0.06), over_the_table(0.002)
    down = high + np.linspace(0, 1, 6)[1:, None] * (low - high)
    verdict = of_chunk(down, q=high)
    assert (verdict.fault, verdict.joint) == (Fault.TABLE_COLLISION, "fingers")
    assert verdict.margin < 0
    assert "table" in verdict.reason


def test_a_grasp_of_a_flat_object_passes() -> None:
    high, grasp = over_the_table(0.06), over_the_table(0.014)
    assert of_chunk(high + np.linspace(0, 1, 6)[1:, None] * (grasp - high), q=high).ok


def test_a_chunk_into_the_arm_itself_is_refused_whole() -> None:
    start = np.array([0.0, -0.4, 0.0, 2.2, 0.0, 1.4, 0.0])
    into = start + np.linspace(0, 1, 6)[1:, None] * (0, 0, 0, 0.12, 0, 0.8, 0)
    verdict = of_chunk(into, q=start)
    assert verdict.fault is Fault.SELF_COLLISION


def test_a_chunk_out_of_the_workspace_is_refused_whole() -> None:
    reach = np.array([1.5, 1.45, 0.0, 0.1, 0.0, 0.0, 0.0])
    verdict = of_chunk(np.tile(reach, (5, 1)), q=reach)
    assert verdict.fault is Fault.WORKSPACE_LIMIT
    assert "right wall" in verdict.reason


def of_path(path: Array, measured: Array | None = None, dt: float = DT) -> Verdict:
    """Judge the last of four targets, shape (4, 7), by everything but the arm's start."""
    way = path[-1:]
    if np.isfinite(path).all():
        speed = (path[-1] - path[-2]) / dt
        way = Brake(RM75_LIMITS).way(path[-1], speed, np.zeros(7))
    measured = path[-2] if measured is None else measured
    case = TargetCase(path, way, measured, RM75_LIMITS, SPACE, dt)
    return judge(TARGET_CHECKS, case)


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
    verdict = of_path(path)
    inside = (path[-1] >= RM75_LIMITS.lower) & (path[-1] <= RM75_LIMITS.upper)
    kept = inside.all() and (shares(path) <= 1 + 1e-6).all() and SPACE.nearest(path[-1]).margin >= 0
    assert not verdict.ok or kept
    if not verdict.ok:
        assert verdict.reason
        assert not verdict.margin > 1e-5


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_target_that_is_no_number_is_not_sent(value: float) -> None:
    target = HOME.copy()
    target[3] = value
    assert of_path(still_path(target)).fault is Fault.INVALID_TARGET


def test_a_target_beyond_the_hard_limit_is_not_sent() -> None:
    target = RM75_LIMITS.upper + np.eye(7)[5] * 0.001
    verdict = of_path(np.tile(target, (4, 1)))
    assert (verdict.fault, verdict.joint) == (Fault.POSITION_LIMIT, "joint6")


def test_a_target_too_far_for_one_tick_is_not_sent() -> None:
    target = HOME + np.eye(7)[0] * 1.05 * RM75_LIMITS.velocity[0] * DT
    verdict = of_path(still_path(target))
    assert (verdict.fault, verdict.joint) == (Fault.VELOCITY_LIMIT, "joint1")


def steps(speeds: Array) -> Array:
    """Four targets of joint 1 with these three speeds in between, rad/s."""
    way = np.append(0.0, np.cumsum(speeds) * DT)
    return HOME + way[:, None] * np.eye(7)[0]


def test_a_target_that_asks_for_too_much_acceleration_is_not_sent() -> None:
    change = 1.05 * RM75_LIMITS.acceleration[0] * DT
    verdict = of_path(steps(np.array([0.0, 0.0, change])))
    assert (verdict.fault, verdict.joint) == (Fault.ACCELERATION_LIMIT, "joint1")
    assert verdict.margin == pytest.approx(-0.05 * RM75_LIMITS.acceleration[0], rel=1e-3)


def test_a_target_that_asks_for_too_much_jerk_is_not_sent() -> None:
    change = 0.6 * RM75_LIMITS.jerk[0] * DT**2
    verdict = of_path(steps(np.array([change, 0.0, change])))
    assert (verdict.fault, verdict.joint) == (Fault.JERK_LIMIT, "joint1")


def test_a_target_from_which_the_arm_cannot_stop_inside_its_limits_is_not_sent() -> None:
    path = np.tile(HOME, (4, 1))
    path[:, 0] = RM75_LIMITS.upper[0] - 0.05 + 1.5 * DT * np.arange(-3, 1)
    verdict = of_path(path)
    assert (verdict.fault, verdict.joint) == (Fault.POSITION_LIMIT, "joint1")
    assert "not come to rest" in verdict.reason


def test_a_target_from_which_the_arm_cannot_stop_above_the_table_is_not_sent() -> None:
    low, lower = over_the_table(0.032), over_the_table(0.016)
    assert SPACE.nearest(lower).margin > 0
    path = lower + np.arange(-3, 1)[:, None] * (lower - low) / 4
    assert of_path(path).fault is Fault.TABLE_COLLISION


def test_the_way_to_rest_is_looked_at_as_it_is_because_joints_stop_at_different_times() -> None:
    q = np.array([0.08, -0.28, 0.61, -0.59, 2.89, -0.29, 4.49])
    speed = np.array([-1.2, -1.2, -2.0, 2.3, 1.4, 1.0, 0.4])
    way = Brake(RM75_LIMITS).way(q, speed, np.zeros(7))
    straight = np.vstack([way[0], way[-1]])
    assert SPACE.obstacle(straight) is None
    path = q + np.arange(-3, 1)[:, None] * speed * DT
    for ways, ok in ((straight, True), (way, False)):
        case = TargetCase(path, ways, q, RM75_LIMITS, SPACE, DT)
        assert judge(TARGET_CHECKS, case).ok is ok


def test_a_target_too_far_from_the_measured_arm_is_not_sent() -> None:
    verdict = of_path(np.tile(HOME, (4, 1)), measured=HOME - 0.4 * np.eye(7)[1])
    assert (verdict.fault, verdict.joint) == (Fault.TRACKING_ERROR, "joint2")


def test_the_first_target_has_to_be_where_the_arm_is() -> None:
    path, measured = np.tile(HOME, (4, 1)), HOME + 0.03 * np.eye(7)[6]
    case = TargetCase(path, HOME[None], measured, RM75_LIMITS, SPACE, DT)
    assert judge(TARGET_CHECKS, case).ok
    verdict = judge(FIRST_TARGET_CHECKS, case)
    assert (verdict.fault, verdict.joint) == (Fault.TRACKING_ERROR, "joint7")


def test_a_step_of_ten_degrees_in_one_frame_is_not_sent_however_slow() -> None:
    target = HOME - np.eye(7)[6] * math.radians(10)
    verdict = of_path(still_path(target), dt=0.3)
    assert (verdict.fault, verdict.joint) == (Fault.VELOCITY_LIMIT, "joint7")
    assert "frame" in verdict.reason


def of_arm(state: ArmState | None, sent: Array = HOME) -> Verdict:
    following = Following()
    following.sent(sent, sent, NOW - 0.02)
    if state is not None:
        following.measured(state)
    return judge(ARM_CHECKS, ArmCase(state, following, NOW))


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
    verdict = of_arm(state)
    assert not verdict.ok
    assert verdict.fault is fault


def test_a_joint_error_names_the_joint_and_the_bits() -> None:
    verdict = of_arm(ArmState(HOME, NOW, joint_errors=(0, 0, 0x4000, 0, 0, 0, 0)))
    assert verdict.joint == "joint3"
    assert "0x4000" in verdict.reason


def of_teleop(positions: Array, age: float = 0.02, gripper: float | None = None) -> Verdict:
    target = JointTarget(NOW - age, positions, gripper)
    return judge(TELEOP_CHECKS, TeleopCase(target, HOME, RM75_LIMITS, SPACE, NOW))


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
    assert judge(TELEOP_CHECKS, case).fault is Fault.TABLE_COLLISION
