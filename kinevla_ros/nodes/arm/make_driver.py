"""Which process drives the arm, and how it gets there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rclpy.node import Node

from kinevla_ros.nodes.arm.parameters import limits_from, workspace_from
from kinevla_ros.nodes.arm.stall_recovery import state_age_from
from kinevla_ros.robot.driver.channel import DriverSettings
from kinevla_ros.robot.driver.client import DriverClient
from kinevla_ros.robot.driver.tick import Tick
from kinevla_ros.robot.realman.stop_line import StopLine
from kinevla_ros.robot.transport import ArmConnectionError

DRIVER_PROCESS = "kinevla_ros.robot.driver.process"
RM_DRIVER_PROCESS = "kinevla_ros.nodes.rm_driver.process"


def make_driver(
    node: Node, values: Mapping[str, Any], on_tick: Callable[[Tick], None]
) -> DriverClient:
    """Return the driver of the way to the arm that is asked for, not connected.

    Args:
        node: the arm node.
        values: its parameters.
        on_tick: see `DriverClient`.

    Raises:
        ValueError: a parameter is missing or makes no sense.
    """
    ip, port = values["arm_ip"], values["arm_port"]
    transport: dict[str, Any]
    if values["transport"] == "rm_driver":
        module, arm = RM_DRIVER_PROCESS, node.resolve_topic_name("rm_driver")
        transport = {"namespace": node.get_namespace()}
        stop_past_it = _cannot_stop
    else:
        module, arm = DRIVER_PROCESS, f"{ip}:{port}"
        transport = {"ip": ip, "port": port, "host_ip": values["host_ip"] or None}
        transport["udp_port"] = values["udp_port"]
        stop_past_it = StopLine(ip, port).stop
    settings = DriverSettings(
        arm,
        transport,
        values["rate"],
        limits_from(values),
        workspace_from(values),
        values["speed_scaling"],
        max_state_age=state_age_from(values),
    )
    return DriverClient(module, settings, on_tick, stop_past_it)


def _cannot_stop() -> None:
    raise ArmConnectionError("nothing goes past the vendor's rm_driver; use the emergency button")
