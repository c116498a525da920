"""Rows between known ones."""

from __future__ import annotations

import numpy as np

from kinevla_ros.base.interpolation import at_times

TIMES, ROWS = [0.0, 1.0, 3.0], [[0.0, 10.0], [2.0, 20.0], [6.0, 0.0]]


def test_each_column_is_read_between_its_neighbours() -> None:
    np.testing.assert_allclose(at_times([0.5, 2.0], TIMES, ROWS), [[1.0, 15.0], [4.0, 10.0]])


def test_one_time_gives_one_row() -> None:
    np.testing.assert_allclose(at_times(0.5, TIMES, ROWS), [1.0, 15.0])


def test_the_ends_hold_before_and_after() -> None:
    np.testing.assert_allclose(at_times([-9.0, 9.0], TIMES, ROWS), [ROWS[0], ROWS[-1]])
