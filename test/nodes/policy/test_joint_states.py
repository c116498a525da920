"""Joint states of two publishers, of other arms and in other units are refused by name."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy")

from builtin_interfaces.msg import Time
from rclpy.clock import Clock
from sensor_msgs.msg import JointState

from kinevla_ros.data.synchronisation.joint_states import JointStates
from kinevla_ros.nodes.ros.messages import Stamps, joints_to_message, target_from_message

JOINTS, GRIPPER = np.linspace(-0.3, 0.3, 7), 0.05
DEGREES = np.array([0.0, 90.0, 0.0, 45.0, 0.0, 30.0, 0.0])


def test_a_persons_target_that_names_a_joint_twice_is_refused() -> None:
    target = joints_to_message(JOINTS, GRIPPER, Time(sec=1))
    target.name.append("joint7")
    target.position.append(0.5)
    with pytest.raises(ValueError, match="names joint7 more than once"):
        target_from_message(target, Stamps(Clock()))


def state(names: tuple[str, ...]) -> JointState:
    whole = joints_to_message(JOINTS, GRIPPER, Time())
    places = [whole.name.index(name) for name in names]
    return JointState(name=list(names), position=[whole.position[place] for place in places])


ARM = tuple(f"joint{i}" for i in range(1, 8))


def test_a_gripper_of_another_publisher_completes_the_arm_while_it_is_fresh() -> None:
    states = JointStates()
    assert states.read(state(("gripper",)), 0.0) is None
    joints, gripper = states.read(state(ARM), 0.1)
    assert (joints.tolist(), gripper) == (JOINTS.tolist(), GRIPPER)
    with pytest.raises(ValueError, match="lacks gripper"):
        states.read(state(ARM), 0.5)


def test_a_gripper_in_other_units_is_refused_where_it_completes_an_arm() -> None:
    states = JointStates()
    states.read(JointState(name=["gripper"], position=[50.0]), 0.0)
    with pytest.raises(ValueError, match="millimet"):
        states.read(state(ARM), 0.1)


def test_an_arm_in_two_parts_is_named_as_such() -> None:
    states = JointStates()
    with pytest.raises(ValueError, match="lacks joint4"):
        states.read(state(ARM[:3]), 0.0)
    for now, names in ((0.02, ARM[3:]), (0.04, ARM[:3])):
        with pytest.raises(ValueError, match=r"comes in parts .*source_list"):
            states.read(state(names), now)


def test_of_two_publishers_that_take_turns_neither_is_believed() -> None:
    states = JointStates()
    states.read(state((*ARM, "gripper")), 0.0)
    for now in (0.1, 0.2, 0.3):
        with pytest.raises(ValueError, match="looks like degrees"):
            states.read(joints_to_message(DEGREES, GRIPPER, Time()), now)
        with pytest.raises(ValueError, match="looks like degrees"):
            states.read(state((*ARM, "gripper")), now + 0.05)
    joints, gripper = states.read(state((*ARM, "gripper")), 2.0)
    assert (joints.tolist(), gripper) == (JOINTS.tolist(), GRIPPER)


def test_joint_states_of_other_joints_do_not_disturb() -> None:
    states = JointStates()
    wheels = JointState(name=["wheel"], position=[3.0])
    with pytest.raises(ValueError, match="lacks joint1"):
        states.read(wheels, 0.0)
    with pytest.raises(ValueError, match="lacks joint1"):
        states.read(state((*ARM, "gripper")), 0.5)
    assert states.read(state((*ARM, "gripper")), 1.5)
    assert states.read(wheels, 1.6) is None
    assert states.read(state((*ARM, "gripper")), 1.7)
