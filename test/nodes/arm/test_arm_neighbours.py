"""An arm node beside other drivers, and its speed as a parameter."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from arm_node_bench import Arm, arm_node
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState

from kinevla_ros.msg import SafetyStatus


@pytest.fixture(scope="module")
def arm() -> Iterator[Arm]:
    with arm_node() as arm:
        yield arm


def disabled(arm: Arm) -> None:
    arm.become_ready()
    assert arm.enable(False).success
    arm.expect(SafetyStatus.DISABLED)


@pytest.mark.parametrize(("joint", "enabled"), [("lift", True), ("joint3", False)])
def test_another_publisher_of_joint_states_is_refused_only_if_it_speaks_of_our_joints(
    arm: Arm, joint: str, enabled: bool
) -> None:
    disabled(arm)
    client, over = arm.bench.client, threading.Event()
    other = client.create_publisher(JointState, "/joint_states", 10)

    def publish() -> None:
        while not over.wait(0.02):
            other.publish(JointState(name=[joint], position=[0.1]))

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        arm.bench.spin_until(lambda: arm.node.count_publishers("/joint_states") > 1, "other")
        answer = arm.enable()
    finally:
        over.set()
        thread.join()
        client.destroy_publisher(other)
    assert answer.success is enabled, answer.message
    assert enabled or "another node publishes joint3 on /joint_states" in answer.message


def set_speed(arm: Arm, percent: float) -> SetParametersResult:
    value = Parameter("speed_scaling", value=percent).to_parameter_msg()
    request = SetParameters.Request(parameters=[value])
    return arm.bench.call(SetParameters, "/arm/set_parameters", request).results[0]


def test_the_speed_is_a_parameter_that_answers(arm: Arm) -> None:
    arm.become_ready()
    assert set_speed(arm, 20.0).successful
    arm.bench.spin_until(lambda: arm.status().speed_scaling == 20.0, "slower speed")
    for wrong in (120.0, float("nan")):
        answer = set_speed(arm, wrong)
        assert not answer.successful
        assert answer.reason
    assert arm.status().speed_scaling == 20.0
    assert set_speed(arm, 100.0).successful
