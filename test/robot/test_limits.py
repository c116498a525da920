"""Joint limits are complete or there are none."""

from __future__ import annotations

import numpy as np
import pytest

from kinevla_ros.robot.limits import POSITION_MARGIN, RM75_LIMITS, JointLimits
from kinevla_ros.robot.model import VELOCITY_LIMITS


def limits(**changes: object) -> JointLimits:
    fields: dict[str, object] = {"lower": np.full(7, -1.0), "upper": np.full(7, 1.0)}
    fields |= {name: np.ones(7) for name in ("velocity", "acceleration", "jerk")}
    return JointLimits(**(fields | changes))  # type: ignore[arg-type]


def with_second(value: float) -> np.ndarray:
    values = np.ones(7)
    values[1] = value
    return values


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
@pytest.mark.parametrize("name", ["velocity", "acceleration", "jerk"])
def test_a_missing_or_senseless_limit_is_an_error_that_names_the_joint(
    name: str, value: float
) -> None:
    with pytest.raises(ValueError, match=f"{name}.*joint2"):
        limits(**{name: with_second(value)})


def test_a_limit_for_six_joints_is_an_error() -> None:
    with pytest.raises(ValueError, match="joint7"):
        limits(upper=np.ones(6))


def test_a_range_smaller_than_its_margins_is_an_error() -> None:
    with pytest.raises(ValueError, match="joint2"):
        limits(upper=with_second(-1.0 + POSITION_MARGIN))


def test_the_stricter_of_two_limits_satisfies_both() -> None:
    both = limits(lower=np.full(7, -2.0), velocity=np.full(7, 3.0)).stricter(
        limits(upper=np.full(7, 0.5), jerk=np.full(7, 0.1))
    )
    np.testing.assert_array_equal(both.lower, -1.0)
    np.testing.assert_array_equal(both.upper, 0.5)
    np.testing.assert_array_equal(both.velocity, 1.0)
    np.testing.assert_array_equal(both.jerk, 0.1)


def test_ranges_without_common_positions_are_an_error() -> None:
    with pytest.raises(ValueError, match="no room"):
        limits().stricter(limits(lower=np.full(7, 2.0), upper=np.full(7, 3.0)))


def test_policy_motion_stays_well_inside_what_the_arm_can_do() -> None:
    assert (RM75_LIMITS.velocity < 0.8 * np.array(VELOCITY_LIMITS)).all()
    assert (RM75_LIMITS.target_upper < RM75_LIMITS.upper).all()
    assert (RM75_LIMITS.target_lower > RM75_LIMITS.lower).all()


def test_limits_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="read-only"):
        RM75_LIMITS.velocity[0] = 10.0
