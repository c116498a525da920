"""The driver's client for the transport that the arm node's parameters ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kinevla_ros.nodes.arm.parameters import limits_from, workspace_from
from kinevla_ros.nodes.arm.stall_recovery import state_age_from
from kinevla_ros.robot.driver.channel import DriverSettings
from kinevla_ros.robot.driver.client import DriverClient
from kinevla_ros.robot.driver.tick import Tick
from kinevla_ros.robot.realman.stop_line import StopLine
from kinevla_ros.robot.transport import ArmConnectionError

DRIVER_PROCESS = "kinevla_ros.robot.driver.process"
RM_DRIVER_PROCESS = "kinevla_ros.nodes.rm_driver.process"


def arm_driver(
    values: dict[str, Any], namespace: str, rm_driver: str, on_tick: Callable[[Tick], None]
) -> DriverClient:
    """Return a driver that is not connected.

    Args:
        values: of the parameters.
        namespace: of the node.
        rm_driver: full name under which the vendor's ROS 2 driver is found.
        on_tick: see `DriverClient`.
    """
    ip, port = values["arm_ip"], values["arm_port"]
    transport: dict[str, Any]
    if values["transport"] == "rm_driver":
        module, arm = RM_DRIVER_PROCESS, rm_driver
        transport = {"namespace": namespace}
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
