"""The arm's speed as a parameter, which is answered, and as a topic, which sets the parameter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_msgs.msg import Float64

from kinevla_ros.nodes.ros.logs.text import TEXT, bounded
from kinevla_ros.nodes.ros.subscribe import subscribe

NAME = "speed_scaling"


class SpeedScaling:
    """Hands on what is asked for.

    Args:
        node: that has the parameter `NAME`.
        set_speed: takes per cent; why it cannot be so, or empty.
    """

    def __init__(self, node: Node, set_speed: Callable[[float], str]) -> None:
        self._node, self._set_speed = node, set_speed
        node.add_on_set_parameters_callback(self._on_parameters)
        subscribe(node, Float64, f"~/{NAME}", self._on_message, self._refuse)

    def _on_parameters(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        for parameter in parameters:
            if parameter.name == NAME and (problem := self._set_speed(parameter.value)):
                return SetParametersResult(successful=False, reason=bounded(problem, TEXT))
        return SetParametersResult(successful=True)

    def _on_message(self, message: Float64) -> None:
        (result,) = self._node.set_parameters([Parameter(NAME, value=message.data)])
        if not result.successful:
            self._refuse(result.reason)

    def _refuse(self, problem: str) -> None:
        text = f"speed scaling refused: {problem}"
        self._node.get_logger().warning(text, throttle_duration_sec=1.0)
