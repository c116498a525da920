"""Another policy, any callable, as a node in front of our arm node and its gate.

First start cell and arm without our policy: `kinevla up --only robot`."""

import numpy as np
import rclpy
from rclpy.node import Node
from sensor_msgs.msg import JointState

from kinevla_ros import ActionChunk
from kinevla_ros.data.synchronisation.joint_states import joints_from_message
from kinevla_ros.msg import ActionChunk as ActionChunkMessage
from kinevla_ros.nodes.ros.messages import chunk_to_message


def turn(joints: np.ndarray) -> np.ndarray:
    """Your policy here: targets of the next 0.5 s, one every 0.1 s, shape (5, 7), rad."""
    step = np.clip(0.5 - joints[6], -0.03, 0.03)  # the last joint to 0.5 rad, at 0.3 rad/s
    return joints + step * np.arange(1, 6)[:, None] * np.eye(7)[6]


class OtherPolicy(Node):
    def __init__(self) -> None:
        super().__init__("other_policy")
        self.count = 0
        self.chunks = self.create_publisher(ActionChunkMessage, "/kinevla/action_chunk", 1)
        self.create_subscription(JointState, "/joint_states", self.act, 1)

    def act(self, state: JointState) -> None:
        self.count += 1
        if self.count % 10 == 0 and len(state.name) == 8:  # at 50 Hz: a chunk every 0.2 s
            joints, gripper = joints_from_message(state)
            chunk = ActionChunk(0.0, self.count, turn(joints), np.full(5, gripper))
            self.chunks.publish(chunk_to_message(chunk, state.header.stamp))


if __name__ == "__main__":
    rclpy.init()
    rclpy.spin(OtherPolicy())
