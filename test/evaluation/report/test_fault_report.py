"""Judging what the emulated controller recorded around a fault."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kinevla_ros.evaluation.report.fault_report import (
    Trial,
    cut_speed,
    figures,
    first_step,
    largest_share,
    rest_time,
    table,
)
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.sim.controller.records import MotionRecord, StreamRecord

DT = 0.02
GOOD = Trial("UDP off", "STALE_STATE", ("STALE_STATE",), 0.1, 0.2, 0.1, 0.9, 0, 0.0, True, 0, 0.001)


def stream(q1: np.ndarray, times: np.ndarray | None = None) -> StreamRecord:
    targets = np.zeros((len(q1), 7))
    targets[:, 0] = q1
    times = DT * np.arange(len(q1)) if times is None else times
    return StreamRecord(times, targets, np.ones(len(q1), bool), np.zeros(len(q1), bool))


def motion(q1: np.ndarray) -> MotionRecord:
    return MotionRecord(DT * np.arange(len(q1)), stream(q1).targets)


def test_rest_is_where_the_last_motion_ends() -> None:
    q1 = np.concatenate([np.linspace(0, 0.5, 26), np.full(30, 0.5)])
    rest, way = rest_time(motion(q1), since=0.3)
    assert rest == pytest.approx(25 * DT - 0.3, abs=1.5 * DT)
    assert way == pytest.approx(0.5 - q1[15], abs=0.03)


def test_an_arm_that_rested_before_has_no_way_to_rest() -> None:
    assert rest_time(motion(np.zeros(40)), since=0.3) == (0.0, 0.0)


def test_a_jump_in_the_stream_is_more_than_a_limit() -> None:
    gentle = 0.1 * np.sin(np.arange(60) * DT)
    assert largest_share(stream(gentle), RM75_LIMITS, DT) < 0.5
    gentle[30:] += 0.1
    assert largest_share(stream(gentle), RM75_LIMITS, DT) > 1


def test_a_target_that_is_missing_in_time_as_well_is_no_jump() -> None:
    q1 = 1.5 * DT * np.arange(60)
    kept = np.delete(np.arange(60), 30)
    there = stream(q1[kept], DT * kept)
    assert largest_share(there, RM75_LIMITS, DT) < 1
    squeezed = stream(q1[kept])
    assert largest_share(squeezed, RM75_LIMITS, DT) > 1


def test_a_stream_that_ends_in_motion_is_cut_off() -> None:
    q1 = 0.5 * DT * np.arange(60)
    assert cut_speed(stream(q1), DT) == pytest.approx(0.5)
    assert cut_speed(stream(np.append(q1, q1[-1])), DT) == 0.0


def test_the_first_target_is_compared_with_where_the_arm_was_just_before() -> None:
    before = motion(np.full(50, 0.3))
    assert first_step(stream(np.full(50, 0.35)), before, since=0.5) == pytest.approx(0.05)
    assert np.isnan(first_step(stream(np.zeros(5)), before, since=0.5))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"reason": "NONE"}, "reason NONE"),
        ({"rest": 0.6}, "rest after 0.60 s"),
        ({"share": 1.2}, "120% of a limit"),
        ({"refused": 2}, "2 targets refused"),
        ({"cut": 0.5}, "cut off at 0.50 rad/s"),
        ({"strays": 3}, "3 targets before it was enabled"),
        ({"first_step": 0.2}, "first step"),
        ({"first_step": float("nan")}, "first step"),
    ],
)
def test_each_shortcoming_is_named(change: dict, problem: str) -> None:
    assert GOOD.problems == []
    (found,) = replace(GOOD, **change).problems
    assert problem in found


def test_the_summary_counts_what_was_not_good() -> None:
    trials = [GOOD, replace(GOOD, rest=0.7), replace(GOOD, kind="TCP closed")]
    found = figures(trials, ["STALE_STATE"])
    assert found["failed"] == 1
    assert found["interruptions"] == ["STALE_STATE"]
    assert table(trials).row_count == 3
