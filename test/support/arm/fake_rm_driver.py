"""The vendor's ROS 2 driver as far as one arm needs it, from its sources of 2024-08.

It reads what its callbacks read, converts with its own constants, publishes joint states from a
timer with the time of the timer, repeats the last packet when no new one comes, and publishes
zeros before the first. It is started with `-r joint_states:=rm_driver/joint_states`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Empty, UInt16

RAD_DEGREE, DEGREE_RAD = 57.295791433, 0.01745
COMMAND_QOS = QoSProfile(depth=1000)  # rclcpp::ParametersQoS
PERIOD = 0.01


class FakeRmDriver(Node):
    """Drives an imaginary arm that is at once where it is sent.

    Args:
        q: joint positions at the start, shape (7,), rad.
        stop_type: of the stop topic.
        dof: joints of the arm.
    """

    def __init__(self, messages: Any, q: np.ndarray, stop_type: Any = Bool, dof: int = 7) -> None:
        super().__init__("rm_driver", use_global_arguments=False)
        self.messages, self.dof = messages, dof
        self.degrees = np.degrees(q)
        """Where the arm is, deg."""
        self.packets = True
        """Whether the arm's state packets arrive."""
        self.connected = True
        self.joint_error, self.system_error = [0] * dof, 0
        self.targets: list[Any] = []
        self.stops = 0
        self.gripper: list[Any] = []
        self.grips = True
        """Whether the gripper obeys."""
        self._packet = np.zeros(7)
        self._create_topics(stop_type)
        self.create_timer(PERIOD, self._on_timer)

    def _create_topics(self, stop_type: Any) -> None:
        m = self.messages
        self._states = self.create_publisher(JointState, "rm_driver/joint_states", 10)
        self._joint_errors = self.create_publisher(
            m.Jointerrorcode, "rm_driver/udp_joint_error_code", 10
        )
        self._system_errors = self.create_publisher(UInt16, "rm_driver/udp_sys_err", 10)
        self._answers = self.result(m.Armstate, "get_current_arm_state")
        self._stopped = self.result(Bool, "move_stop")
        self._cleared = self.result(Bool, "set_joint_err_clear")
        self._gripped = self.result(Bool, "set_gripper_position")
        self.command(m.Jointpos, "movej_canfd", self._on_target)
        self.command(stop_type, "move_stop", self._on_stop)
        self.command(Empty, "get_current_arm_state", self._on_question)
        self.command(m.Jointerrclear, "set_joint_err_clear", self._on_clear)
        self.command(m.Gripperset, "set_gripper_position", self._on_gripper)

    def result(self, kind: Any, name: str) -> Any:
        return self.create_publisher(kind, f"rm_driver/{name}_result", COMMAND_QOS)

    def command(self, kind: Any, name: str, callback: Any) -> None:
        self.create_subscription(kind, f"rm_driver/{name}_cmd", callback, COMMAND_QOS)

    def _on_target(self, message: Any) -> None:
        self.targets.append(message)
        joint = [message.joint[i] * RAD_DEGREE for i in range(6)]
        # With another dof the vendor's joint[6] is uninitialised memory.
        joint.append(message.joint[6] * RAD_DEGREE if message.dof == 7 else 1e9)
        self.degrees = np.array(joint)

    def _on_timer(self) -> None:
        if self.packets:
            self._packet = self.degrees.round(3)
        state = JointState(name=[f"joint{i}" for i in range(1, self.dof + 1)])
        state.position = (self._packet[: self.dof] * DEGREE_RAD).tolist()
        state.header.stamp = self.get_clock().now().to_msg()
        self._states.publish(state)
        errors = self.messages.Jointerrorcode(joint_error=self.joint_error, dof=self.dof)
        self._joint_errors.publish(errors)
        self._system_errors.publish(UInt16(data=self.system_error))

    def _on_question(self, _: Empty) -> None:
        if not self.connected:
            return
        joint = (self.degrees.round(3) * DEGREE_RAD)[: self.dof].tolist()
        answer = self.messages.Armstate(joint=joint, dof=self.dof)
        answer.sys_err = self.system_error
        self._answers.publish(answer)

    def _on_stop(self, _: Any) -> None:
        self.stops += 1
        if self.connected:
            self._stopped.publish(Bool(data=True))

    def _on_clear(self, message: Any) -> None:
        self.joint_error[message.joint_num - 1] = 0
        self._cleared.publish(Bool(data=True))

    def _on_gripper(self, message: Any) -> None:
        self.gripper.append(message)
        self._gripped.publish(Bool(data=self.grips))
