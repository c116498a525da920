"""The package's messages between two processes, over DDS."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Any

import pytest

pytest.importorskip("rclpy")

import rclpy

from kinevla_ros.msg import ActionChunk, Reasoning, SafetyStatus
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.status import SafetyState

EXAMPLES = {
    "reasoning": Reasoning(
        sequence=7,
        status=Reasoning.OK,
        instruction="hold the carrot by the upper part",
        goal="carrot in the plate",
        kinematics="grasp the upper part, turned by 45°",
        goal_codes=[0, 127],
        kinematics_codes=[3, 64],
        overridden=True,
        consistency=0.75,
        doubt=0.5,
        draft_accepted=True,
        model_time=0.03125,
    ),
    "action_chunk": ActionChunk(
        sequence=7,
        joint_names=[f"joint{i}" for i in range(1, 8)],
        dt=0.125,
        positions=[0.01 * i for i in range(35)],
        gripper=[0.0, 0.03125, 0.0625],
    ),
    "safety_status": SafetyStatus(
        state=SafetyStatus.FAULTED,
        fault=SafetyStatus.POSITION_LIMIT,
        reason="joint4 would pass its upper limit",
        joint="joint4",
        margin=-0.5,
    ),
}


def echo() -> None:
    """Body of the other process: send every message back."""
    rclpy.init()
    node = rclpy.create_node("echo")
    for name, example in EXAMPLES.items():
        back = node.create_publisher(type(example), f"back/{name}", 10)
        node.create_subscription(type(example), f"there/{name}", back.publish, 10)
    rclpy.spin(node)


def spin_until(node: Any, done: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + 10.0
    while not done():
        assert time.monotonic() < deadline, f"no {what} within 10 s"
        rclpy.spin_once(node, timeout_sec=0.05)


@pytest.fixture(scope="module")
def node() -> Iterator[Any]:
    process = multiprocessing.get_context("spawn").Process(target=echo, daemon=True)
    process.start()
    rclpy.init()
    node = rclpy.create_node("messages_test")
    yield node
    node.destroy_node()
    rclpy.try_shutdown()
    process.terminate()
    process.join(10.0)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_message_comes_back_from_another_process_unchanged(node: Any, name: str) -> None:
    sent, received = EXAMPLES[name], []
    sent.header.frame_id = "base_link"
    sent.header.stamp.nanosec = 999_999_999
    back = node.create_subscription(type(sent), f"back/{name}", received.append, 10)
    there = node.create_publisher(type(sent), f"there/{name}", 10)
    spin_until(
        node,
        lambda: there.get_subscription_count() and node.count_publishers(back.topic_name),
        "discovery",
    )
    there.publish(sent)
    spin_until(node, lambda: received, "answer")
    assert received == [sent]


@pytest.mark.parametrize("enum", [SafetyState, Fault])
def test_states_and_faults_have_the_numbers_of_the_message(enum: type[IntEnum]) -> None:
    assert {member.name: int(member) for member in enum} == {
        member.name: getattr(SafetyStatus, member.name) for member in enum
    }
