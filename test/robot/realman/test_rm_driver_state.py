from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinevla_ros.robot.realman.rm_driver_state import (
    DRIVER_RAD_PER_DEG,
    JointStateJudge,
    true_angles,
)

DEGREES = np.array([10.0, 20, 30, 40, 50, 60, 178])


def published(degrees: np.ndarray) -> list[float]:
    return (degrees * DRIVER_RAD_PER_DEG).tolist()


@pytest.fixture
def judge() -> JointStateJudge:
    """Of an arm at rest at `DEGREES`, asked at 1.0 s."""
    judge = JointStateJudge()
    judge.on_joint_state(published(DEGREES), 1.0)
    assert judge.must_ask(1.0)
    judge.on_answer(published(DEGREES), 1.002)
    return judge


def test_the_constant_of_the_driver_is_put_right() -> None:
    assert np.degrees(true_angles(published(DEGREES))) == pytest.approx(DEGREES, abs=1e-9)


def test_nothing_is_believed_before_the_controller_has_said_where_the_arm_is() -> None:
    judge = JointStateJudge()
    judge.on_joint_state([0.0] * 7, 1.0)
    judge.on_joint_state(published(DEGREES), 1.005)
    assert judge.q is None


def test_an_arm_at_rest_is_known_by_asking(judge: JointStateJudge) -> None:
    assert judge.stamp == 1.0
    for step in range(1, 40):
        now = 1.0 + 0.01 * step
        judge.on_joint_state(published(DEGREES), now)
        if judge.must_ask(now):
            judge.on_answer(published(DEGREES), now + 0.002)
        assert now - judge.stamp <= 0.06


def test_a_moving_arm_is_known_without_asking(judge: JointStateJudge) -> None:
    for step in range(1, 20):
        now = 1.0 + 0.01 * step
        judge.on_joint_state(published(DEGREES + 0.5 * step), now)
        assert judge.stamp == now
        assert not judge.must_ask(now)


def test_a_repeated_state_of_an_arm_that_has_moved_on_is_stale(judge: JointStateJudge) -> None:
    for step in range(1, 40):
        now = 1.0 + 0.01 * step
        judge.on_joint_state(published(DEGREES), now)
        if judge.must_ask(now):
            judge.on_answer(published(DEGREES + 2.0), now + 0.002)
    assert judge.stamp == 1.0
    assert judge.heard > 1.3


@given(st.lists(st.floats(width=32), max_size=9), st.lists(st.floats(width=32), max_size=9))
def test_no_numbers_break_it_and_none_but_finite_ones_are_believed(
    pushed: list[float], answered: list[float]
) -> None:
    judge = JointStateJudge()
    judge.on_joint_state(pushed, 1.0)
    judge.must_ask(1.0)
    judge.on_answer(answered, 1.1)
    judge.on_joint_state(pushed, 1.2)
    assert judge.q is None or np.isfinite(judge.q).all()
