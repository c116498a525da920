"""What a parameter file says about the arm."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from kinevla_ros.base.arm import ARM_PORT, STATE_PORT, STREAM_PERIOD
from kinevla_ros.nodes.ros.parameters import FRAME_PREFIX, Parameter
from kinevla_ros.robot.gate.workspace import Workspace
from kinevla_ros.robot.limits import JointLimits

_MISSING = math.nan

PARAMETERS = {
    **FRAME_PREFIX,
    "transport": Parameter(
        "api",
        "Way to the arm; api: the vendor's library, rm_driver: the vendor's ROS 2 driver.",
        choices=("api", "rm_driver"),
    ),
    "arm_ip": Parameter("192.168.1.18", "Address of the arm's controller."),
    "arm_port": Parameter(ARM_PORT, "TCP port of the arm's controller.", 1, 65535),
    "udp_port": Parameter(
        STATE_PORT, "Port on this computer for the arm's state; each arm needs its own.", 1, 65535
    ),
    "host_ip": Parameter("", "This computer's address as the arm sees it; empty: by route."),
    "rate": Parameter(
        1 / STREAM_PERIOD,
        "Joint targets a second (Hz). 50: low follow, the controller smooths; 100 and 200: high "
        "follow, straight to the joints.",
        20.0,
        200.0,
    ),
    "enable_on_activate": Parameter(
        False, "Allow motion at once; on a real arm leave that to /arm/enable."
    ),
    "simulated": Parameter(
        False,
        "The arm is simulated on this computer: its state may be older, and it goes on by itself "
        "after the computer was busy. Refused for any other address.",
    ),
    "shadow": Parameter(
        False,
        "Follow no chunk: the policy runs and is watched, and the arm moves by a person alone.",
    ),
    "speed_scaling": Parameter(
        100.0, "Speed (%) on the same path, now and at the start.", 0.0, 100.0, live=True
    ),
    "limits.lower": Parameter([_MISSING] * 7, "Smallest joint positions (rad)."),
    "limits.upper": Parameter([_MISSING] * 7, "Largest joint positions (rad)."),
    "limits.velocity": Parameter([_MISSING] * 7, "Largest joint speeds (rad/s)."),
    "limits.acceleration": Parameter([_MISSING] * 7, "Largest joint accelerations (rad/s^2)."),
    "limits.jerk": Parameter([_MISSING] * 7, "Largest joint jerks (rad/s^3)."),
    "workspace.x": Parameter([_MISSING] * 2, "Range of links and tool in base_link (m)."),
    "workspace.y": Parameter([_MISSING] * 2, "Range of links and tool in base_link (m)."),
    "workspace.top": Parameter(_MISSING, "Greatest height of links and tool in base_link (m)."),
    "workspace.table": Parameter(_MISSING, "Height of the table in base_link (m)."),
    "workspace.link_clearance": Parameter(_MISSING, "Links and palm to the table (m)."),
    "workspace.finger_clearance": Parameter(
        _MISSING, "Fingertips to the table (m); below zero, how far they may press on it."
    ),
    "workspace.self_clearance": Parameter(_MISSING, "Links that are no neighbours (m)."),
}
"""What has no safe default is missing without a parameter file, and then the arm is not driven."""

_NUMBERS = ("top", "table", "link_clearance", "finger_clearance", "self_clearance")


def limits_from(values: Mapping[str, Any]) -> JointLimits:
    """Return the joint limits.

    Raises:
        ValueError: one is missing or makes no sense.
    """
    names = ("lower", "upper", "velocity", "acceleration", "jerk")
    try:
        return JointLimits(**{name: np.array(values[f"limits.{name}"]) for name in names})
    except ValueError as error:
        raise ValueError(f"parameters limits: {error}; see config/realman.yaml") from error


def workspace_from(values: Mapping[str, Any]) -> Workspace:
    """Return the workspace.

    Raises:
        ValueError: a bound is missing or makes no sense.
    """
    given = {name: values[f"workspace.{name}"] for name in _NUMBERS}
    try:
        x, y = (tuple(values[f"workspace.{axis}"]) for axis in "xy")
        return Workspace(x=x, y=y, **given)
    except ValueError as error:
        raise ValueError(f"parameters: {error}; see config/realman.yaml") from error
