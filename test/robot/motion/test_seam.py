"""Position, velocity and acceleration are continuous wherever one chunk takes over from another."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.motion.stream import JointStream, StreamSample
from kinevla_ros.sim.controller.plant import READY_POSE

Array = NDArray[np.float64]

HOME = np.array(READY_POSE)


def motion(times: Array) -> Array:
    """A swing of all joints, shape (n, 7), rad."""
    return HOME + 0.4 * np.sin(np.linspace(0.6, 1.4, 7) * times[:, None])


def assert_continuous(samples: list[StreamSample], dt: float) -> None:
    """Each state is what the one before can become within the limits in one period."""
    for before, after in itertools.pairwise(samples):
        jerk = (after.acceleration - before.acceleration) / dt
        assert (abs(jerk) <= RM75_LIMITS.jerk * 1.0001).all()
        change = after.velocity - before.velocity
        assert (abs(change) <= RM75_LIMITS.acceleration * dt * 1.0001).all()
        # Whatever the jerk between, the step is the mean speed's to within jerk dt^3.
        mean = (before.velocity + after.velocity) / 2
        slack = RM75_LIMITS.jerk * dt**3
        assert (abs(after.position - before.position - mean * dt) <= slack).all()


CHUNKS = st.lists(
    st.tuples(
        st.floats(0.0, 0.45),  # lateness at the arm, s
        st.integers(0, 30),  # ticks until the next arrives
        st.floats(-0.1, 0.1),  # how far it disagrees with the one before, rad
        st.sampled_from(["", "missing", "twice", "swapped"]),
    ),
    max_size=20,
)


@settings(deadline=None)
@given(CHUNKS, st.sampled_from([0.02, 0.01, 0.005]))
def test_chunks_late_early_overlapping_reordered_or_missing_make_one_smooth_motion(
    events: list[tuple[float, int, float, str]], dt: float
) -> None:
    stream, samples, now = JointStream(RM75_LIMITS, dt), [], 0.0
    stream.reset(HOME)
    samples.append(stream.step(now))
    kept: ActionChunk | None = None
    for sequence, (late, ticks, error, fate) in enumerate(events):
        stamp = now - late
        targets = motion(stamp + 0.1 * np.arange(1, 6)) + error
        chunk = ActionChunk(stamp, sequence, targets, np.zeros(5))
        if fate == "swapped":
            kept, chunk = chunk, kept or chunk
        for _ in range({"missing": 0, "twice": 2}.get(fate, 1)):
            stream.follow(chunk, now)
        for _ in range(ticks):
            now += dt
            samples.append(stream.step(now))
    for _ in range(round(2.0 / dt)):
        now += dt
        samples.append(stream.step(now))
    assert_continuous(samples, dt)
    assert stream.at_rest


def test_the_motion_does_not_stop_at_the_targets_on_its_way() -> None:
    stream = JointStream(RM75_LIMITS, 0.02)
    stream.reset(HOME)
    times = 0.1 * np.arange(1, 6)
    stream.follow(ActionChunk(0.0, 1, HOME + 0.6 * times[:, None], np.zeros(5)), 0.0)
    speeds = [stream.step(0.02 * tick).velocity[0] for tick in range(25)]
    assert min(speeds[8:22]) > 0.4


@pytest.mark.parametrize("dt", [0.02, 0.01, 0.005])
def test_the_motion_is_the_same_at_every_rate(dt: float) -> None:
    stream = JointStream(RM75_LIMITS, dt)
    stream.reset(HOME)
    stream.follow(ActionChunk(0.0, 1, motion(0.1 * np.arange(1, 6)), np.zeros(5)), 0.0)
    for tick in range(round(0.4 / dt)):
        sample = stream.step(tick * dt)
    np.testing.assert_allclose(sample.position, motion(np.array([0.4]))[0], atol=0.03)
