"""Arm node, emulated controller and a chunk player as processes, and the ways to break them."""

from __future__ import annotations

import array
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool, Trigger

from kinevla_ros.base import topics
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.ros.messages import Stamps
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.host.child_process import child_of
from kinevla_ros.sim.controller.control import RemoteControl
from kinevla_ros.stack.processes import shared_memory
from kinevla_ros.stack.processes.isolation import free_udp_port
from kinevla_ros.stack.processes.launcher import CELL_HOST, Launcher, LaunchError

CALL_TIMEOUT = 10.0
RECOVERY_TIMEOUT = 30.0
RETRY = 0.1
POLL = 0.01
CLOCK_PERIOD = 0.02


class Emulator:
    """The emulated controller as a process; a context."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "kinevla_ros.cli", "emulate"]
        self.process = subprocess.Popen(
            [*command, "--host", CELL_HOST, "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        lines = [self.process.stdout.readline().split() for _ in range(2)]
        if not all(lines):
            raise LaunchError("the emulated controller does not start; see its message above")
        (self.host, port), (control_host, control_port) = (line[-1].split(":") for line in lines)
        self.port = int(port)
        self.control = RemoteControl(control_host, int(control_port))

    def __enter__(self) -> Emulator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.control.close()
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait()


@dataclass(frozen=True)
class SeenStatus:
    """A status: when the arm node decided it (monotonic, s), state and fault."""

    time: float
    state: int
    fault: str


class FaultRig:
    """Drives the processes from outside, over topics, services, signals and the control socket.

    Args:
        node: this process's node.
        launcher: of the arm node.
        emulator: of the controller.
        interruptions: gets what happens that was not asked for: the fault, or HOLDING, when the
            arm stops by itself, and calls without answer.
    """

    def __init__(
        self, node: Node, launcher: Launcher, emulator: Emulator, interruptions: list[str]
    ) -> None:
        self._node, self._launcher, self.emulator = node, launcher, emulator
        self._interruptions = interruptions
        self._clients: dict[str, Any] = {}
        self._stamps = Stamps(node.get_clock())
        self.seen: list[SeenStatus] = []
        self._clock_step: float | None = None
        self._clock = node.create_publisher(Clock, "/clock", 1)
        self._teleop = node.create_publisher(JointState, topics.TELEOP_TARGETS, 1)
        node.create_timer(CLOCK_PERIOD, self._publish_clock)
        self._player: subprocess.Popen[bytes] | None = None
        node.create_subscription(SafetyStatus, topics.SAFETY_STATUS, self._on_status, LATCHED)

    def close(self) -> None:
        """End the player."""
        self.kill_player()

    def spin_until(self, end: float) -> None:
        """Listen until `end` (monotonic, s)."""
        while time.monotonic() < end:
            self._launcher.spin(POLL)

    def await_status(
        self, wanted: Callable[[SeenStatus], bool], since: float, timeout: float
    ) -> SeenStatus | None:
        """Return the first status from `since` on that is wanted; None if none comes."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            found = [seen for seen in self.seen if seen.time >= since and wanted(seen)]
            if found:
                return found[0]
            self._launcher.spin(POLL)
        return None

    def start_moving(self) -> float:
        """Bring the arm to motion, whatever was before; returns when it was allowed to (s).

        Raises:
            LaunchError: it does not move.
        """
        end = time.monotonic() + RECOVERY_TIMEOUT
        self.start_player()
        allowed = time.monotonic()
        while time.monotonic() < end:
            state = self.seen[-1].state if self.seen else SafetyStatus.DISABLED
            if state == SafetyStatus.MOVING:
                return allowed
            if state == SafetyStatus.FAULTED:
                self._call(Trigger, f"/{topics.ARM_RESET}", Trigger.Request())
            elif state == SafetyStatus.DISABLED:
                allowed = time.monotonic()
                self._call(SetBool, f"/{topics.ARM_ENABLE}", SetBool.Request(data=True))
            self.spin_until(time.monotonic() + RETRY)
        raise LaunchError(f"the arm does not move again: {self.seen[-1] if self.seen else None}")

    def move_for(self, seconds: float) -> None:
        """Return when the arm has been moving for so long without a break.

        Raises:
            LaunchError: it does not move.
        """
        while True:
            self.start_moving()
            since = time.monotonic()
            stopped = self.await_status(
                lambda seen: seen.state != SafetyStatus.MOVING, since, seconds
            )
            if stopped is None:
                return
            faulted = stopped.state == SafetyStatus.FAULTED
            self._interruptions.append(stopped.fault if faulted else "HOLDING")

    def start_player(self) -> None:
        """Start the player unless it runs."""
        if self._player is None or self._player.poll() is not None:
            command = [sys.executable, "-m", "kinevla_ros.stack.faults.player"]
            self._player = subprocess.Popen(command, start_new_session=True)

    def kill_player(self) -> None:
        """Kill the player."""
        if self._player is not None:
            shared_memory.watch(self._player.pid)
            self._player.kill()
            self._player.wait()
            shared_memory.clean()

    def arm_node(self) -> int:
        """Process id of the arm node."""
        return self._launcher.pid("arm")

    def driver_process(self) -> int:
        """Process id of the driver."""
        return child_of(self.arm_node())

    def vendor_process(self) -> int:
        """Process id of the vendor library's process."""
        return child_of(self.driver_process())

    def kill_arm_node(self) -> None:
        """Kill the arm node."""
        self._launcher.kill("arm")

    def restart_arm_node(self) -> None:
        """Start the arm node again and activate it."""
        self._launcher.restart("arm")

    def step_clock(self, seconds: float) -> None:
        """Let the arm node's clock jump by so much."""
        self._clock_step = seconds
        self._publish_clock()
        self._use_sim_time(True)

    def restore_clock(self) -> None:
        """Let the arm node's clock jump back."""
        self._use_sim_time(False)
        self._clock_step = None

    def send_large(self, megabytes: int) -> None:
        """Publish a teleoperation target of so many megabytes, in numbers and in a name."""
        numbers = array.array("d", bytes(megabytes * 500_000))
        self._teleop.publish(JointState(name=["j" * (megabytes * 500_000)], position=numbers))

    def _publish_clock(self) -> None:
        if self._clock_step is not None:
            now = Time(seconds=time.time() + self._clock_step)
            self._clock.publish(Clock(clock=now.to_msg()))

    def _use_sim_time(self, on: bool) -> None:
        parameter = Parameter("use_sim_time", Parameter.Type.BOOL, on).to_parameter_msg()
        request = SetParameters.Request(parameters=[parameter])
        self._call(SetParameters, f"/{topics.ARM_SET_PARAMETERS}", request)

    def _call(self, kind: Any, name: str, request: Any) -> Any:
        """Call a service and return its answer; None, with a note, if there is none."""
        # One client for all calls: a new one would have to be discovered each time.
        if name not in self._clients:
            self._clients[name] = self._node.create_client(kind, name)
        client = self._clients[name]
        self._launcher.wait_for(client.service_is_ready, CALL_TIMEOUT, f"{name} is not there")
        future = client.call_async(request)
        end = time.monotonic() + CALL_TIMEOUT
        while not future.done():
            if time.monotonic() > end:
                self._interruptions.append(f"{name} without answer")
                return None
            self._launcher.spin(POLL)
        return future.result()

    def _on_status(self, message: SafetyStatus) -> None:
        stamp, now = self._stamps.to_monotonic(message.header.stamp), time.monotonic()
        # While the arm node's clock is stepped, its stamps are of no use.
        decided = stamp if self._clock_step is None else now
        self.seen.append(SeenStatus(decided, message.state, Fault(message.fault).name))


def emulated(emulator: Emulator) -> dict[str, Any]:
    """Parameters of an arm node that drives the emulated controller and waits to be enabled."""
    return {
        "transport": "api",
        "arm_ip": emulator.host,
        "arm_port": emulator.port,
        "udp_port": free_udp_port(CELL_HOST),
        "enable_on_activate": False,
    }
