"""The arm's state machine moves only when all is well, and stops with a name when it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from arm_bench import DT, HOME, SPACE, ArmBench, assert_smooth, positions
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kinevla_ros.codec.chunk import ActionChunk
from kinevla_ros.robot.arm import ArmCore
from kinevla_ros.robot.kinematics import top_down_ik
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.status import SafetyState
from kinevla_ros.robot.stream import JointStream, StreamError, StreamSample
from kinevla_ros.robot.verdict import Fault

Array = NDArray[np.float64]


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
    verdict = bench.send()
    assert not verdict.ok
    assert "disabled" in verdict.reason
    assert bench.run(0.5) == [None] * 25


def test_enabling_holds_the_arm_where_it_is(bench: ArmBench) -> None:
    assert bench.core.enable(bench.now).ok
    assert bench.state is SafetyState.READY
    samples = bench.run(0.2)
    np.testing.assert_array_equal(positions(samples), np.tile(HOME, (10, 1)))
    assert {sample.gripper for sample in samples if sample} == {None}


def test_the_arm_is_not_enabled_without_a_fresh_state() -> None:
    core = ArmCore(RM75_LIMITS, SPACE)
    assert core.enable(0.0).fault is Fault.STALE_STATE
    bench = ArmBench()
    assert bench.core.enable(bench.now + 0.2).fault is Fault.STALE_STATE


def test_the_arm_is_not_enabled_while_it_moves(bench: ArmBench) -> None:
    bench.q = bench.q + 0.1
    bench.core.on_state(ArmState(bench.q, bench.now + 0.01))
    verdict = bench.core.enable(bench.now + 0.02)
    assert "rest" in verdict.reason
    assert bench.core.tick(bench.now + 0.02) is None


def test_the_arm_is_not_enabled_with_errors_or_outside_its_limits(bench: ArmBench) -> None:
    bench.controller_errors = (0x100D,)
    bench.run(0.02)
    assert bench.core.enable(bench.now).fault is Fault.CONTROLLER_ERROR
    outside = ArmBench(np.where(np.arange(7) == 1, RM75_LIMITS.upper + 0.01, HOME))
    verdict = outside.core.enable(outside.now)
    assert (verdict.fault, verdict.joint) == (Fault.POSITION_LIMIT, "joint2")
    assert "by hand" in verdict.reason


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


def test_a_refused_chunk_is_counted_and_lets_the_motion_under_way_run_out(moving: ArmBench) -> None:
    before = positions(moving.sent)[-1]
    verdict = moving.send(speed=-1.05 * RM75_LIMITS.velocity.min())
    assert verdict.fault is Fault.VELOCITY_LIMIT
    moving.run(0.1)
    assert moving.state is SafetyState.MOVING
    assert verdict.reason in moving.reason
    moving.run(1.0)
    assert moving.state is SafetyState.HOLDING
    assert verdict.reason in moving.reason
    assert moving.core.status(moving.now).refused_chunks == 1
    assert 0.05 < positions(moving.sent)[-1][0] - before[0] < 0.25
    assert_smooth(moving.sent)
    assert moving.send().ok


def test_a_malformed_chunk_is_counted(moving: ArmBench) -> None:
    assert (
        moving.core.on_malformed(Fault.INVALID_CHUNK, "joint names are wrong").fault
        is Fault.INVALID_CHUNK
    )
    assert moving.core.status(moving.now).refused_chunks == 1
    assert moving.reason == "joint names are wrong"


def test_a_reordered_chunk_is_refused(moving: ArmBench) -> None:
    assert moving.send(age=0.35).fault is Fault.STALE_CHUNK


def silence(bench: ArmBench) -> None:
    bench.silent = True
    bench.run(0.12)


def block(bench: ArmBench) -> None:
    bench.blocked = True
    bench.send(1.2)
    bench.run(0.4)


def error(bench: ArmBench) -> None:
    bench.controller_errors = (0x1001,)
    bench.run(0.02)


def stop(bench: ArmBench) -> None:
    bench.core.stop(bench.now)


def lose(bench: ArmBench) -> None:
    bench.core.connection_lost("the vendor process died", bench.now)


def jam(bench: ArmBench) -> None:
    """Blocked, while every chunk begins where the arm is."""
    bench.blocked = True
    for _ in range(12):
        bench.send(0.3)
        bench.run(0.2)


FAULTS = [
    (silence, Fault.STALE_STATE),
    (block, Fault.TRACKING_ERROR),
    (jam, Fault.TRACKING_ERROR),
    (error, Fault.CONTROLLER_ERROR),
    (stop, Fault.SOFTWARE_STOP),
    (lose, Fault.CONNECTION_LOST),
]


@pytest.mark.parametrize(("cause", "fault"), FAULTS)
def test_a_fault_is_latched_by_name_and_brings_the_arm_to_rest(
    moving: ArmBench, cause: Callable[[ArmBench], None], fault: Fault
) -> None:
    cause(moving)
    assert moving.state is SafetyState.FAULTED
    assert moving.fault is fault
    assert moving.reason
    after = moving.run(0.5)
    assert after[-1] is None
    assert not moving.send().ok
    assert not moving.core.enable(moving.now).ok
    assert_smooth(moving.sent)
    if fault is not Fault.CONNECTION_LOST:
        last = [sample for sample in moving.sent if sample is not None][-1]
        np.testing.assert_allclose(last.velocity, 0, atol=1e-9)
    moving.core.stop(moving.now)
    assert moving.fault is fault


@pytest.mark.parametrize(("cause", "fault"), FAULTS)
def test_after_a_fault_the_arm_moves_again_only_by_reset_and_enable_and_without_a_lunge(
    moving: ArmBench, cause: Callable[[ArmBench], None], fault: Fault
) -> None:
    cause(moving)
    moving.run(0.5)
    if fault in (Fault.STALE_STATE, Fault.CONTROLLER_ERROR):
        assert moving.core.reset(moving.now).fault is fault
    moving.blocked = moving.silent = False
    moving.controller_errors = ()
    moving.q = moving.q - 0.15  # moved by hand
    assert moving.run(0.3) == [None] * 15
    assert moving.core.reset(moving.now).ok
    assert moving.state is SafetyState.DISABLED
    assert moving.run(0.1) == [None] * 5
    assert moving.core.enable(moving.now).ok
    start = moving.q
    np.testing.assert_array_equal(positions(moving.run(0.1)), np.tile(start, (5, 1)))
    first = len(moving.sent)
    moving._late = [start] * 3
    moving.move()
    assert moving.state is SafetyState.MOVING
    assert_smooth(moving.sent[first:], start)


def test_a_state_older_than_a_tenth_of_a_second_stops_the_arm(moving: ArmBench) -> None:
    moving.silent = True
    moving.run(0.1)
    assert moving.fault is Fault.NONE
    moving.run(0.02)
    assert moving.fault is Fault.STALE_STATE
    assert "0.12 s old" in moving.reason.replace("0.120", "0.12")


def test_an_error_of_the_controller_stops_the_arm_and_is_named(moving: ArmBench) -> None:
    error(moving)
    assert moving.fault is Fault.CONTROLLER_ERROR
    assert "0x1001" in moving.reason


def test_an_arm_that_is_pushed_off_its_path_is_stopped(moving: ArmBench) -> None:
    moving.run(1.0)
    moving.q = moving.q + 0.12 * np.eye(7)[3]
    moving.run(0.02)
    assert moving.fault is Fault.TRACKING_ERROR
    assert moving.core.status(moving.now).joint == "joint4"


def test_over_a_lost_connection_nothing_more_is_sent(moving: ArmBench) -> None:
    lose(moving)
    assert moving.run(0.5) == [None] * 25
    assert moving.fault is Fault.CONNECTION_LOST


def test_a_fault_is_not_reset_while_the_arm_slows_down(moving: ArmBench) -> None:
    moving.core.stop(moving.now)
    moving.run(0.04)
    assert "slowing down" in moving.core.reset(moving.now).reason
    assert moving.state is SafetyState.FAULTED


def test_a_fault_is_not_reset_on_states_from_before_it(bench: ArmBench) -> None:
    bench.core.stop(bench.now)
    assert bench.core.reset(bench.now).fault is Fault.STALE_STATE
    bench.run(0.02)
    assert bench.core.reset(bench.now).ok


def test_a_software_stop_also_keeps_a_disabled_arm_from_being_enabled(bench: ArmBench) -> None:
    bench.core.stop(bench.now)
    assert bench.core.enable(bench.now).fault is Fault.SOFTWARE_STOP


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


def test_a_lost_connection_of_a_disabled_arm_is_no_fault(bench: ArmBench) -> None:
    bench.core.connection_lost("no route to host", bench.now)
    assert bench.state is SafetyState.DISABLED


def test_a_target_that_breaks_a_limit_is_not_sent_and_the_arm_brakes_instead(
    moving: ArmBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = JointStream.step

    def lunge(stream: JointStream, now: float) -> StreamSample:
        monkeypatch.setattr(JointStream, "step", step)
        sample = step(stream, now)
        return replace(sample, position=sample.position + 0.3)

    monkeypatch.setattr(JointStream, "step", lunge)
    after = moving.run(0.5)
    assert moving.fault is Fault.VELOCITY_LIMIT
    assert after[-1] is None
    assert_smooth(moving.sent)


@pytest.mark.parametrize("failures", [1, 2])
def test_a_stream_that_finds_no_motion_is_a_fault_and_nothing_wrong_is_sent(
    moving: ArmBench, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    step, left = JointStream.step, [failures]

    def fail(stream: JointStream, now: float) -> StreamSample:
        if left[0] > 0:
            left[0] -= 1
            raise StreamError("no motion inside the limits is found")
        return step(stream, now)

    monkeypatch.setattr(JointStream, "step", fail)
    after = moving.run(0.5)
    assert moving.fault is Fault.INVALID_TARGET
    assert after[-1] is None
    assert (after[0] is None) is (failures == 2)
    assert_smooth(moving.sent)


@pytest.mark.parametrize("speed", [0.1, 0.3, 1.0, -0.5])
def test_a_blocked_arm_is_noticed_though_each_chunk_begins_where_it_is(
    bench: ArmBench, speed: float
) -> None:
    assert bench.core.enable(bench.now).ok
    bench.move(0.4, speed)
    bench.blocked, blocked_at = True, bench.now
    while bench.state is not SafetyState.FAULTED:
        assert bench.now < blocked_at + 2.5
        bench.send(speed)
        bench.run(0.1)
    assert bench.fault is Fault.TRACKING_ERROR
    assert "blocked" in bench.reason


def test_an_arm_that_trails_or_trembles_or_creeps_is_not_taken_to_be_blocked(
    bench: ArmBench,
) -> None:
    assert bench.core.enable(bench.now).ok
    rng = np.random.default_rng(0)
    for speed in [*rng.uniform(-0.05, 0.05, 20), *rng.uniform(-0.8, 0.8, 20), *[0.01] * 20]:
        assert bench.send(float(speed)).ok
        bench.run(0.2)
    assert bench.fault is Fault.NONE


def test_a_way_into_the_table_that_no_chunk_showed_is_braked_above_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    low = top_down_ik(np.array([0.35, 0.0, 0.05]), 0.0)
    down = top_down_ik(np.array([0.35, 0.0, 0.0]), 0.0) - low
    bench = ArmBench(low)
    assert bench.core.enable(bench.now).ok
    monkeypatch.setattr("kinevla_ros.robot.gated_stream.CHUNK_CHECKS", ())
    chunk = ActionChunk(bench.now, 1, low + np.linspace(0.2, 1, 5)[:, None] * down, np.zeros(5))
    assert bench.core.on_chunk(chunk, bench.now).ok
    samples = bench.run(1.0)
    assert bench.fault is Fault.TABLE_COLLISION
    assert bench.core.status(bench.now).joint == "fingers"
    assert min(SPACE.nearest(q).margin for q in positions(samples)) >= -0.0005
    assert_smooth(samples, low)


def test_an_arm_that_was_stopped_just_above_the_table_may_go_up_again() -> None:
    low = top_down_ik(np.array([0.35, 0.0, 0.0105]), 0.0)
    up = top_down_ik(np.array([0.35, 0.0, 0.06]), 0.0) - low
    bench = ArmBench(low)
    assert bench.core.enable(bench.now).ok
    chunk = ActionChunk(bench.now, 1, low + np.linspace(0.2, 1, 5)[:, None] * up, np.zeros(5))
    assert bench.core.on_chunk(chunk, bench.now).ok
    bench.run(1.0)
    assert bench.fault is Fault.NONE
    np.testing.assert_allclose(bench.q, low + up, atol=1e-3)


def test_an_arm_that_is_too_near_to_the_table_is_not_enabled() -> None:
    bench = ArmBench(top_down_ik(np.array([0.35, 0.0, 0.005]), 0.0))
    verdict = bench.core.enable(bench.now)
    assert verdict.fault is Fault.TABLE_COLLISION
    assert "by hand" in verdict.reason


def test_an_arm_that_is_moved_between_enabling_and_the_first_target_is_not_pulled_back(
    bench: ArmBench,
) -> None:
    assert bench.core.enable(bench.now).ok
    bench.q = bench.q + 0.05
    assert bench.run(0.02) == [None]
    assert bench.fault is Fault.TRACKING_ERROR


def test_a_late_or_doubled_state_does_not_rejuvenate_the_arm(moving: ArmBench) -> None:
    old = ArmState(moving.q, moving.now)
    moving.silent = True
    for _ in range(10):
        moving.core.on_state(old)
        moving.run(DT)
    assert moving.fault is Fault.STALE_STATE


EVENTS: dict[str, Callable[[ArmBench], object]] = {
    "enable": lambda bench: bench.core.enable(bench.now),
    "disable": lambda bench: bench.core.disable(),
    "reset": lambda bench: bench.core.reset(bench.now),
    "stop": stop,
    "lose": lose,
    "error": lambda bench: setattr(bench, "controller_errors", (0x1001,)),
    "repair": lambda bench: setattr(bench, "controller_errors", ()),
    "silence": lambda bench: setattr(bench, "silent", True),
    "speak": lambda bench: setattr(bench, "silent", False),
    "send": lambda bench: bench.send(0.8),
    "send back": lambda bench: bench.send(-0.8),
    "send wild": lambda bench: bench.send(30.0),
    "lead": lambda bench: bench.lead(bench.q + 0.2),
    "lead wild": lambda bench: bench.lead(bench.q - 2.0),
    "slow": lambda bench: bench.core.set_speed(30.0),
    "fast": lambda bench: bench.core.set_speed(100.0),
    "pause": lambda bench: bench.core.pause(True),
    "resume": lambda bench: bench.core.pause(False),
    "block": lambda bench: setattr(bench, "blocked", True),
    "free": lambda bench: setattr(bench, "blocked", False),
    "wait": lambda bench: bench.run(0.5),
}


def motions(bench: ArmBench) -> Iterator[tuple[Array, list[StreamSample | None]]]:
    """Split what was sent where nothing was; each with the position it was sent first at."""
    start = HOME
    motion: list[StreamSample | None] = []
    for q, sample in zip([*bench.measured, HOME], [*bench.sent, None], strict=True):
        if sample is None:
            if motion:
                yield start, motion
            motion = []
        else:
            start = start if motion else q
            motion.append(sample)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.integers(0, 12)), max_size=25))
def test_whatever_happens_in_whatever_order_every_motion_is_smooth_and_no_fault_goes_unreset(
    events: list[tuple[str, int]],
) -> None:
    bench = ArmBench()
    for name, pause in [("enable", 5), *events]:
        before = bench.state
        EVENTS[name](bench)
        if before is SafetyState.FAULTED:
            assert name == "reset" or bench.state is SafetyState.FAULTED
        if before is SafetyState.DISABLED:
            assert name in ("enable", "stop") or bench.state is SafetyState.DISABLED
        bench.run(pause * DT)
    for start, motion in motions(bench):
        assert_smooth(motion, start)
