"""Declared parameters: typed, described, with ranges, readable only at start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterValueException
from rclpy.node import Node

OVERRIDES_OF_QOS = "qos_overrides."
"""ROS's own, declared with the topic if at all."""


@dataclass(frozen=True)
class Parameter:
    """One parameter: its value from the parameter file, or `default`.

    Attributes:
        description: what it does, with its unit.
        lower, upper: range of a number.
        choices: the words it may be; any if empty.
        live: whether it can be set while the node runs.
    """

    default: Any
    description: str
    lower: float | None = None
    upper: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False

    def descriptor(self) -> ParameterDescriptor:
        """Return what `ros2 param describe` shows."""
        descriptor = ParameterDescriptor(description=self.description, read_only=not self.live)
        if self.choices:
            descriptor.additional_constraints = f"one of {listed(self.choices)}"
        if self.lower is None or self.upper is None:
            return descriptor
        if isinstance(self.default, float):
            floats = FloatingPointRange(from_value=float(self.lower), to_value=float(self.upper))
            descriptor.floating_point_range = [floats]
        else:
            integers = IntegerRange(from_value=int(self.lower), to_value=int(self.upper), step=1)
            descriptor.integer_range = [integers]
        return descriptor


FRAME_PREFIX = {
    "frame_prefix": Parameter(
        "", "Before every frame's name, as robot_state_publisher has it: left/ for left/base_link."
    )
}
"""Parameter of each node that publishes in frames."""


def listed(choices: Iterable[str]) -> str:
    """Words for people to read; an empty one shows as a pair of quotes."""
    return ", ".join(choice or '""' for choice in choices)


class UnknownParameter(ValueError):
    """A parameter is given that the node does not have; the message names the nearest."""


def declare(node: Node, parameters: dict[str, Parameter]) -> dict[str, Any]:
    """Declare all parameters and return their values.

    Raises:
        UnknownParameter: a name is given that is none of these and none of ROS's own.
        rclpy.exceptions.InvalidParameterValueException, InvalidParameterTypeException: a given
            value is out of range, not one of the choices, or of another type.
    """
    values = {
        name: node.declare_parameter(name, spec.default, spec.descriptor()).value
        for name, spec in parameters.items()
    }
    for name, value in values.items():
        choices = parameters[name].choices
        if choices and value not in choices:
            reason = f"it is one of {listed(choices)}"
            raise InvalidParameterValueException(name, value, reason)
    _refuse_unknown(node)
    return values


def _refuse_unknown(node: Node) -> None:
    """rclpy keeps what was given and not declared to itself, and a misspelt limit is no limit."""
    names = [name for name in node._parameter_overrides if not node.has_parameter(name)]
    problems = []
    for name in sorted(name for name in names if not name.startswith(OVERRIDES_OF_QOS)):
        nearest = get_close_matches(name, node._parameters, 1, 0.4)
        hint = f'did you mean "{nearest[0]}"?' if nearest else "leave it out"
        problems.append(f'{node.get_fully_qualified_name()} has no parameter "{name}"; {hint}')
    if problems:
        raise UnknownParameter(" ".join(problems))
