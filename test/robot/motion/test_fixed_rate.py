"""Ticks keep to their rate whatever delays one of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinevla_ros.robot.motion.fixed_rate import FixedRate


class Clock:
    """A clock that only sleep and work move on; sleep may end early."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds / 2, 1e-6)


@given(st.lists(st.floats(0, 0.07), min_size=1, max_size=30))
def test_every_tick_is_on_the_grid_or_late_and_never_early(work: list[float]) -> None:
    clock = Clock()
    ticks = FixedRate(0.02, clock.time, clock.sleep)
    start, before = ticks.wait(), -1
    for seconds in work:
        clock.now += seconds
        begun = clock.now
        now = ticks.wait()
        number = int((now - start) / 0.02 + 1e-6)
        assert number > before
        late = now - (start + number * 0.02)
        assert late <= 1e-5 or now == begun
        before = number


def test_one_late_tick_does_not_shift_the_next() -> None:
    clock = Clock()
    ticks = FixedRate(0.02, clock.time, clock.sleep)
    start = ticks.wait()
    clock.now += 0.033
    assert ticks.wait() == pytest.approx(start + 0.033)
    assert ticks.wait() == pytest.approx(start + 0.04, abs=1e-5)


def test_missed_ticks_are_not_made_up_for() -> None:
    clock = Clock()
    ticks = FixedRate(0.02, clock.time, clock.sleep)
    start = ticks.wait()
    clock.now += 0.109
    assert ticks.wait() == pytest.approx(start + 0.109)
    assert ticks.wait() == pytest.approx(start + 0.12, abs=1e-5)
