"""The driver's process behind the vendor's ROS 2 driver: its last step is a publisher."""

from __future__ import annotations

import rclpy
from rclpy.signals import SignalHandlerOptions

from kinevla_ros.nodes.rm_driver.transport import RmDriverArm
from kinevla_ros.robot.driver.channel import DriverSettings
from kinevla_ros.robot.driver.process import run


def rm_driver_arm(settings: DriverSettings) -> RmDriverArm:
    """Return the arm behind the vendor's ROS 2 driver."""
    return RmDriverArm(**settings.transport, period=1 / settings.rate)


def main() -> None:
    """Serve the arm node that has started this process."""
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    try:
        run(rm_driver_arm)
    finally:
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
