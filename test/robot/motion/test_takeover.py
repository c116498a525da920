"""A person who leads the arm comes before the policy, and goes through the same gate."""

from __future__ import annotations

import numpy as np
import pytest
from arm_bench import DT, HOME, ArmBench, assert_smooth, positions
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.kinematics import top_down_ik
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.motion.state_machine import TAKEOVER
from kinevla_ros.robot.status import SafetyState

Array = NDArray[np.float64]


@pytest.fixture
def moving() -> ArmBench:
    bench = ArmBench()
    assert bench.core.enable(bench.now).ok
    bench.move()
    return bench


def lead_along(bench: ArmBench, way: Array, seconds: float) -> None:
    """A person moves the leader arm evenly by `way` from where the arm is, at 50 Hz."""
    start, ticks = bench.q, round(seconds / DT)
    for tick in range(ticks):
        assert bench.lead(start + way * (tick + 1) / ticks, gripper=0.01).ok
        bench.run(DT)


def test_a_person_takes_over_and_hands_back_without_a_jump(moving: ArmBench) -> None:
    way = np.array([-0.3, 0.2, 0.2, -0.4, -0.1, -0.2, 0.4])
    start = moving.q
    lead_along(moving, way, 1.0)
    assert moving.state is SafetyState.MOVING
    assert moving.core.status(moving.now).takeover
    moving.run(0.15)
    np.testing.assert_allclose(moving.q, start + way, atol=0.01)
    last = moving.sent[-1]
    assert last is not None
    assert last.gripper == 0.01
    moving.run(0.3)
    assert not moving.core.status(moving.now).takeover
    moving.move(0.6)
    assert moving.state is SafetyState.MOVING
    assert_smooth(moving.sent)


def test_while_a_person_leads_no_chunk_is_followed_and_none_counts_as_refused(
    moving: ArmBench,
) -> None:
    at = moving.q
    for _ in range(20):
        moving.lead(at)
        result = moving.send(0.8)
        assert "taken over" in result.reason
        moving.run(DT)
    np.testing.assert_allclose(moving.q, at, atol=1e-3)
    assert moving.core.status(moving.now).refused_chunks == 0


def test_a_chunk_from_before_the_end_of_the_takeover_is_stale(moving: ArmBench) -> None:
    moving.lead(moving.q)
    moving.run(TAKEOVER + 0.05)
    assert moving.send(age=0.1).fault is Fault.STALE_CHUNK
    assert moving.send(age=0.02).ok


def test_a_leader_far_from_the_arm_holds_it_and_is_asked_to_come_nearer(moving: ArmBench) -> None:
    result = moving.lead(moving.q + 0.5)
    assert result.fault is Fault.TRACKING_ERROR
    assert "where the arm is" in result.reason
    assert moving.core.status(moving.now).takeover
    moving.run(0.15)
    at = moving.q
    moving.lead(moving.q + 0.5)
    moving.run(0.1)
    np.testing.assert_allclose(moving.q, at, atol=0.02)
    assert_smooth(moving.sent)


def test_a_leader_that_goes_into_the_table_is_not_followed() -> None:
    low = top_down_ik(np.array([0.35, 0.0, 0.03]), 0.0)
    bench = ArmBench(low)
    assert bench.core.enable(bench.now).ok
    into = top_down_ik(np.array([0.35, 0.0, 0.0]), 0.0)
    assert bench.lead(into).fault is Fault.TABLE_COLLISION
    bench.run(0.2)
    np.testing.assert_allclose(bench.q, low, atol=1e-9)
    assert bench.fault is Fault.NONE


def test_targets_that_are_none_do_not_take_over(moving: ArmBench) -> None:
    assert moving.lead(np.full(7, np.nan)).fault is Fault.INVALID_TARGET
    assert moving.lead(moving.q, age=0.5).fault is Fault.INVALID_TARGET
    assert not moving.core.status(moving.now).takeover
    assert moving.send().ok


def test_a_disabled_arm_is_not_led() -> None:
    bench = ArmBench()
    assert "disabled" in bench.lead(HOME).reason
    assert bench.run(0.1) == [None] * 5


def test_a_person_is_slowed_down_by_the_speed_scaling(moving: ArmBench) -> None:
    moving.run(1.0)
    moving.core.set_speed(10.0)
    moving.run(0.3)
    start = moving.q[0]
    for _ in range(25):
        moving.lead(moving.q + 0.2 * np.eye(7)[0])
        moving.run(DT)
    assert moving.q[0] - start < 0.1 * RM75_LIMITS.velocity[0] * 0.5
    assert moving.q[0] > start


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(
            arrays(np.float64, 7, elements=st.floats(-0.4, 0.4)),
            st.booleans(),
            st.integers(1, 20),
        ),
        max_size=15,
    )
)
def test_whoever_leads_whenever_the_motion_is_smooth(
    events: list[tuple[Array, bool, int]],
) -> None:
    bench = ArmBench()
    bench.core.enable(bench.now)
    for number, (way, person, ticks) in enumerate(events):
        if person:
            bench.lead(bench.q + way)
        else:
            targets = bench.q + np.linspace(0.2, 1, 5)[:, None] * way
            bench.core.follow(
                ActionChunk(bench.now - 0.05, number, targets, np.zeros(5)), bench.now
            )
        bench.run(ticks * DT)
    bench.run(0.5)
    sent = positions(bench.sent)
    assert (sent >= RM75_LIMITS.lower).all() and (sent <= RM75_LIMITS.upper).all()
    assert_smooth(bench.sent)
