"""Declared parameters: typed, described, with ranges, readable only at start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterValueException
from rclpy.node import Node


@dataclass(frozen=True)
class Parameter:
    """One parameter: its value from the parameter file, or `default`.

    Attributes:
        description: what it does, with its unit.
        lower, upper: range of a number.
        choices: the words it may be; any if empty.
    """

    default: Any
    description: str
    lower: float | None = None
    upper: float | None = None
    choices: tuple[str, ...] = ()

    def descriptor(self) -> ParameterDescriptor:
        """Return what `ros2 param describe` shows."""
        descriptor = ParameterDescriptor(description=self.description, read_only=True)
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


def listed(choices: tuple[str, ...]) -> str:
    """Words for people to read; an empty one shows as a pair of quotes."""
    return ", ".join(choice or '""' for choice in choices)


def declare(node: Node, parameters: dict[str, Parameter]) -> dict[str, Any]:
    """Declare all parameters and return their values.

    Raises:
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
    return values
