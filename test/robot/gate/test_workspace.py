"""A workspace is complete or there is none."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"x": (math.nan, 0.5)}, "x"),
        ({"y": (0.5, -0.5)}, "y"),
        ({"x": (0.1,)}, "x"),
        ({"top": math.inf}, "top"),
        ({"table": math.nan}, "table"),
        ({"table": 2.0}, "table"),
        ({"link_clearance": math.nan}, "link_clearance"),
        ({"finger_clearance": math.nan}, "finger_clearance"),
        ({"self_clearance": -0.01}, "self_clearance"),
    ],
)
def test_a_missing_or_senseless_bound_is_an_error_that_names_it(
    change: dict[str, object], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        replace(DEFAULT_WORKSPACE, **change)  # type: ignore[arg-type]


def test_fingertips_may_be_allowed_to_press_on_the_table() -> None:
    assert replace(DEFAULT_WORKSPACE, finger_clearance=-0.005).finger_clearance == -0.005
