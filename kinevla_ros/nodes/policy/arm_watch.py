"""What keeps the arm from following chunks, as the arm node reports it."""

from __future__ import annotations

import time

from rclpy.node import Node

from kinevla_ros.base import topics
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.nodes.ros.subscribe import subscribe
from kinevla_ros.robot.gate.check_result import Fault

STATUS = topics.SAFETY_STATUS
SILENCE = 1.0
"""The arm node reports ten times a second; without a word for so long it is busy or gone, s."""


class ArmWatch:
    """Listens to the arm node of this node's namespace.

    Args:
        node: that listens.
    """

    def __init__(self, node: Node) -> None:
        self._topic = node.resolve_topic_name(STATUS)
        self._arm = node.resolve_service_name("arm")
        self._status: SafetyStatus | None = None
        self._heard_at = 0.0
        subscribe(node, SafetyStatus, STATUS, self._on_status, lambda _: None, LATCHED)

    def _on_status(self, status: SafetyStatus) -> None:
        self._status, self._heard_at = status, time.monotonic()

    @property
    def speed(self) -> float:
        """Share of full speed that is asked of the arm (%); 0 while it is paused or unheard."""
        return self._status.speed_scaling if self._status else 0.0

    def obstacle(self) -> str:
        """Why the arm does not follow, and the way out; empty where nothing keeps it."""
        if self._status is None:
            return f"no arm node has reported on {self._topic}: start it, and see its messages"
        if (silent := time.monotonic() - self._heard_at) > SILENCE:
            return f"the arm node {self._arm} has been silent for {silent:.0f} s; is it active?"
        return obstacle_of(self._status, self._arm)


def obstacle_of(status: SafetyStatus, arm: str) -> str:
    """What of a status keeps the arm from following chunks; empty where nothing does.

    Args:
        status: as the arm node reports it.
        arm: that node's name, whose services are the way out.
    """
    if status.state == SafetyStatus.DISABLED:
        return f"the arm is disabled: {status.reason}"
    if status.state == SafetyStatus.FAULTED:
        reset = "" if "/reset" in status.reason else f"; call {arm}/reset"
        fault = f"{_name(status.fault)}: {status.reason}"
        return f"the arm is faulted, {fault}{reset}, then {arm}/enable"
    if status.shadow:
        return f"{arm} is in shadow mode and follows no chunk: start it without to let it move"
    if status.takeover:
        return f"a person leads the arm, on {arm.rpartition('/')[0]}/kinevla/teleop_targets"
    if status.speed_scaling == 0.0:
        paused = status.reason or f"0 % of its speed is asked for; set {arm}'s speed_scaling"
        return f"the arm is held: {paused}"
    if status.state == SafetyStatus.READY and status.reason:
        return f"the arm refuses what it is sent: {status.reason}"
    return ""


def _name(fault: int) -> str:
    try:
        return Fault(fault).name
    except ValueError:
        return f"fault {fault}"
