"""What no RM75 can report is refused, with the unit that it looks like."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinevla_ros.base.arm import GRIPPER_STROKE
from kinevla_ros.robot.model import POSITION_LIMITS
from kinevla_ros.robot.reported_state import require_possible

REST = np.zeros(7)


@given(st.tuples(*(st.floats(-limit - 0.09, limit + 0.09) for limit in POSITION_LIMITS)))
def test_wherever_an_arm_can_stand_is_possible(joints: tuple[float, ...]) -> None:
    require_possible(np.array(joints), 0.03)


@pytest.mark.parametrize("gripper", [-0.005, 0.0, GRIPPER_STROKE, 0.075])
def test_a_gripper_a_little_off_is_possible(gripper: float) -> None:
    require_possible(REST, gripper)


@pytest.mark.parametrize(
    ("gripper", "text"),
    [
        (714.0, "gripper is 714: metres are expected, 0 to 0.07; 714 looks like the vendor's"),
        (50.0, "50 looks like millimetres or per cent"),
        (0.7, "0.7 looks like a share of its stroke"),
        (-0.02, "check its sign"),
    ],
)
def test_a_gripper_in_another_unit_is_named(gripper: float, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        require_possible(REST, gripper)


@pytest.mark.parametrize(
    ("joint", "value", "text"),
    [
        (1, 90.0, "joint2 is 90: rad are expected, -2.27 to 2.27; 90 looks like degrees"),
        (6, -359.0, "359 looks like degrees"),
        (3, 90_000.0, "90000 looks like the vendor's thousandths of a degree"),
        (3, 2.9, "joint4 is 2.9: .*check the order and the zero positions"),
    ],
)
def test_a_joint_beyond_its_range_is_named_with_the_likely_unit(
    joint: int, value: float, text: str
) -> None:
    joints = REST.copy()
    joints[joint] = value
    with pytest.raises(ValueError, match=text):
        require_possible(joints, 0.03)
