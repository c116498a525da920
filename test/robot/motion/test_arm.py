"""The arm's state machine: it moves only when enabled, and begins and ends smoothly."""

from __future__ import annotations

import numpy as np
import pytest
from arm_bench import HOME, SPACE, ArmBench, assert_smooth, positions

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.kinematics import top_down_ik
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.motion.state_machine import ArmStateMachine
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.status import SafetyState


@pytest.fixture
def bench() -> ArmBench:
    return ArmBench()


@pytest.fixture
def moving(bench: ArmBench) -> ArmBench:
    assert bench.core.enable(bench.now).ok
    bench.move()
    assert bench.state is SafetyState.MOVING
    return bench


def test_nothing_is_sent_and_no_chunk_is_taken_until_the_arm_is_enabled(bench: ArmBench) -> None:
    assert bench.state is SafetyState.DISABLED
    result = bench.send()
    assert not result.ok
    assert "disabled" in result.reason
    assert bench.run(0.5) == [None] * 25


def test_enabling_holds_the_arm_where_it_is(bench: ArmBench) -> None:
    assert bench.core.enable(bench.now).ok
    assert bench.state is SafetyState.READY
    samples = bench.run(0.2)
    np.testing.assert_array_equal(positions(samples), np.tile(HOME, (10, 1)))
    assert {sample.gripper for sample in samples if sample} == {None}


def test_the_arm_is_not_enabled_without_a_fresh_state() -> None:
    core = ArmStateMachine(RM75_LIMITS, SPACE)
    assert core.enable(0.0).fault is Fault.STALE_STATE
    bench = ArmBench()
    assert bench.core.enable(bench.now + 0.2).fault is Fault.STALE_STATE


def test_the_arm_is_not_enabled_while_it_moves(bench: ArmBench) -> None:
    bench.q = bench.q + 0.1
    bench.core.on_state(ArmState(bench.q, bench.now + 0.01))
    result = bench.core.enable(bench.now + 0.02)
    assert "rest" in result.reason
    assert bench.core.tick(bench.now + 0.02) is None


def test_the_arm_is_not_enabled_with_errors_or_outside_its_limits(bench: ArmBench) -> None:
    bench.controller_errors = (0x100D,)
    bench.run(0.02)
    assert bench.core.enable(bench.now).fault is Fault.CONTROLLER_ERROR
    outside = ArmBench(np.where(np.arange(7) == 1, RM75_LIMITS.upper + 0.01, HOME))
    result = outside.core.enable(outside.now)
    assert (result.fault, result.joint) == (Fault.POSITION_LIMIT, "joint2")
    assert "by hand" in result.reason


def test_chunks_move_the_arm_smoothly(moving: ArmBench) -> None:
    moving.move(1.0)
    assert moving.q[0] > 0.3
    assert_smooth(moving.sent)
    last = moving.sent[-1]
    assert last is not None
    assert last.gripper == 0.02


def test_when_chunks_stop_the_arm_rests_and_holds_and_goes_on_with_the_next(
    moving: ArmBench,
) -> None:
    samples = moving.run(1.5)
    assert moving.state is SafetyState.HOLDING
    assert moving.fault is Fault.NONE
    assert "last chunk came 1.70 s ago" in moving.reason
    np.testing.assert_allclose(positions(samples)[-10:], positions(samples)[-1:].repeat(10, 0))
    moving.move()
    assert moving.state is SafetyState.MOVING
    assert_smooth(moving.sent)


def test_a_chunk_a_little_too_fast_is_followed_at_the_arms_own_speed(moving: ArmBench) -> None:
    assert moving.send(speed=-1.05 * RM75_LIMITS.velocity.min()).ok
    moving.run(0.2)
    assert not moving.fault
    assert_smooth(moving.sent)


def test_a_refused_chunk_is_counted_and_lets_the_motion_under_way_run_out(moving: ArmBench) -> None:
    before = positions(moving.sent)[-1]
    result = moving.send(speed=-1.15 * RM75_LIMITS.velocity.min())
    assert result.fault is Fault.VELOCITY_LIMIT
    moving.run(0.1)
    assert moving.state is SafetyState.MOVING
    assert result.reason in moving.reason
    moving.run(1.0)
    assert moving.state is SafetyState.HOLDING
    assert result.reason in moving.reason
    assert moving.core.status(moving.now).refused_chunks == 1
    assert 0.05 < positions(moving.sent)[-1][0] - before[0] < 0.25
    assert_smooth(moving.sent)
    assert moving.send().ok


def test_a_malformed_chunk_is_counted(moving: ArmBench) -> None:
    assert (
        moving.core.refuse(Fault.INVALID_CHUNK, "joint names are wrong").fault
        is Fault.INVALID_CHUNK
    )
    assert moving.core.status(moving.now).refused_chunks == 1
    assert moving.reason == "joint names are wrong"


def test_a_reordered_chunk_is_refused(moving: ArmBench) -> None:
    assert moving.send(age=0.35).fault is Fault.STALE_CHUNK


def test_disabling_brings_the_arm_to_rest_before_nothing_is_sent(moving: ArmBench) -> None:
    moving.core.disable()
    assert moving.state is SafetyState.HOLDING
    assert not moving.send().ok
    assert "rest" in moving.core.enable(moving.now).reason
    samples = moving.run(0.5)
    assert samples[0] is not None
    assert samples[-1] is None
    assert moving.state is SafetyState.DISABLED
    assert_smooth(moving.sent)


def test_an_arm_that_was_stopped_just_above_the_table_may_go_up_again() -> None:
    low = top_down_ik(np.array([0.35, 0.0, 0.0105]), 0.0)
    up = top_down_ik(np.array([0.35, 0.0, 0.06]), 0.0) - low
    bench = ArmBench(low)
    assert bench.core.enable(bench.now).ok
    chunk = ActionChunk(bench.now, 1, low + np.linspace(0.2, 1, 5)[:, None] * up, np.zeros(5))
    assert bench.core.follow(chunk, bench.now).ok
    bench.run(1.0)
    assert bench.fault is Fault.NONE
    np.testing.assert_allclose(bench.q, low + up, atol=1e-3)


def test_an_arm_that_is_too_near_to_the_table_is_not_enabled() -> None:
    bench = ArmBench(top_down_ik(np.array([0.35, 0.0, 0.005]), 0.0))
    result = bench.core.enable(bench.now)
    assert result.fault is Fault.TABLE_COLLISION
    assert "by hand" in result.reason


def test_an_arm_that_is_moved_between_enabling_and_the_first_target_is_not_pulled_back(
    bench: ArmBench,
) -> None:
    assert bench.core.enable(bench.now).ok
    bench.q = bench.q + 0.05
    assert bench.run(0.02) == [None]
    assert bench.fault is Fault.TRACKING_ERROR


def test_an_arm_that_is_guided_by_hand_is_not_enabled_and_says_so(bench: ArmBench) -> None:
    bench.core.on_state(ArmState(bench.q, bench.now + 0.01, dragged=True))
    assert "guided by hand until /arm/drag" in bench.core.status(bench.now + 0.01).reason
    assert "guided by hand" in bench.core.enable(bench.now + 0.02).reason


def test_a_hand_that_takes_the_moving_arm_is_a_fault(moving: ArmBench) -> None:
    moving.core.on_state(ArmState(moving.q, moving.now + 0.01, dragged=True))
    moving.core.tick(moving.now + 0.02)
    assert moving.fault is Fault.CONTROLLER_ERROR
    assert "guided by hand" in moving.reason
