"""The gripper behind the vendor's ROS 2 driver, which publishes no gripper position.

It is taken to be where the driver has last confirmed that it was sent, by any node: before
a first command its opening is unknown.
"""

from __future__ import annotations

import math
import time
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile
from std_msgs.msg import Bool

from kinevla_ros.robot.realman.gripper import PERIOD, RETRY, GripperLine, opening_of

COMMAND = "rm_driver/set_gripper_position_cmd"
RESULT = "rm_driver/set_gripper_position_result"

TIMEOUT = 1
"""Without one the vendor's library waits for a whole second, s."""


class RmDriverGripper:
    """Sends the newest opening, as often as the gripper can take it.

    Args:
        node: whose executor calls back.
        messages: the vendor's message package.
        qos: of commands and results.
    """

    def __init__(self, node: Node, messages: Any, qos: QoSProfile) -> None:
        self.opening: float | None = None
        """m; None while it is unknown."""
        self._message_type = messages.Gripperset
        self._line, self._sent, self._awaited = GripperLine(), 0, 0
        self._due = 0.0
        self._commands = node.create_publisher(messages.Gripperset, COMMAND, qos)
        node.create_subscription(messages.Gripperset, COMMAND, self._on_command, qos)
        node.create_subscription(Bool, RESULT, self._on_result, qos)

    def move(self, opening: float) -> None:
        """Go to `opening`, m, at the next tick.

        Raises:
            ValueError: not a finite number.
        """
        if not math.isfinite(opening):
            raise ValueError(f"a gripper opening is a finite number of metres, not {opening!r}")
        # Also where it was sent before: somebody may have moved it since.
        self._line.move(opening)

    def tick(self) -> None:
        """Send what was not yet sent."""
        now = time.monotonic()
        if (position := self._line.waiting) is None or now < self._due:
            return
        self._line.sent(position)
        self._sent, self._due = position, now + PERIOD
        self._commands.publish(self._message_type(position=position, block=False, timeout=TIMEOUT))

    def _on_command(self, message: Any) -> None:
        self._awaited = message.position

    def _on_result(self, message: Bool) -> None:
        if message.data and self._awaited:
            self.opening = opening_of(self._awaited)
        elif not message.data:
            self._due = time.monotonic() + RETRY
            if self._sent:
                self._line.failed(self._sent)
