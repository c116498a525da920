from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinevla_ros.robot.realman.sample import ARRIVAL_SPREAD, SampleFilter

SPEED = 3.0
HOME = [0.1] * 7


@pytest.fixture
def sound() -> SampleFilter:
    return SampleFilter([SPEED] * 7)


def test_a_sample_near_the_last_is_accepted(sound: SampleFilter) -> None:
    assert sound.accepts(0, HOME, 1.0)
    assert sound.accepts(0, [0.11] * 7, 1.01)


def test_a_parse_error_is_refused(sound: SampleFilter) -> None:
    assert not sound.accepts(-3, HOME, 1.0)


def test_seven_zeros_are_a_broken_packet(sound: SampleFilter) -> None:
    assert not sound.accepts(0, [0.0] * 7, 1.0)


def test_a_short_packet_with_joint_7_at_zero_is_refused(sound: SampleFilter) -> None:
    assert sound.accepts(0, [0.1] * 6 + [1.0], 1.0)
    assert not sound.accepts(0, [0.1] * 6 + [0.0], 1.005)


@given(st.lists(st.floats(), min_size=7, max_size=7))
def test_nothing_infinite_is_accepted(q: list[float]) -> None:
    assert not SampleFilter([SPEED] * 7).accepts(0, q, 1.0) or all(map(math.isfinite, q))


@given(st.floats(-1, 1), st.floats(0, 0.2))
def test_no_joint_outruns_its_speed(step: float, age: float) -> None:
    sound = SampleFilter([SPEED] * 7)
    sound.accepts(0, HOME, 1.0)
    accepted = sound.accepts(0, [*HOME[:6], HOME[6] + step], 1.0 + age)
    assert accepted == (abs(HOME[6] + step - HOME[6]) <= SPEED * (1.0 + age - 1.0 + ARRIVAL_SPREAD))


def test_a_refused_sample_does_not_count_as_the_last(sound: SampleFilter) -> None:
    sound.accepts(0, HOME, 1.0)
    sound.accepts(0, [2.0] * 7, 1.01)
    assert sound.accepts(0, HOME, 1.02)
