"""Two arms in one graph: cells, policies and arms in namespaces of their own."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger
from visualization_msgs.msg import MarkerArray

from kinevla_ros.msg import Reasoning, SafetyStatus
from kinevla_ros.nodes.ros.guard import GuardedNode
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.stack.processes.launcher import Launcher, client_node, parameter_file
from kinevla_ros.stack.talk import Talk
from kinevla_ros.stack.up import StackSetup, overrides

INSTRUCTIONS = {
    "left": "pick up the bread and move it to the left front",
    "right": "hold the carrot by the upper part and place it on the right side of the plate",
}


class Watched:
    """What one arm's nodes publish."""

    def __init__(self, node: Node, namespace: str) -> None:
        self.states: list[int] = []
        self.joints: list[JointState] = []
        self.instructions: set[str] = set()
        self.frames: set[str] = set()
        prefix = f"/{namespace}/"
        node.create_subscription(
            SafetyStatus,
            f"{prefix}kinevla/safety_status",
            lambda m: self.states.append(m.state),
            LATCHED,
        )
        node.create_subscription(JointState, f"{prefix}joint_states", self.joints.append, 10)
        node.create_subscription(
            Reasoning,
            f"{prefix}kinevla/reasoning",
            lambda m: self.instructions.add(m.instruction),
            10,
        )
        node.create_subscription(
            MarkerArray, f"{prefix}kinevla/reasoning_markers", self._on_markers, 1
        )

    def _on_markers(self, markers: MarkerArray) -> None:
        self.frames |= {marker.header.frame_id for marker in markers.markers}


def test_left_and_right_hear_and_move_each_by_itself() -> None:
    with ExitStack() as stack:
        found = {}
        _, interrupted = stack.enter_context(client_node("two_arms"))
        for namespace in INSTRUCTIONS:
            nodes = overrides(StackSetup(namespace=namespace))
            node = GuardedNode("person", namespace=namespace)
            stack.callback(node.destroy_node)
            launcher = stack.enter_context(
                Launcher(node, interrupted, parameter_file(None), nodes, "error")
            )
            found[namespace] = node, interrupted, launcher, Watched(node, namespace)
        for _, _, launcher, _ in found.values():
            launcher.bring_up()
        for namespace, (node, interrupted, _, seen) in found.items():
            talk = Talk(node, interrupted)
            assert talk.begin(20.0) == ""
            reasoning = talk.answer(INSTRUCTIONS[namespace])
            assert reasoning is not None
            assert reasoning.instruction == INSTRUCTIONS[namespace]
            launcher = found[namespace][2]
            launcher.wait_for(
                lambda seen=seen: SafetyStatus.MOVING in seen.states, 30.0, "no motion"
            )
            launcher.wait_for(lambda seen=seen: seen.frames, 10.0, "no markers")
        for namespace, (node, _, launcher, seen) in found.items():
            assert seen.instructions == {INSTRUCTIONS[namespace]}
            assert seen.frames == {f"{namespace}/base_link"}
            client = node.create_client(Trigger, "cell/judge")
            launcher.wait_for(client.service_is_ready, 10.0, "no judge")
            answer = client.call_async(Trigger.Request())
            launcher.wait_for(answer.done, 10.0, "no judgement")
            assert json.loads(answer.result().message)["instruction"] == INSTRUCTIONS[namespace]
