"""The transport `rm_driver`: the arm through the topics of the vendor's ROS 2 driver.

Start the driver so that its joint states do not get in the way of this package's own:

    ros2 run rm_driver rm_driver --ros-args --params-file rm_75_config.yaml \\
      -r joint_states:=rm_driver/joint_states

Works with the driver of 2024-08 and with later ones: the type of the stop topic and the topic of
the controller's errors are found out. The driver reports no limits, so this package's alone hold,
and no gripper position, see `gripper`.
"""

from __future__ import annotations

import contextlib
import threading
import time
from functools import partial
from typing import Any

from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Empty, UInt16

from kinevla_ros.base.arm import STREAM_PERIOD
from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.nodes.rm_driver.gripper import RmDriverGripper
from kinevla_ros.nodes.rm_driver.messages import errors_of, realman_messages
from kinevla_ros.nodes.rm_driver.stop import STOP, RmDriverStop, is_heard
from kinevla_ros.nodes.ros.guard import GuardedNode
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.motion.target_sender import Point, Target, TargetSender
from kinevla_ros.robot.realman.gripper import SUPPLY_24V
from kinevla_ros.robot.realman.rm_driver_state import JointStateJudge
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.transport import ArmConnectionError, ArmInfo, checked_target, follows_high

JOINT_STATES = "rm_driver/joint_states"
TARGETS = "rm_driver/movej_canfd_cmd"

COMMANDS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.VOLATILE,
)
"""Reliable, as the driver asks; a target that could not be delivered is replaced by the next."""

START_HINT = (
    "Start it: ros2 run rm_driver rm_driver --ros-args --params-file rm_75_config.yaml "
    f"-r joint_states:={JOINT_STATES}"
)
TICK = 0.02
STALE = 0.1
"""No target is sent while the last sign of life of the arm is older, s.

A driver that was frozen must not find a heap of targets when it is back.
"""

REPLY_TIMEOUT = 0.5


class RmDriverArm:
    """See `Transport`. Runs a node and a thread of its own, so that it may be waited for.

    Args:
        namespace: where the driver's topics are.
        period: between targets, s; see `follows_high`.
    """

    def __init__(self, namespace: str, period: float = STREAM_PERIOD) -> None:
        self._follow, self._period = follows_high(period), period
        self._sender = TargetSender(period)
        self._messages = realman_messages()
        self._namespace = namespace
        self._node: Node | None = None
        self._executor: SingleThreadedExecutor | None = None
        self._thread: threading.Thread | None = None

    def connect(self, timeout: float = 5.0) -> ArmInfo:
        """See `Transport`."""
        self.close()
        deadline = time.monotonic() + timeout
        try:
            self._open()
            self._await_driver(deadline)
            self._publish("rm_driver/set_tool_voltage_cmd", UInt16(data=SUPPLY_24V))
        except BaseException:
            self.close()
            raise
        return ArmInfo("RM75 behind rm_driver", "firmware unknown", RM75_LIMITS)

    def close(self) -> None:
        """See `Transport`."""
        if self._executor is not None and self._thread is not None:
            self._executor.shutdown()
            self._thread.join()
        if self._node is not None:
            self._node.destroy_node()
        self._node = self._executor = self._thread = None

    @property
    def alive(self) -> bool:
        """See `Transport`."""
        running = self._thread is not None and self._thread.is_alive()
        return running and is_heard(self._targets)

    @property
    def can_stop(self) -> bool:
        """See `Transport`."""
        return self._node is not None and self._stop.heard

    def send(self, target: Target) -> None:
        """See `Transport`; no way to rest goes out in the place of a target that does not come."""
        q = checked_target(target.q)
        if not self.alive:
            raise ArmConnectionError("the vendor's rm_driver has gone. " + START_HINT)
        now = time.monotonic()
        if now - max(self._judge.stamp, self._judge.heard) > STALE:
            return
        if not self._sender.offer(target, now):
            return
        self._sender.sent(now)
        # With another dof the driver sends seven joints all the same, the last from nowhere.
        message = self._messages.Jointpos(joint=q.tolist(), follow=self._follow, expand=0.0)
        message.dof = len(JOINT_NAMES)
        self._targets.publish(message)

    def point(self) -> Point | None:
        """See `Transport`."""
        return self._sender.point(time.monotonic())

    def can_brake(self) -> bool:
        """See `Transport`; there is no second way."""
        return False

    def brake(self, target: Target) -> None:
        """See `Transport`."""
        raise ArmConnectionError("nothing goes past the vendor's rm_driver")

    def send_gripper(self, opening: float) -> None:
        """See `Transport`."""
        if self._node is None:
            raise ArmConnectionError("the arm is not connected")
        self._gripper.move(opening)

    def latest(self) -> ArmState | None:
        """See `Transport`."""
        if self._node is None:
            return None
        with self._lock:
            if self._judge.q is None:
                return None
            return ArmState(
                q=self._judge.q,
                stamp=self._judge.stamp,
                gripper=self._gripper.opening,
                controller_errors=tuple(sorted(set().union(*self._errors.values()) - {0})),
                joint_errors=self._joint_errors if any(self._joint_errors) else (),
            )

    def stop(self) -> None:
        """See `Transport`; as good as the driver, which stops when it gets round to it."""
        if self._node is None:
            raise ArmConnectionError("the arm is not connected; use the emergency button")
        self._stop.stop()

    def drag(self, on: bool) -> None:
        """See `Transport`; the vendor's driver does not tell whether the arm is dragged."""
        raise ArmConnectionError(
            "guiding by hand needs transport: api, which knows when the arm gives way"
        )

    def clear_errors(self) -> None:
        """See `Transport`."""
        self.stop()
        for joint, bits in enumerate(self._joint_errors, start=1):
            if not bits:
                continue
            self._cleared.clear()
            message = self._messages.Jointerrclear(joint_num=joint, block=True)
            self._publish("rm_driver/set_joint_err_clear_cmd", message)
            if not self._cleared.wait(REPLY_TIMEOUT):
                raise ArmConnectionError(f"the error of joint {joint} is not cleared")
        # Only later drivers have it; the one of 2024-08 clears no error of the controller.
        self._publish("rm_driver/clear_system_err_cmd", Empty())

    def _open(self) -> None:
        self._sender = TargetSender(self._period)
        self._lock = threading.Lock()
        self._judge = JointStateJudge()
        self._joint_errors: tuple[int, ...] = ()
        self._errors: dict[str, set[int]] = {}
        self._dof = 0
        self._cleared = threading.Event()
        self._publishers: dict[str, Any] = {}
        # The name given to the arm node on the command line must not become this one's.
        rename = ["--ros-args", "-r", "__node:=arm_rm_driver"]
        node = GuardedNode(
            "arm_rm_driver",
            namespace=self._namespace,
            cli_args=rename,
            start_parameter_services=False,
        )
        self._node = node
        self._targets = node.create_publisher(self._messages.Jointpos, TARGETS, COMMANDS)
        self._stop = RmDriverStop(node, COMMANDS)
        self._gripper = RmDriverGripper(node, self._messages, COMMANDS)
        self._subscribe()
        node.create_timer(TICK, self._tick)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)
        self._thread = threading.Thread(target=self._spin, name="rm-driver", daemon=True)
        self._thread.start()

    def _subscribe(self) -> None:
        assert self._node is not None
        m, subscribe = self._messages, self._node.create_subscription
        subscribe(JointState, JOINT_STATES, self._on_joint_state, COMMANDS)
        subscribe(m.Jointerrorcode, "rm_driver/udp_joint_error_code", self._on_joint_errors, 1)
        subscribe(m.Armstate, "rm_driver/get_current_arm_state_result", self._on_answer, COMMANDS)
        if hasattr(m, "Rmerr"):
            subscribe(m.Rmerr, "rm_driver/udp_rm_err", self._on_error_list, 1)
        else:
            subscribe(UInt16, "rm_driver/udp_sys_err", partial(self._on_error, "system"), 1)
            subscribe(UInt16, "rm_driver/udp_arm_err", partial(self._on_error, "arm"), 1)
        subscribe(Bool, "rm_driver/set_joint_err_clear_result", self._on_cleared, COMMANDS)

    def _spin(self) -> None:
        assert self._executor is not None
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()

    def _await_driver(self, deadline: float) -> None:
        def await_that(condition: Any, problem: str) -> None:
            while not condition():
                if time.monotonic() > deadline:
                    raise ArmConnectionError(problem)
                time.sleep(TICK)

        await_that(lambda: self.alive, f"no rm_driver listens on {TARGETS}. {START_HINT}")
        await_that(self._stop.find, f"the rm_driver takes no stop on {STOP}; update it")
        await_that(
            lambda: self._dof, "the rm_driver sends no joint error codes; is its arm connected?"
        )
        if self._dof != len(JOINT_NAMES):
            raise ArmConnectionError(
                f"the rm_driver drives an arm of {self._dof} joints, not an RM75: set arm_dof to 7 "
                "and arm_type to RM_75 in its parameter file"
            )
        await_that(
            lambda: self._judge.q is not None,
            f"no state of the arm: either nothing comes on {JOINT_STATES} ({START_HINT}), or it "
            "is not where the controller says the arm is (set udp_ip of the driver's parameter "
            "file to this computer's address)",
        )

    def _publish(self, topic: str, message: Any) -> None:
        if self._node is None:
            raise ArmConnectionError("the arm is not connected")
        if topic not in self._publishers:
            self._publishers[topic] = self._node.create_publisher(type(message), topic, COMMANDS)
        self._publishers[topic].publish(message)

    def _tick(self) -> None:
        """Ask the controller where the arm is, send the gripper what was not yet sent."""
        now = time.monotonic()
        with self._lock:
            ask = self._judge.must_ask(now)
        if ask:
            self._publish("rm_driver/get_current_arm_state_cmd", Empty())
        self._gripper.tick()

    def _on_joint_state(self, message: JointState) -> None:
        with self._lock:
            self._judge.on_joint_state(message.position, time.monotonic())

    def _on_answer(self, message: Any) -> None:
        with self._lock:
            self._judge.on_answer(message.joint, time.monotonic())
        self._keep("answer", errors_of(message))

    def _on_joint_errors(self, message: Any) -> None:
        self._dof = message.dof
        self._joint_errors = tuple(int(bits) for bits in message.joint_error)[: len(JOINT_NAMES)]

    def _on_error_list(self, message: Any) -> None:
        self._keep("udp_rm_err", list(message.err)[: message.err_len])

    def _on_cleared(self, message: Bool) -> None:
        if message.data:
            self._cleared.set()

    def _on_error(self, source: str, message: UInt16) -> None:
        self._keep(source, [message.data])

    def _keep(self, source: str, codes: list[int]) -> None:
        with self._lock:
            self._errors[source] = {int(code) for code in codes}
