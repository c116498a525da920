"""Stands in for the policy: plays a smooth motion as chunks, from wherever the arm is.

`python -m kinevla_ros.stack.faults.player` for runs in which not the policy is judged. Like a
policy it knows the arm by its topics alone.
"""

from __future__ import annotations

import math
import time

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.executors import ExternalShutdownException
from sensor_msgs.msg import JointState

from kinevla_ros.base import topics
from kinevla_ros.base.chunk import CHUNK_DT, HORIZON, ActionChunk
from kinevla_ros.data.synchronisation.joint_states import joints_from_message
from kinevla_ros.msg import ActionChunk as ActionChunkMessage
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.ros.guard import GuardedNode
from kinevla_ros.nodes.ros.messages import Stamps, chunk_to_message
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.nodes.ros.runtime import take_priority
from kinevla_ros.sim.controller.plant import READY_POSE

Array = NDArray[np.float64]

PERIOD = 0.2
FREQUENCY = 0.5
"""Of the swing, Hz; with the widths below no joint is faster than about 1.3 rad/s."""

WIDTHS = np.array([0.35, -0.15, 0.3, 0.2, -0.3, 0.2, 0.4])
"""How far each joint swings about the middle, rad; the tool stays above the table."""

BEGIN = 2.0
"""So long the swing takes to become as wide, and the arm to come to the middle, s."""

GRIPPER = 0.05


def swing(start: Array, t: float) -> Array:
    """Joint positions, shape (7,), rad, `t` s after `start`: gently to the middle, swinging."""
    share = min(max(t / BEGIN, 0.0), 1.0)
    gently = share**3 * (10 - 15 * share + 6 * share**2)
    middle = start + gently * (np.array(READY_POSE) - start)
    return middle + gently * WIDTHS * math.sin(2 * math.pi * FREQUENCY * t)


class ChunkPlayer(GuardedNode):
    """Publishes five chunks a second while the arm is enabled."""

    def __init__(self) -> None:
        super().__init__("player")
        self._stamps = Stamps(self.get_clock())
        self._state = SafetyStatus.DISABLED
        self._q: Array | None = None
        self._start, self._since, self._sequence = np.zeros(7), 0.0, 0
        self._chunks = self.create_publisher(ActionChunkMessage, topics.ACTION_CHUNK, 1)
        self.create_subscription(JointState, f"/{topics.JOINT_STATES}", self._on_joints, 1)
        self.create_subscription(SafetyStatus, topics.SAFETY_STATUS, self._on_status, LATCHED)
        self.create_timer(PERIOD, self._play)

    def _on_joints(self, message: JointState) -> None:
        try:
            self._q = joints_from_message(message)[0]
        except ValueError:
            self._q = None

    def _on_status(self, message: SafetyStatus) -> None:
        self._state = message.state

    def _play(self) -> None:
        now = time.monotonic()
        if self._state != SafetyStatus.MOVING and self._q is not None:
            self._start, self._since = self._q, now
        if self._q is None or self._state in (SafetyStatus.DISABLED, SafetyStatus.FAULTED):
            return
        self._sequence += 1
        times = now - self._since + CHUNK_DT * np.arange(1, HORIZON + 1)
        positions = np.array([swing(self._start, t) for t in times])
        chunk = ActionChunk(now, self._sequence, positions, np.full(HORIZON, GRIPPER))
        self._chunks.publish(chunk_to_message(chunk, self._stamps.to_ros(now)))


def main() -> None:
    """Play until the process is ended."""
    rclpy.init()
    player = ChunkPlayer()
    # Late chunks are the policy's business; here they would only hide what is judged.
    take_priority(every_thread=True)
    try:
        rclpy.spin(player)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
