from __future__ import annotations

import importlib
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import yaml

pytest.importorskip("rclpy")

from kinevla_ros.base.resources import resource_path
from kinevla_ros.nodes.arm.parameters import PARAMETERS, limits_from, workspace_from
from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE
from kinevla_ros.robot.limits import RM75_LIMITS, JointLimits

NODES = ["arm", "cameras", "cell", "policy", "recorder"]


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested names joined by dots, as ROS does it."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        nested = isinstance(value, dict)
        found |= flat(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
    return found


@pytest.mark.parametrize("name", NODES)
def test_the_parameter_file_holds_what_the_node_declares(name: str) -> None:
    declared = importlib.import_module(f"kinevla_ros.nodes.{name}.node").PARAMETERS
    given = yaml.safe_load(resource_path("config", "realman.yaml").read_text())[f"/**/{name}"]
    values = flat(given["ros__parameters"])
    assert {key: type(value) for key, value in values.items()} == {
        key: type(parameter.default) for key, parameter in declared.items()
    }


def shipped() -> dict[str, Any]:
    given = yaml.safe_load(resource_path("config", "realman.yaml").read_text())
    return flat(given["/**/arm"]["ros__parameters"])


def test_the_shipped_limits_are_those_that_simulation_and_evaluation_run_on() -> None:
    limits = limits_from(shipped())
    for field in fields(JointLimits):
        given, ours = getattr(limits, field.name), getattr(RM75_LIMITS, field.name)
        np.testing.assert_allclose(given, ours, atol=1.5e-3)
        assert (abs(given) <= abs(ours)).all()
    assert workspace_from(shipped()) == DEFAULT_WORKSPACE


@pytest.mark.parametrize("name", [n for n in PARAMETERS if n.startswith(("limits.", "workspace."))])
def test_a_limit_that_no_file_gives_is_an_error_that_names_it(name: str) -> None:
    values = shipped() | {name: PARAMETERS[name].default}
    _, _, last = name.partition(".")
    with pytest.raises(ValueError, match=last):
        limits_from(values)
        workspace_from(values)
