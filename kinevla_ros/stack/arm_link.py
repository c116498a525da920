"""What a command knows of an arm node, and asks of it: state, limits, services."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import rclpy
from numpy.typing import NDArray
from rcl_interfaces.srv import GetParameters
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool, Trigger

from kinevla_ros.base import topics
from kinevla_ros.base.chunk import JOINT_NAMES
from kinevla_ros.data.synchronisation.joint_states import GRIPPER, positions_by_name
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.arm.node import TARGETS
from kinevla_ros.nodes.arm.parameters import limits_from, workspace_from
from kinevla_ros.nodes.ros.messages import Stamps
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.robot.gate.workspace import Workspace
from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.stack.processes.isolation import (
    confine,
    free_tcp_port,
    free_udp_port,
    has_neighbours,
    own_domain,
)
from kinevla_ros.stack.processes.launcher import (
    CELL_HOST,
    POLL,
    Interrupted,
    Launcher,
    client_node,
    parameter_file,
    simulated,
)

Array = NDArray[np.float64]

LOOK = 3.0
"""An arm node elsewhere answers by then, s."""

LOOK_HERE = 12.0
"""An arm node is found by then where this computer has nodes, s: it announces itself every 3 s, and
a busy computer loses some of that. Another cell must not be started beside it."""

ANSWER_TIMEOUT, ASK_AGAIN = 10.0, 1.0
"""How long to wait for a service, and how long for one answer before it is asked again, s."""

_LIMITS = ("lower", "upper", "velocity", "acceleration", "jerk")
_WORKSPACE = (
    "x", "y", "top", "table", "link_clearance", "finger_clearance", "self_clearance",
)  # fmt: skip
GATE = [*(f"limits.{name}" for name in _LIMITS), *(f"workspace.{name}" for name in _WORKSPACE)]
"""Parameters of the arm node that its gate goes by."""


class NoArm(RuntimeError):
    """The arm node is not there, does not answer, or does not permit motion; says what to do."""


class ArmLink:
    """Follows the topics of an arm node.

    Args:
        node: of this process, in the arm's namespace.
        interrupted: Ctrl-C.
        launcher: of the processes that were started for this, if any were.

    Attributes:
        status: what the arm node said last; None before the first.
        q, opening: where joints (rad, shape (7,)) and gripper (m) are; None before the first.
        commanded: where the arm was sent last, shape (7,), rad; None while nothing is streamed.
        measured_at: when `q` was measured, monotonic, s.
        on_joints, on_status: called with each of them.
    """

    def __init__(
        self, node: Node, interrupted: threading.Event, launcher: Launcher | None = None
    ) -> None:
        self.node, self.stamps = node, Stamps(node.get_clock())
        self._interrupted, self._launcher = interrupted, launcher
        self.status: SafetyStatus | None = None
        self.q: Array | None = None
        self.opening: float | None = None
        self.measured_at = -np.inf
        self._commanded: Array | None = None
        self._commanded_at = -np.inf
        self.on_joints: Callable[[float, Array, float | None], None] = lambda *_: None
        self.on_status: Callable[[SafetyStatus], None] = lambda _: None
        node.create_subscription(JointState, topics.JOINT_STATES, self._take_joints, 10)
        node.create_subscription(JointState, TARGETS, self._take_target, 10)
        node.create_subscription(SafetyStatus, topics.SAFETY_STATUS, self._take_status, LATCHED)

    @property
    def name(self) -> str:
        """The arm node's name, for messages."""
        return self.node.resolve_topic_name("arm")

    @property
    def commanded(self) -> Array | None:
        """See the class."""
        return self._commanded if time.monotonic() - self._commanded_at < 0.5 else None

    def spin(self, timeout: float) -> None:
        """Serve the node for at most `timeout` s.

        Raises:
            Interrupted: Ctrl-C.
            LaunchError: a process that was started for this has ended.
        """
        if self._launcher is not None:
            self._launcher.spin(timeout)
        else:
            rclpy.spin_once(self.node, timeout_sec=timeout)
        if self._interrupted.is_set():
            raise Interrupted

    def spin_until(self, due: float) -> None:
        """Serve the node until a monotonic time, s; raises as `spin` does."""
        while (left := due - time.monotonic()) > 0:
            self.spin(min(left, POLL))

    def wait_for(self, condition: Callable[[], object], timeout: float) -> bool:
        """Serve the node until the condition holds; whether it does within `timeout` s."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.spin(POLL)
        return True

    def seen(self) -> bool:
        """Whether the arm node has said where the arm is and what it does."""
        return self.status is not None and self.q is not None

    def enabled(self) -> bool:
        """Whether the arm node has said where the arm is and takes targets."""
        idle = (SafetyStatus.DISABLED, SafetyStatus.FAULTED)
        return self.seen() and self.status is not None and self.status.state not in idle

    def silent_for(self) -> float:
        """Time since the joints were measured last, s."""
        return time.monotonic() - self.measured_at

    def take_interrupt(self) -> None:
        """Ctrl-C has been obeyed: what is left to do may be waited for."""
        self._interrupted.clear()

    def away(self, place: Array) -> Array:
        """How far each joint is from a place, shape (7,), rad; infinite where that is unknown."""
        return np.full(len(place), np.inf) if self.q is None else np.abs(self.q - place)

    def require_enabled(self) -> None:
        """Raise NoArm unless the arm takes targets at full speed, now."""
        status = self.status
        if status is None or self.q is None:
            raise NoArm(f"no arm node {self.name} is heard; start the nodes: kinevla up")
        if not self.enabled():
            raise NoArm(f"the arm does not move: {status.reason}")
        if status.speed_scaling == 0.0:
            raise NoArm(f"the arm is paused: call {self.name}/pause with false first")

    def gate(self) -> tuple[JointLimits, Workspace]:
        """What the arm node goes by. Raises NoArm if it does not say."""
        named = self.parameters(GATE)
        try:
            return limits_from(named), workspace_from(named)
        except (ValueError, TypeError) as problem:
            raise NoArm(f"{self.name} does not say what its gate goes by: {problem}") from problem

    def parameters(self, names: Sequence[str]) -> dict[str, Any]:
        """Values of the arm node's parameters. Raises NoArm if it does not say."""
        request = GetParameters.Request(names=list(names))
        answer = self.ask(GetParameters, topics.ARM_GET_PARAMETERS, request)
        values = [parameter_value_to_python(value) for value in answer.values]
        return dict(zip(names, values, strict=True))

    def trigger(self, service: str) -> None:
        """Call a service without arguments. Raises NoArm where it says no or nothing."""
        self._require(service, self.ask(Trigger, service, Trigger.Request()))

    def switch(self, service: str, on: bool) -> None:
        """Call a service that switches something. Raises NoArm where it says no or nothing."""
        self._require(service, self.ask(SetBool, service, SetBool.Request(data=on)))

    def _require(self, service: str, answer: Any) -> None:
        if not answer.success:
            raise NoArm(f"{self.node.resolve_service_name(service)}: {answer.message}")

    def ask(self, kind: Any, service: str, request: Any) -> Any:
        """Ask until there is an answer: a request sent right after discovery may be lost.

        Raises NoArm where none comes.
        """
        client = self.node.create_client(kind, service)
        deadline = time.monotonic() + ANSWER_TIMEOUT
        try:
            while time.monotonic() < deadline:
                if not self.wait_for(client.service_is_ready, ASK_AGAIN):
                    continue
                future = client.call_async(request)
                if self.wait_for(future.done, ASK_AGAIN):
                    return future.result()
        finally:
            self.node.destroy_client(client)
        raise NoArm(f"{self.node.resolve_service_name(service)} does not answer")

    def _take_joints(self, message: JointState) -> None:
        named = positions_by_name(message, f"/{topics.JOINT_STATES}")
        if not named.keys() >= {*JOINT_NAMES}:
            return
        self.q = np.array([named[name] for name in JOINT_NAMES])
        self.opening = named.get(GRIPPER, self.opening)
        self.measured_at = self.stamps.to_monotonic(message.header.stamp)
        self.on_joints(self.measured_at, self.q, self.opening)

    def _take_target(self, message: JointState) -> None:
        named = positions_by_name(message, TARGETS)
        self._commanded = np.array([named[name] for name in JOINT_NAMES])
        self._commanded_at = time.monotonic()

    def _take_status(self, message: SafetyStatus) -> None:
        self.status = message
        self.on_status(message)


@contextmanager
def arm_or_cell(
    name: str, namespace: str = "", discovery: str = "", cell: bool = True
) -> Iterator[ArmLink]:
    """The arm node that runs; where there is none, a simulated cell in a place of its own.

    Args:
        name: of this process's node.
        namespace: of the arm's nodes.
        discovery: see `confine`.
        cell: whether a cell may be started.

    Raises:
        Interrupted: Ctrl-C.
        LaunchError: the cell does not start.
        NoArm: there is no arm node, and a cell is not what was asked for.
    """
    confine(discovery)
    look = LOOK_HERE if has_neighbours() else LOOK
    with client_node(name, namespace) as (node, interrupted):
        link = ArmLink(node, interrupted)
        if link.wait_for(lambda: link.status is not None, look):
            link.wait_for(link.seen, look)
            yield link
            return
    if namespace or discovery or not cell:
        arm = f"/{namespace}/arm".replace("//", "/")
        raise NoArm(f"no arm node {arm} is found within {look:.0f} s; start it: kinevla up")
    print("no arm node runs here: starting a simulated cell for this", file=sys.stderr)
    own_domain()
    port = free_tcp_port(CELL_HOST)
    nodes: dict[str, dict[str, Any]] = {
        "cell": {"host": CELL_HOST, "port": port},
        "arm": {**simulated(port), "udp_port": free_udp_port(CELL_HOST)},
    }
    with (
        client_node(name) as (node, interrupted),
        Launcher(node, interrupted, parameter_file(None), nodes, "warn") as launcher,
    ):
        link = ArmLink(node, interrupted, launcher)
        launcher.bring_up()
        link.wait_for(link.enabled, ANSWER_TIMEOUT)
        yield link
