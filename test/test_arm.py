"""The arm's state machine moves only when all is well, and stops with a name when it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kinevla_ros.codec.chunk import ActionChunk
from kinevla_ros.robot.arm import ArmCore
from kinevla_ros.robot.collision import CollisionModel
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.status import SafetyState
from kinevla_ros.robot.stream import JointStream, StreamError, StreamSample
from kinevla_ros.robot.verdict import Fault, Verdict
from kinevla_ros.robot.workspace import DEFAULT_WORKSPACE

Array = NDArray[np.float64]

DT = 0.02
SPACE = CollisionModel(DEFAULT_WORKSPACE)
HOME = np.array([0.0, 0.3, 0.0, 1.5, 0.0, 1.3, 0.0])


class Bench:
    """An arm core with an arm that is where it was sent, three ticks late.

    Attributes:
        blocked, silent: the arm does not move; the arm sends no states.
        controller_errors: what the arm's states report.
        sent, measured: what was sent and where the arm was, by tick.
    """

    def __init__(self, q: Array = HOME) -> None:
        self.core = ArmCore(RM75_LIMITS, SPACE, DT)
        self.now = 100.0
        self.q = q
        self.blocked = self.silent = False
        self.controller_errors: tuple[int, ...] = ()
        self.sequence = 0
        self.sent: list[StreamSample | None] = []
        self.measured: list[Array] = []
        self._late = [q] * 3
        self.run(0.2)

    def run(self, seconds: float) -> list[StreamSample | None]:
        first = len(self.sent)
        for _ in range(round(seconds / DT)):
            self.now += DT
            if not self.silent:
                state = ArmState(self.q, self.now, controller_errors=self.controller_errors)
                self.core.on_state(state, self.now)
            sample = self.core.tick(self.now)
            self.sent.append(sample)
            self.measured.append(self.q)
            self._late.append(self._late[-1] if sample is None else sample.position)
            if not self.blocked:
                self.q = self._late[-4]
        return self.sent[first:]

    def send(self, speed: float = 0.5, age: float = 0.08) -> Verdict:
        """Send a chunk that goes on at this speed from where the arm is."""
        self.sequence += 1
        times = 0.1 * np.arange(1, 6) - age
        chunk = ActionChunk(
            self.now - age, self.sequence, self.q + speed * times[:, None], np.full(5, 0.02)
        )
        return self.core.on_chunk(chunk, self.now)

    def move(self, seconds: float = 0.4, speed: float = 0.5) -> None:
        for _ in range(round(seconds / 0.2)):
            assert self.send(speed).ok
            self.run(0.2)

    @property
    def state(self) -> SafetyState:
        return self.core.status(self.now).state

    @property
    def fault(self) -> Fault:
        return self.core.status(self.now).fault

    @property
    def reason(self) -> str:
        return self.core.status(self.now).reason


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def moving(bench: Bench) -> Bench:
    assert bench.core.enable(bench.now).ok
    bench.move()
    assert bench.state is SafetyState.MOVING
    return bench


def positions(samples: list[StreamSample | None]) -> Array:
    return np.array([sample.position for sample in samples if sample is not None])


def assert_smooth(samples: list[StreamSample | None], start: Array = HOME) -> None:
    """Check speed, acceleration and jerk by differences of what was sent."""
    path = np.concatenate([[start] * 3, positions(samples)])
    for order, limit in enumerate(
        (RM75_LIMITS.velocity, RM75_LIMITS.acceleration, RM75_LIMITS.jerk), start=1
    ):
        assert (abs(np.diff(path, order, axis=0)) / DT**order <= limit * 1.001).all()


def test_nothing_is_sent_and_no_chunk_is_taken_until_the_arm_is_enabled(bench: Bench) -> None:
    assert bench.state is SafetyState.DISABLED
    verdict = bench.send()
    assert not verdict.ok
    assert "disabled" in verdict.reason
    assert bench.run(0.5) == [None] * 25


def test_enabling_holds_the_arm_where_it_is(bench: Bench) -> None:
    assert bench.core.enable(bench.now).ok
    assert bench.state is SafetyState.READY
    samples = bench.run(0.2)
    np.testing.assert_array_equal(positions(samples), np.tile(HOME, (10, 1)))
    assert {sample.gripper for sample in samples if sample} == {None}


def test_the_arm_is_not_enabled_without_a_fresh_state() -> None:
    core = ArmCore(RM75_LIMITS, SPACE)
    assert core.enable(0.0).fault is Fault.STALE_STATE
    bench = Bench()
    assert bench.core.enable(bench.now + 0.2).fault is Fault.STALE_STATE


def test_the_arm_is_not_enabled_while_it_moves(bench: Bench) -> None:
    bench.q = bench.q + 0.1
    bench.core.on_state(ArmState(bench.q, bench.now + 0.01), bench.now + 0.01)
    verdict = bench.core.enable(bench.now + 0.02)
    assert "rest" in verdict.reason
    assert bench.core.tick(bench.now + 0.02) is None


def test_the_arm_is_not_enabled_with_errors_or_outside_its_limits(bench: Bench) -> None:
    bench.controller_errors = (0x100D,)
    bench.run(0.02)
    assert bench.core.enable(bench.now).fault is Fault.CONTROLLER_ERROR
    outside = Bench(np.where(np.arange(7) == 1, RM75_LIMITS.upper + 0.01, HOME))
    verdict = outside.core.enable(outside.now)
    assert (verdict.fault, verdict.joint) == (Fault.POSITION_LIMIT, "joint2")
    assert "by hand" in verdict.reason


def test_chunks_move_the_arm_smoothly(moving: Bench) -> None:
    moving.move(1.0)
    assert moving.q[0] > 0.3
    assert_smooth(moving.sent)
    last = moving.sent[-1]
    assert last is not None
    assert last.gripper == 0.02


def test_when_chunks_stop_the_arm_rests_and_holds_and_goes_on_with_the_next(moving: Bench) -> None:
    samples = moving.run(1.5)
    assert moving.state is SafetyState.HOLDING
    assert moving.fault is Fault.NONE
    assert "last chunk came 1.70 s ago" in moving.reason
    np.testing.assert_allclose(positions(samples)[-10:], positions(samples)[-1:].repeat(10, 0))
    moving.move()
    assert moving.state is SafetyState.MOVING
    assert_smooth(moving.sent)


def test_a_refused_chunk_is_counted_and_lets_the_motion_under_way_run_out(moving: Bench) -> None:
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


def test_a_malformed_chunk_is_counted(moving: Bench) -> None:
    assert (
        moving.core.on_malformed(Fault.INVALID_CHUNK, "joint names are wrong").fault
        is Fault.INVALID_CHUNK
    )
    assert moving.core.status(moving.now).refused_chunks == 1
    assert moving.reason == "joint names are wrong"


def test_a_reordered_chunk_is_refused(moving: Bench) -> None:
    assert moving.send(age=0.35).fault is Fault.STALE_CHUNK


def silence(bench: Bench) -> None:
    bench.silent = True
    bench.run(0.12)


def block(bench: Bench) -> None:
    bench.blocked = True
    bench.send(1.2)
    bench.run(0.4)


def error(bench: Bench) -> None:
    bench.controller_errors = (0x1001,)
    bench.run(0.02)


def stop(bench: Bench) -> None:
    bench.core.stop(bench.now)


def lose(bench: Bench) -> None:
    bench.core.connection_lost("the vendor process died", bench.now)


FAULTS = [
    (silence, Fault.STALE_STATE),
    (block, Fault.TRACKING_ERROR),
    (error, Fault.CONTROLLER_ERROR),
    (stop, Fault.SOFTWARE_STOP),
    (lose, Fault.CONNECTION_LOST),
]


@pytest.mark.parametrize(("cause", "fault"), FAULTS)
def test_a_fault_is_latched_by_name_and_brings_the_arm_to_rest(
    moving: Bench, cause: Callable[[Bench], None], fault: Fault
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
    moving: Bench, cause: Callable[[Bench], None], fault: Fault
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


def test_a_fault_is_not_reset_while_the_arm_slows_down(moving: Bench) -> None:
    moving.core.stop(moving.now)
    moving.run(0.04)
    assert "slowing down" in moving.core.reset(moving.now).reason
    assert moving.state is SafetyState.FAULTED


def test_a_fault_is_not_reset_on_states_from_before_it(bench: Bench) -> None:
    bench.core.stop(bench.now)
    assert bench.core.reset(bench.now).fault is Fault.STALE_STATE
    bench.run(0.02)
    assert bench.core.reset(bench.now).ok


def test_a_software_stop_also_keeps_a_disabled_arm_from_being_enabled(bench: Bench) -> None:
    bench.core.stop(bench.now)
    assert bench.core.enable(bench.now).fault is Fault.SOFTWARE_STOP


def test_disabling_brings_the_arm_to_rest_before_nothing_is_sent(moving: Bench) -> None:
    moving.core.disable()
    assert moving.state is SafetyState.HOLDING
    assert not moving.send().ok
    assert "rest" in moving.core.enable(moving.now).reason
    samples = moving.run(0.5)
    assert samples[0] is not None
    assert samples[-1] is None
    assert moving.state is SafetyState.DISABLED
    assert_smooth(moving.sent)


def test_a_lost_connection_of_a_disabled_arm_is_no_fault(bench: Bench) -> None:
    bench.core.connection_lost("no route to host", bench.now)
    assert bench.state is SafetyState.DISABLED


def test_a_target_that_breaks_a_limit_is_not_sent_and_the_arm_brakes_instead(
    moving: Bench, monkeypatch: pytest.MonkeyPatch
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
    moving: Bench, monkeypatch: pytest.MonkeyPatch, failures: int
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


def test_a_late_or_doubled_state_does_not_rejuvenate_the_arm(moving: Bench) -> None:
    old = ArmState(moving.q, moving.now)
    moving.silent = True
    for _ in range(10):
        moving.core.on_state(old, moving.now)
        moving.run(DT)
    assert moving.fault is Fault.STALE_STATE


EVENTS: dict[str, Callable[[Bench], object]] = {
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
    "wait": lambda bench: bench.run(0.5),
}


def motions(bench: Bench) -> Iterator[tuple[Array, list[StreamSample | None]]]:
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
    bench = Bench()
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
