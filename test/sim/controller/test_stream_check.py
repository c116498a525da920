"""Differentiating a recorded stream."""

from __future__ import annotations

import numpy as np
import pytest

from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.sim.controller.records import StreamRecord
from kinevla_ros.sim.controller.stream_check import WIRE_STEP, measured_period, stream_figures

DT = 0.02


def record(targets: np.ndarray, pause_after: int | None = None) -> StreamRecord:
    times = DT * np.arange(len(targets))
    if pause_after is not None:
        times[pause_after:] += 1.0
    return StreamRecord(times, targets, np.ones(len(targets), bool), np.zeros(len(targets), bool))


def sine(amplitude: float, frequency: float, count: int = 200) -> np.ndarray:
    phase = 2 * np.pi * frequency * DT * np.arange(count)
    return amplitude * np.sin(phase)[:, None] * np.eye(7)[2]


def test_the_derivatives_of_a_sine_are_found_as_shares_of_the_limits() -> None:
    amplitude, omega = 0.3, 2 * np.pi * 0.5
    figures = stream_figures(record(sine(amplitude, 0.5)), RM75_LIMITS, DT)
    for order, name in enumerate(("velocity", "acceleration", "jerk"), start=1):
        limit = getattr(RM75_LIMITS, name)[2]
        assert figures.shares[name] == pytest.approx(amplitude * omega**order / limit, abs=0.1)
    assert figures.rate == pytest.approx(50.0)


def test_a_jump_of_one_target_breaks_every_limit() -> None:
    targets = np.zeros((50, 7))
    targets[25:, 3] = 0.1
    shares = stream_figures(record(targets), RM75_LIMITS, DT).shares
    assert all(share > 1 for share in shares.values())


def test_what_lies_between_two_streams_is_no_motion_of_either() -> None:
    targets = np.zeros((50, 7))
    targets[25:, 3] = 0.1
    shares = stream_figures(record(targets, pause_after=25), RM75_LIMITS, DT).shares
    assert all(share <= 0 for share in shares.values())


def test_a_stream_that_goes_on_at_speed_after_a_gap_is_more_than_a_limit() -> None:
    targets = 1.0 * DT * np.arange(50)[:, None] * np.eye(7)[0]
    for gap in (3, 10, 150):
        times = DT * np.arange(50)
        times[25:] += gap * DT
        stopped = StreamRecord(times, targets, np.ones(50, bool), np.zeros(50, bool))
        shares = stream_figures(stopped, RM75_LIMITS, DT).shares
        assert shares["acceleration"] > 1
        assert shares["jerk"] > 1


def test_targets_that_come_a_little_early_or_late_are_as_good_as_even_ones() -> None:
    targets = 1.0 * DT * np.arange(50)[:, None] * np.eye(7)[0]
    times = DT * np.arange(50) + np.where(np.arange(50) % 2, 0.009, 0.0)
    uneven = StreamRecord(times, targets, np.ones(50, bool), np.zeros(50, bool))
    shares = stream_figures(uneven, RM75_LIMITS, DT).shares
    assert shares["velocity"] == pytest.approx(0.5, abs=0.01)
    assert shares["acceleration"] <= 0


def test_the_rounding_of_the_wire_is_not_taken_for_jerk() -> None:
    exact = sine(0.2, 0.3)
    rounded = WIRE_STEP * np.round(exact / WIRE_STEP)
    before = stream_figures(record(exact), RM75_LIMITS, DT).shares["jerk"]
    after = stream_figures(record(rounded), RM75_LIMITS, DT).shares["jerk"]
    assert after <= before + 4 * WIRE_STEP / DT**3 / 100


@pytest.mark.parametrize("rate", [50, 100, 200])
def test_the_period_of_a_stream_is_measured(rate: int) -> None:
    uneven = np.arange(100) / rate + np.random.default_rng(0).uniform(0, 2e-4, 100)
    stream = StreamRecord(uneven, np.zeros((100, 7)), *np.zeros((2, 100), bool))
    assert measured_period(stream) == pytest.approx(1 / rate, rel=0.01)


@pytest.mark.parametrize("gap", [0.0, 1e-5, 5.0])
def test_two_targets_in_a_burst_or_far_apart_have_no_period(gap: float) -> None:
    pair = StreamRecord(np.array([0.0, gap]), np.zeros((2, 7)), *np.ones((2, 2), bool))
    assert measured_period(pair) == DT
    figures = stream_figures(pair, RM75_LIMITS, DT)
    assert np.isfinite([figures.rate, *figures.shares.values()]).all()


def test_refused_targets_are_counted_and_an_empty_record_is_no_error() -> None:
    empty = StreamRecord(np.zeros(0), np.zeros((0, 7)), *np.zeros((2, 0), bool))
    assert stream_figures(empty, RM75_LIMITS, DT).points == 0
    refused = record(np.zeros((4, 7)))._replace(accepted=np.array([True, False, True, False]))
    assert stream_figures(refused, RM75_LIMITS, DT).refused == 2
