"""Whatever goes wrong, the arm rests, the fault has its name, and it moves only when enabled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from arm_bench import DT, SPACE, ArmBench, assert_smooth, positions
from numpy.typing import NDArray

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.kinematics import top_down_ik
from kinevla_ros.robot.motion.stream import JointStream, StreamError, StreamSample
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.status import SafetyState

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


def hold_up(bench: ArmBench) -> None:
    """Nothing ticks for a while."""
    bench.now += 0.12
    bench.run(0.02)


FAULTS = [
    (hold_up, Fault.STREAM_INTERRUPTED),
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
def test_after_a_fault_the_arm_moves_again_only_by_reset_and_enable_and_without_a_jump(
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
    moving.place(start)
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


def test_a_late_or_doubled_state_does_not_rejuvenate_the_arm(moving: ArmBench) -> None:
    old = ArmState(moving.q, moving.now)
    moving.silent = True
    for _ in range(10):
        moving.core.on_state(old)
        moving.run(DT)
    assert moving.fault is Fault.STALE_STATE


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


def test_over_a_lost_connection_nothing_more_is_sent(moving: ArmBench) -> None:
    lose(moving)
    assert moving.run(0.5) == [None] * 25
    assert moving.fault is Fault.CONNECTION_LOST


def test_a_lost_connection_of_a_disabled_arm_is_no_fault(bench: ArmBench) -> None:
    bench.core.connection_lost("no route to host", bench.now)
    assert bench.state is SafetyState.DISABLED


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


def test_a_software_stop_brings_a_moving_arm_to_rest_and_is_latched(moving: ArmBench) -> None:
    moving.core.stop(moving.now)
    assert moving.run(0.5)[-1] is None
    assert moving.fault is Fault.SOFTWARE_STOP
    assert_smooth(moving.sent)


def test_a_software_stop_also_keeps_a_disabled_arm_from_being_enabled(bench: ArmBench) -> None:
    bench.core.stop(bench.now)
    assert bench.core.enable(bench.now).fault is Fault.SOFTWARE_STOP


def test_a_target_that_breaks_a_limit_is_not_sent_and_the_arm_brakes_instead(
    moving: ArmBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = JointStream.step

    def first_step(stream: JointStream, now: float) -> StreamSample:
        monkeypatch.setattr(JointStream, "step", step)
        sample = step(stream, now)
        return replace(sample, position=sample.position + 0.3)

    monkeypatch.setattr(JointStream, "step", first_step)
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


def test_a_way_into_the_table_that_no_chunk_showed_is_braked_above_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    low = top_down_ik(np.array([0.35, 0.0, 0.05]), 0.0)
    down = top_down_ik(np.array([0.35, 0.0, 0.0]), 0.0) - low
    bench = ArmBench(low)
    assert bench.core.enable(bench.now).ok
    monkeypatch.setattr("kinevla_ros.robot.motion.gated_stream.CHUNK_CHECKS", ())
    chunk = ActionChunk(bench.now, 1, low + np.linspace(0.2, 1, 5)[:, None] * down, np.zeros(5))
    assert bench.core.follow(chunk, bench.now).ok
    samples = bench.run(1.0)
    assert bench.fault is Fault.TABLE_COLLISION
    assert bench.core.status(bench.now).joint == "fingers"
    assert min(SPACE.nearest(q).margin for q in positions(samples)) >= -0.0005
    assert_smooth(samples, low)


def test_a_gap_in_time_while_the_arm_rests_is_no_fault(bench: ArmBench) -> None:
    assert bench.core.enable(bench.now).ok
    bench.run(0.1)
    bench.now += 5.0
    bench.run(0.1)
    assert bench.state is SafetyState.READY
