"""The message package of the vendor's ROS 2 driver."""

from __future__ import annotations

from typing import Any

from kinevla_ros.robot.transport import ArmConnectionError


def realman_messages() -> Any:
    """Import the vendor's message package.

    Raises:
        ArmConnectionError: it is not installed.
    """
    try:
        import rm_ros_interfaces.msg as messages
    except ModuleNotFoundError as error:
        raise ArmConnectionError(
            "the transport rm_driver needs the vendor's message package rm_ros_interfaces: build "
            "its workspace (ros2_rm_robot) and source its setup.bash, or use the transport api"
        ) from error
    return messages


def errors_of(message: Any) -> list[int]:
    """Error codes of the controller in an Armstate, of 2024-08 or later."""
    if hasattr(message, "arm_err"):
        return [message.arm_err, message.sys_err]
    return list(message.err)[: message.err_len]
