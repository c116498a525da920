"""Slower is the same path, and a pause is on it."""

from __future__ import annotations

import numpy as np
import pytest
from arm_bench import DT, HOME, ArmBench, assert_smooth, positions
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.motion.stream import JointStream
from kinevla_ros.robot.status import SafetyState

Array = NDArray[np.float64]


def curve(times: Array) -> Array:
    """A quarter of a circle in joints 1 and 4, 0.5 rad/s, shape (n, 7)."""
    angle = 1.0 * times[:, None]
    return HOME + 0.5 * (np.sin(angle) * np.eye(7)[0] + (1 - np.cos(angle)) * np.eye(7)[3])


def follow(speed: float) -> tuple[Array, Array]:
    """Positions and velocities of one chunk along the curve at a speed."""
    stream = JointStream(RM75_LIMITS, DT)
    stream.speed = speed
    stream.reset(HOME)
    stream.follow(ActionChunk(0.0, 1, curve(0.1 * np.arange(1, 6)), np.zeros(5)), 0.0)
    samples = [stream.step(tick * DT) for tick in range(40)]
    return np.array([s.position for s in samples]), np.array([s.velocity for s in samples])


@pytest.mark.parametrize(("delay", "share"), [(0.05, 1.0), (0.1, 1.0), (0.2, 0.5), (0.3, 1 / 3)])
def test_the_later_a_chunk_comes_the_more_slowly_it_is_followed(delay: float, share: float) -> None:
    stream = JointStream(RM75_LIMITS, DT)
    stream.reset(HOME)
    far = np.tile(HOME + 0.3, (5, 1))
    far[-1] += 0.04
    stream.follow(ActionChunk(0.0, 1, far, np.zeros(5)), delay)
    before = HOME
    for tick in range(30):
        before, now = stream.step(delay + tick * DT).position, before
        assert (before >= now - 1e-9).all()
    assert stream._speed == pytest.approx(share)


@pytest.mark.parametrize("speed", [0.2, 0.5, 0.8])
def test_a_slower_motion_is_on_the_same_path(speed: float) -> None:
    slow, velocities = follow(speed)
    fine = curve(np.linspace(0, 0.5, 500))
    away = [np.linalg.norm(fine - q, axis=1).min() for q in slow]
    assert max(away) < 0.005
    assert abs(velocities).max() < speed * 0.6
    assert slow[-1][0] - HOME[0] == pytest.approx(curve(np.array([speed * 0.5]))[0, 0], abs=0.01)


def test_the_speed_is_kept_by_a_policy_that_sends_on() -> None:
    bench = ArmBench()
    assert bench.core.set_speed(25.0).ok
    assert bench.core.enable(bench.now).ok
    bench.move(2.0, 0.5)
    assert bench.q[0] == pytest.approx(0.25 * 0.5 * 2.0, rel=0.1)
    assert bench.core.status(bench.now).speed == 0.25
    assert_smooth(bench.sent)


@pytest.mark.parametrize("percent", [-1.0, 100.1, float("nan"), float("inf")])
def test_a_speed_that_is_none_is_refused_and_changes_nothing(percent: float) -> None:
    bench = ArmBench()
    bench.core.set_speed(40.0)
    result = bench.core.set_speed(percent)
    assert not result.ok
    assert "0 to 100" in result.reason
    assert bench.core.status(bench.now).speed == 0.4


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.sampled_from([0.0, 5.0, 50.0, 100.0]), st.integers(0, 9))))
def test_the_speed_may_change_at_any_moment_without_a_jump(
    changes: list[tuple[float, int]],
) -> None:
    bench = ArmBench()
    bench.core.enable(bench.now)
    for percent, ticks in changes:
        bench.send(0.8)
        bench.core.set_speed(percent)
        bench.run(ticks * DT)
    bench.run(0.5)
    assert_smooth(bench.sent)


def test_a_pause_brings_the_arm_to_rest_and_the_next_chunk_after_it_goes_on_without_a_jump() -> (
    None
):
    bench = ArmBench()
    bench.core.enable(bench.now)
    bench.move(0.6)
    bench.core.pause(True)
    for _ in range(3):
        bench.send()
        bench.run(0.2)
    assert bench.state is SafetyState.HOLDING
    assert "/arm/pause" in bench.reason
    assert bench.core.status(bench.now).speed == 0
    at_rest = positions(bench.sent)[-5:]
    np.testing.assert_allclose(at_rest, at_rest[:1].repeat(5, axis=0), atol=1e-6)
    bench.run(2.0)
    bench.core.pause(False)
    bench.run(0.5)
    # What was sent before and during the pause is too old by now.
    np.testing.assert_allclose(positions(bench.sent)[-1], at_rest[0], atol=1e-6)
    bench.move()
    assert bench.state is SafetyState.MOVING
    assert_smooth(bench.sent)


def test_a_pause_outlasts_a_fault() -> None:
    bench = ArmBench()
    bench.core.enable(bench.now)
    bench.core.pause(True)
    bench.core.stop(bench.now)
    bench.run(0.5)
    assert bench.core.reset(bench.now).ok
    assert bench.core.enable(bench.now).ok
    bench.send()
    bench.run(0.4)
    np.testing.assert_allclose(bench.q, HOME, atol=1e-9)
