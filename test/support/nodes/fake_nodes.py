"""Arm, policy and front camera as far as the console knows them, in one node of the test's."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from pictures import scene
from rcl_interfaces.msg import ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters
from rclpy.node import Node
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Float64, String
from std_srvs.srv import SetBool, Trigger

from kinevla_ros.msg import MissingSlot, Question, Reasoning, SafetyStatus
from kinevla_ros.nodes.ros.images import to_message
from kinevla_ros.nodes.ros.messages import joints_to_message
from kinevla_ros.nodes.ros.qos import LATCHED, image_qos
from kinevla_ros.srv import OverrideReasoning

CARROT = "place the carrot in the plate"
SERVICES = {
    "arm/stop": Trigger,
    "arm/reset": Trigger,
    "arm/enable": SetBool,
    "arm/pause": SetBool,
    "policy/override_reasoning": OverrideReasoning,
}
RECORDER = {"record/start": Trigger, "record/stop": SetBool, "record/discard": Trigger}


class FakeNodes:
    """Does what it is asked for at once; asks about the carrot, and understands anything else.

    Attributes:
        called: service and what it was asked, in order.
        heard: instructions and speeds.
        mute: what does not come, of `front` and `arm`.
        status: what the arm says of itself.
    """

    def __init__(self, node: Node) -> None:
        self.called: list[tuple[str, Any]] = []
        self.heard: list[Any] = []
        self.mute: set[str] = set()
        self.status = SafetyStatus(state=SafetyStatus.READY, speed_scaling=100.0)
        self.picture = scene(0, 120, 160)
        self._node = node
        for name, kind in SERVICES.items():
            node.create_service(kind, name, self._serve(name))
        node.create_service(GetParameters, "policy/get_parameters", self._parameters)
        node.create_subscription(String, "/instruction", self._hear, 1)
        node.create_subscription(Float64, "arm/speed_scaling", self._speed, 1)
        self.statuses = node.create_publisher(SafetyStatus, "kinevla/safety_status", LATCHED)
        self._question = node.create_publisher(Question, "kinevla/question", LATCHED)
        self._reasoning = node.create_publisher(Reasoning, "kinevla/reasoning", 1)
        self._joints = node.create_publisher(JointState, "/joint_states", 1)
        self._diagnostics = node.create_publisher(DiagnosticArray, "/diagnostics", 1)
        self._recorder: list[Any] = []
        topic, qos = "/camera/front/color/image_raw", image_qos(reliable=True)
        self.front = node.create_publisher(Image, topic, qos)
        node.create_timer(0.1, self._publish)

    def record(self, there: bool = True) -> None:
        """Let a recorder be on the graph, or no longer."""
        for service in self._recorder:
            self._node.destroy_service(service)
        wanted = RECORDER.items() if there else ()
        self._recorder = [
            self._node.create_service(kind, name, self._serve(name)) for name, kind in wanted
        ]

    def _publish(self) -> None:
        if self._recorder:
            figures = {"episodes": "3", "rate": "10.0 Hz"}
            values = [KeyValue(key=key, value=value) for key, value in figures.items()]
            line = DiagnosticStatus(name="/recorder", message="recording", values=values)
            self._diagnostics.publish(DiagnosticArray(status=[line]))
        stamp = self._node.get_clock().now().to_msg()
        self._joints.publish(joints_to_message(np.full(7, 0.1), 0.04, stamp))
        if "arm" not in self.mute:
            self.statuses.publish(self.status)
        if "front" not in self.mute:
            self.front.publish(to_message(self.picture, stamp, "front"))

    def _serve(self, name: str) -> Callable[[Any, Any], Any]:
        def serve(request: Any, response: Any) -> Any:
            asked = {key: getattr(request, key) for key in request.get_fields_and_field_types()}
            asked.pop("structure_needs_at_least_one_member", None)
            self.called.append((name, asked))
            self._change(name, getattr(request, "data", None))
            response.success, response.message = True, f"{name} did it"
            return response

        return serve

    def _change(self, name: str, on: bool | None) -> None:
        status = self.status
        if name == "arm/stop":
            status.state, status.fault = SafetyStatus.FAULTED, SafetyStatus.SOFTWARE_STOP
            status.reason = "stopped by software; call /arm/reset"
        elif name == "arm/reset":
            status.state, status.fault, status.reason = SafetyStatus.DISABLED, 0, ""
        elif name == "arm/enable":
            status.state = SafetyStatus.READY if on else SafetyStatus.DISABLED
        elif name == "arm/pause":
            status.speed_scaling = 0.0 if on else 100.0

    def _parameters(self, _: Any, response: Any) -> Any:
        text = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value="")
        response.values = [text, text]
        return response

    def _speed(self, message: Float64) -> None:
        self.heard.append(message.data)

    def _hear(self, message: String) -> None:
        self.heard.append(message.data)
        asks = message.data == CARROT
        choices = [MissingSlot(name="side", choices=["left", "right"])] if asks else []
        text = "Which side?" if asks else ""
        self._question.publish(Question(text=text, instruction=message.data, missing=choices))
        status = Reasoning.ASKING if asks else Reasoning.OK
        reasoning = Reasoning(status=status, detail=text, consistency=math.nan)
        reasoning.instruction = message.data if asks else "on the left"
        if not asks:
            reasoning.goal, reasoning.kinematics = "carrot in plate", message.data
            reasoning.goal_codes, reasoning.kinematics_codes = [1, 2, 3], [4, 5, 6]
        self._reasoning.publish(reasoning)
