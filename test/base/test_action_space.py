"""What two sides mean by their numbers is compared whole and by name."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest
import yaml
from arms import ARMS, LIBERO, OTHER_GRIPPER, SIX_JOINTS, action_spaces
from hypothesis import given

from kinevla_ros.base.action_space import RELATIVE, RM75, ActionSpace, ActionSpaceError, GripperAxis
from kinevla_ros.base.chunk import ACTION_DIM, CHUNK_DT, HORIZON, JOINT_NAMES


def test_the_rm75_is_seven_joints_in_radians_and_a_gripper_in_metres() -> None:
    assert RM75.names == (*JOINT_NAMES, "gripper")
    assert (RM75.width, RM75.horizon, RM75.dt) == (ACTION_DIM, HORIZON, CHUNK_DT)
    assert RM75.gripper_index == 7
    np.testing.assert_array_equal(RM75.state_scale, np.float32([np.pi] * 7 + [0.07]))
    np.testing.assert_array_equal(RM75.motion_scale, np.float32([0.1] * 7 + [0.07]))


@given(action_spaces())
def test_a_space_survives_json_and_yaml(space: ActionSpace) -> None:
    for text in (json.dumps(space.to_dict()), yaml.safe_dump(space.to_dict(), sort_keys=False)):
        assert ActionSpace.from_dict(yaml.safe_load(text)) == space


@given(action_spaces())
def test_offsets_count_from_the_measured_value_of_the_same_name(space: ActionSpace) -> None:
    state = np.arange(1.0, len(space.state_names) + 1)
    measured = dict(zip(space.state_names, state, strict=True))
    for name, start in zip(space.names, space.start(state), strict=True):
        is_gripper = space.gripper is not None and name == space.gripper.name
        kept = is_gripper or space.reference == RELATIVE
        assert start == (0.0 if kept else measured[name])


@given(action_spaces(), action_spaces())
def test_two_spaces_differ_in_something_named_or_not_at_all(one, other) -> None:
    assert one.differences(one) == []
    assert bool(one.differences(other)) == (one != other)


@pytest.mark.parametrize("field", [field.name for field in fields(ActionSpace)])
def test_every_field_is_compared(field: str) -> None:
    other = {
        "names": ("gripper", *JOINT_NAMES),
        "units": ("deg",) * 7 + ("m",),
        "reference": RELATIVE,
        "gripper": None,
        "state_names": ("gripper", *JOINT_NAMES),
        "state_units": ("deg",) * 7 + ("m",),
        "rate": 20.0,
        "horizon": 8,
        "cameras": ("front",),
    }[field]
    changed = {field: other}
    if "units" in field or "names" in field:
        changed = {"reference": RELATIVE, field: other}
    base = replace(RM75, reference=changed.get("reference", RM75.reference))
    base = RM75 if field == "reference" else base
    with pytest.raises(ActionSpaceError, match=r"ours and theirs have different actions: .* and "):
        replace(RM75, **changed).require(base, "ours", "theirs", "Do something.")


def test_a_reversed_gripper_is_another_gripper_and_open_is_where_it_says() -> None:
    reversed_one = replace(RM75, gripper=GripperAxis("gripper", closed=0.07, open=0.0))
    (found,) = reversed_one.differences(RM75)
    assert found == (
        "gripper: gripper closed at 0.07, open at 0 and gripper closed at 0, open at 0.07"
    )
    wide = np.full((1, 5, 8), 0.06)
    assert RM75.opened(wide).all()
    assert not reversed_one.opened(wide).any()
    assert not SIX_JOINTS.opened(np.zeros((1, 5, 6))).any()


def test_the_gripper_is_found_by_name() -> None:
    assert [ARMS[arm].gripper_index for arm in ARMS] == [7, 6, None, 0]
    assert OTHER_GRIPPER.moving == [1, 2, 3, 4, 5, 6, 7]
    assert OTHER_GRIPPER.state_scale[0] == 100


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"units": ("inch",) * 8}, "unit of joint1 is 'inch' and should be 'rad' or 'deg'"),
        ({"state_units": ("deg",) * 7 + ("m",)}, "joint1 is absolute in rad and the state has it"),
        ({"names": ("joint1",) * 8}, "different names"),
        ({"gripper": GripperAxis("hand", 0.0, 1.0)}, "gripper hand is none of the actions"),
        ({"gripper": GripperAxis("gripper", 1.0, 1.0)}, "both closed and open"),
        ({"rate": 0.0}, "rate"),
        ({"horizon": 0}, "horizon"),
        ({"reference": "delta"}, "reference"),
        ({"cameras": ("front", "front")}, "cameras"),
    ],
)
def test_what_cannot_be_is_refused_by_name(changed: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        replace(RM75, **changed)


@pytest.mark.parametrize("missing", ["actions", "reference", "gripper", "state", "rate", "cameras"])
def test_a_description_without_an_entry_is_refused(missing: str) -> None:
    content = LIBERO.to_dict()
    del content[missing]
    with pytest.raises(ValueError, match=f"needs {missing}"):
        ActionSpace.from_dict(content)
