"""The stream follows chunks smoothly, inside every limit, and stops by itself when they end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import ArrayLike, NDArray

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.robot.limits import POSITION_MARGIN, RM75_LIMITS
from kinevla_ros.robot.motion.stream import JointStream, StreamSample
from kinevla_ros.sim.controller.plant import READY_POSE

Array = NDArray[np.float64]

DT = 0.02
HOME = np.array(READY_POSE)


def started(q: Array = HOME) -> JointStream:
    stream = JointStream(RM75_LIMITS, DT)
    stream.reset(q)
    return stream


def chunk(
    positions: Array, stamp: float = 0.0, sequence: int = 1, gripper: Array | None = None
) -> ActionChunk:
    return ActionChunk(stamp, sequence, positions, np.zeros(5) if gripper is None else gripper)


def constant(offset: float, stamp: float = 0.0, sequence: int = 1) -> ActionChunk:
    return chunk(np.tile(HOME + offset, (5, 1)), stamp, sequence)


def ramp(speed: float, stamp: float = 0.0, sequence: int = 1) -> ActionChunk:
    times = stamp + 0.1 * np.arange(1, 6)
    return chunk(HOME + speed * times[:, None], stamp, sequence)


def ticks(start: float, seconds: float) -> Iterator[float]:
    return (start + DT * tick for tick in range(round(seconds / DT)))


def run(stream: JointStream, start: float, seconds: float) -> list[StreamSample]:
    return [stream.step(now) for now in ticks(start, seconds)]


def assert_inside_limits(start: Array, positions: list[Array]) -> None:
    """Check every tick by differences of the positions alone, as the arm would see them."""
    path = np.array([start] * 3 + positions)
    velocity = np.diff(path, axis=0) / DT
    acceleration = np.diff(velocity, axis=0) / DT
    jerk = np.diff(acceleration, axis=0) / DT
    assert (path >= RM75_LIMITS.lower).all()
    assert (path <= RM75_LIMITS.upper).all()
    assert (abs(velocity) <= RM75_LIMITS.velocity * (1 + 1e-6)).all()
    assert (abs(acceleration) <= RM75_LIMITS.acceleration * (1 + 1e-5)).all()
    assert (abs(jerk) <= RM75_LIMITS.jerk * (1 + 1e-3)).all()


@st.composite
def adversarial_arrivals(draw: st.DrawFn) -> list[tuple[float, float, Array]]:
    """Chunks that jump anywhere, on and beyond the limits, old or new, at any rhythm."""
    wild = arrays(np.float64, (5, 7), elements=st.floats(-8, 8))
    edge = arrays(np.bool_, (5, 7)).map(
        lambda up: np.where(up, RM75_LIMITS.target_upper, RM75_LIMITS.target_lower)
    )
    near = arrays(np.float64, (5, 7), elements=st.floats(-0.2, 0.2)).map(
        lambda steps: HOME + np.cumsum(steps, axis=0)
    )
    arrival = st.tuples(
        st.sampled_from([0.02, 0.06, 0.1, 0.3, 0.6]),
        st.sampled_from([0.0, 0.05, 0.13, 0.38]),
        st.one_of(wild, edge, near),
    )
    return draw(st.lists(arrival, min_size=1, max_size=6))


@settings(max_examples=60, deadline=None)
@given(adversarial_arrivals(), st.integers(0, 100))
def test_no_limit_is_broken_at_any_tick_whatever_the_chunks_say(
    arrivals: list[tuple[float, float, Array]], halt_tick: int
) -> None:
    stream, start = started(), 1.0
    sent: list[Array] = []
    for sequence, (pause, age, positions) in enumerate(arrivals):
        stream.follow(chunk(positions, start - age, sequence), start)
        for now in ticks(start, pause):
            if len(sent) == halt_tick:
                stream.halt()
            sent.append(stream.step(now).position)
        start += pause
    sent += [sample.position for sample in run(stream, start, 8.0)]
    assert_inside_limits(HOME, sent)
    np.testing.assert_allclose(sent[-1], sent[-2], atol=1e-12)


@pytest.mark.parametrize("limit", ["lower", "upper"])
def test_an_arm_parked_on_its_limit_can_move_away(limit: str) -> None:
    start = np.array(getattr(RM75_LIMITS, limit))
    stream = started(start)
    stream.follow(chunk(np.tile(HOME, (5, 1))), 0.0)
    sent = [sample.position for sample in run(stream, 0.0, 6.0)]
    assert_inside_limits(start, sent)
    np.testing.assert_allclose(sent[-1], HOME, atol=1e-6)


def test_targets_beyond_the_limits_are_approached_no_closer_than_the_margin() -> None:
    stream = started()
    stream.follow(chunk(np.tile(RM75_LIMITS.upper + 1, (5, 1))), 0.0)
    final = run(stream, 0.0, 6.0)[-1].position
    np.testing.assert_allclose(final, RM75_LIMITS.upper - POSITION_MARGIN, atol=1e-6)


def test_a_smooth_motion_is_followed_closely_and_without_stops() -> None:
    duration, distance = 3.75, 1.0

    def motion(times: ArrayLike) -> Array:
        u = np.clip((np.asarray(times) - 0.5) / duration, 0, 1)[..., None]
        direction = np.array([1, -0.5, 0.3, 0.5, -1, -1, 0.2])
        return np.array(HOME + distance * direction * (10 * u**3 - 15 * u**4 + 6 * u**5))

    stream, sent = started(), []
    for tick in range(240):
        now = tick * DT
        if tick % 20 == 5:  # every 0.4 s, 0.1 s after the stamp
            stamp = now - 0.1
            positions = motion(stamp + 0.1 * np.arange(1, 6))
            assert stream.follow(chunk(positions, stamp, tick), now) is None
        sent.append(stream.step(now))
    times = DT * np.arange(1, 241)
    positions = np.array([sample.position for sample in sent])
    speed = np.array([sample.velocity[0] for sample in sent])
    assert abs(positions - motion(times)).max() < 0.03
    assert speed.max() == pytest.approx(0.5, abs=0.03)
    assert speed[(times > 1.6) & (times < 3.1)].min() > 0.3


@pytest.mark.parametrize("speed", [0.1, 0.5, -0.9])
def test_when_no_chunk_follows_the_arm_rests_at_the_last_target(speed: float) -> None:
    stream = started()
    stream.follow(ramp(speed), 0.0)
    sent = run(stream, 0.0, 2.0)
    last = HOME + speed * 0.5
    overrun = max((sample.position - last).max() * np.sign(speed) for sample in sent)
    assert overrun <= 1e-6
    np.testing.assert_allclose(sent[-1].position, last, atol=1e-9)
    np.testing.assert_allclose(sent[-1].velocity, 0, atol=1e-9)
    assert stream.at_rest


def test_the_stream_is_starved_from_the_last_target_on() -> None:
    stream = started()
    stream.follow(constant(0.0), 0.0)
    starved = [sample.starved for sample in run(stream, 0.0, 0.6)]
    assert starved == [False] * 24 + [True] * 6


def test_a_newer_chunk_replaces_what_lies_ahead() -> None:
    stream = started()
    stream.follow(ramp(0.5), 0.0)
    run(stream, 0.0, 0.2)
    stream.follow(ramp(-0.2, stamp=0.15, sequence=2), 0.2)
    sent = run(stream, 0.2, 2.0)
    np.testing.assert_allclose(sent[-1].position, HOME - 0.2 * 0.65, atol=1e-9)
    assert max(sample.position[0] for sample in sent) < 0.2


def test_an_older_chunk_is_ignored_with_a_reason() -> None:
    stream = started()
    assert stream.follow(constant(0.1, stamp=0.2, sequence=5), 0.2) is None
    assert "older than chunk 5" in str(stream.follow(constant(0.2, stamp=0.1, sequence=6), 0.2))
    assert "older than chunk 5" in str(stream.follow(constant(0.2, stamp=0.2, sequence=5), 0.2))
    assert "out of order" in str(stream.follow(constant(0.2, stamp=0.3, sequence=4), 0.3))
    assert run(stream, 0.3, 2.0)[-1].position[0] == pytest.approx(0.1)


def test_a_restarted_policy_may_count_from_one_after_its_last_chunk_has_ended() -> None:
    stream = started()
    stream.follow(constant(0.1, stamp=0.0, sequence=500), 0.0)
    run(stream, 0.0, 1.0)
    assert stream.follow(constant(0.2, stamp=1.0, sequence=0), 1.0) is None


def test_a_chunk_whose_targets_are_all_past_is_ignored_with_a_reason() -> None:
    assert "too late" in str(started().follow(constant(0.1, stamp=0.0), 0.49))


def test_late_ticks_break_no_limit() -> None:
    stream, sent = started(), []
    stream.follow(ramp(0.9), 0.0)
    for now in (0.0, 0.02, 0.3, 0.32, 0.34, 0.9, 0.92, *ticks(0.94, 1.0)):
        sent.append(stream.step(now).position)
    assert_inside_limits(HOME, sent)


def test_a_halt_ends_in_rest_and_takes_no_more_chunks() -> None:
    stream = started()
    stream.follow(ramp(0.9), 0.0)
    run(stream, 0.0, 0.4)
    stream.halt()
    assert stream.follow(ramp(0.9, stamp=0.35, sequence=2), 0.4) == "the motion is halted"
    sent = run(stream, 0.4, 0.3)
    assert sent[0].starved
    assert stream.at_rest
    assert sent[-1].position[0] < sent[0].position[0] + 0.12
    stream.reset(HOME)
    assert stream.follow(ramp(0.9, stamp=0.35, sequence=2), 0.4) is None


def test_the_gripper_takes_the_value_of_the_last_target_due_and_keeps_it() -> None:
    stream = started()
    assert stream.step(0.0).gripper is None
    opening = np.array([0.07, 0.07, 0.0, 0.01, 0.02])
    stream.follow(chunk(np.tile(HOME, (5, 1)), gripper=opening), 0.02)
    due = {round(now + DT, 2): stream.step(now).gripper for now in ticks(0.02, 0.7)}
    assert [due[t] for t in (0.04, 0.08, 0.1, 0.28, 0.3, 0.38, 0.4, 0.5, 0.7)] == [
        None, None, 0.07, 0.07, 0.0, 0.0, 0.01, 0.02, 0.02,
    ]  # fmt: skip


def test_a_gripper_that_is_slow_to_answer_is_sent_its_target_early() -> None:
    stream = JointStream(RM75_LIMITS, DT, gripper_lead=0.1)
    stream.reset(HOME)
    stream.follow(chunk(np.tile(HOME, (5, 1)), gripper=np.array([0.07, 0.0, 0.0, 0.0, 0.0])), 0.0)
    given = {round(now + DT, 2): stream.step(now).gripper for now in ticks(0.0, 0.3)}
    assert [given[t] for t in (0.02, 0.08, 0.1, 0.2)] == [0.07, 0.07, 0.0, 0.0]


def test_the_stream_does_not_start_outside_the_limits_or_nowhere() -> None:
    with pytest.raises(ValueError, match="not inside their limits"):
        started(RM75_LIMITS.upper + 0.001)
    with pytest.raises(ValueError, match="not inside their limits"):
        started(np.full(7, np.nan))
    with pytest.raises(RuntimeError, match="reset"):
        JointStream(RM75_LIMITS).step(0.0)
