"""The arm node: action chunks in, the arm's state out; the stream is another process's."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.publisher import Publisher
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool, Trigger

from kinevla_ros.base import topics
from kinevla_ros.msg import ActionChunk, SafetyStatus
from kinevla_ros.nodes.arm.display import ArmDisplay
from kinevla_ros.nodes.arm.make_driver import make_driver
from kinevla_ros.nodes.arm.parameters import PARAMETERS, workspace_from
from kinevla_ros.nodes.arm.rivals import Rivals
from kinevla_ros.nodes.arm.speed_scaling import SpeedScaling
from kinevla_ros.nodes.arm.stages import arm_stages
from kinevla_ros.nodes.arm.stall_recovery import PERIOD as RECOVERY_PERIOD
from kinevla_ros.nodes.arm.stall_recovery import recovered
from kinevla_ros.nodes.ros.latency import Latency
from kinevla_ros.nodes.ros.logs.text import TEXT, bounded
from kinevla_ros.nodes.ros.managed import Diagnosis, ManagedNode
from kinevla_ros.nodes.ros.messages import (
    Stamps,
    chunk_from_message,
    joints_to_message,
    status_to_message,
    target_from_message,
)
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.nodes.ros.runtime import run
from kinevla_ros.nodes.ros.subscribe import subscribe
from kinevla_ros.robot.driver.client import DriverClient
from kinevla_ros.robot.driver.driver import STREAM_FAILED
from kinevla_ros.robot.driver.tick import Tick
from kinevla_ros.robot.gate.check_result import CheckResult, Fault, refused
from kinevla_ros.robot.host.priority import ADVICE
from kinevla_ros.robot.status import SafetyState, Status
from kinevla_ros.robot.transport import ArmConnectionError

TARGETS = topics.JOINT_TARGETS
STATUS_PERIOD = 0.1
ENABLE_TIMEOUT = 3.0
TRIED_AGAIN = 5.0
"""Why a simulated arm cannot go on is said at most so often, s."""


class ArmNode(ManagedNode):
    """Client of the driver's process, see `robot.driver.process`."""

    def __init__(self) -> None:
        super().__init__("arm", PARAMETERS)
        self._stamps = Stamps(self.get_clock())
        self._driver: DriverClient | None = None
        self._targets: Publisher | None = None
        self._status: Status | None = None
        self._status_due = self._ticked_at = 0.0
        self._periods = Latency()
        self._joints = self.create_publisher(JointState, topics.JOINT_STATES, 10)
        self._rivals = Rivals(self, self._joints, TARGETS)
        self._display = ArmDisplay(self, self._stamps, self.values["frame_prefix"])
        self._safety = self.create_publisher(SafetyStatus, topics.SAFETY_STATUS, LATCHED)
        drop = partial(self._refuse, "chunk", Fault.INVALID_CHUNK)
        subscribe(self, ActionChunk, topics.ACTION_CHUNK, self._follow, drop)
        # As leader arms publish where they are.
        drop = partial(self._refuse, "teleoperation", Fault.INVALID_TARGET)
        subscribe(self, JointState, topics.TELEOP_TARGETS, self._lead, drop)
        SpeedScaling(self, self._set_speed)
        self.create_timer(RECOVERY_PERIOD, self._go_on)
        self.create_service(SetBool, "~/enable", self._on_enable)
        self.create_service(SetBool, "~/pause", self._on_pause)
        self.create_service(SetBool, "~/drag", self._on_drag)
        self.create_service(Trigger, "~/stop", self._on_stop)
        self.create_service(Trigger, "~/reset", self._on_reset)

    def configure(self) -> None:
        """Connect to the arm."""
        self._driver = make_driver(self, self.values, self._on_tick)
        info = self._driver.connect()
        self.hardware_id = f"{info.model} at {self._driver.arm}"
        self.get_logger().info(f"connected to {info.model}, {info.firmware}, at {self._driver.arm}")
        if not self._driver.prompt:
            self.get_logger().warning(ADVICE)

    def cleanup(self) -> None:
        """Disconnect."""
        if self._driver is not None:
            self._driver.close()
        self._driver = None

    def activate(self) -> None:
        """Publish the arm's state and stream as soon as motion is enabled."""
        assert self._driver is not None
        self._rivals.refuse(self._targets is not None)
        self._periods.clear()
        self._status = None
        self._targets = self.create_publisher(JointState, TARGETS, 10)
        self._driver.start()
        self._display.show(self._driver.limits, workspace_from(self.values))
        if self.values["enable_on_activate"]:
            self._enable_soon(self._driver)

    def deactivate(self) -> None:
        """Slow down to rest, then stop."""
        if self._driver is not None:
            self._driver.finish()
        if self._targets is not None:
            self.destroy_publisher(self._targets)
            self._targets = None

    def diagnosis(self) -> Diagnosis:
        """State of the arm and of the connection."""
        if self._driver is None or not self._driver.connected:
            return Diagnosis("no connection to the arm; trying again", DiagnosticStatus.ERROR)
        if self._driver.failed:
            return Diagnosis(STREAM_FAILED, DiagnosticStatus.ERROR)
        if self._status is None:
            return Diagnosis("no tick yet", DiagnosticStatus.WARN)
        status = self._status
        faulted = status.state is SafetyState.FAULTED
        return Diagnosis(
            f"{status.state.name.lower()}: {status.reason}".rstrip(": "),
            DiagnosticStatus.ERROR if faulted else DiagnosticStatus.OK,
            {
                "fault": status.fault.name,
                "refused chunks": str(status.refused_chunks),
                "stream period": self._periods.summary(),
            },
        )

    def stages(self) -> dict[str, Diagnosis]:
        """Link, controller, stream and chunks."""
        if self._driver is None or self._status is None:
            return {}
        return arm_stages(self._driver, self._status, self._periods, 1 / self.values["rate"])

    def _on_tick(self, tick: Tick) -> None:
        """Publish what the tick gave; called from the driver client's thread."""
        if self._ticked_at:
            self._periods.add(tick.now - self._ticked_at)
        self._ticked_at = tick.now
        if tick.state is not None:
            stamp = self._stamps.to_ros(tick.state.stamp)
            self._rivals.note(stamp)
            self._joints.publish(joints_to_message(tick.state.q, tick.state.gripper, stamp))
        if tick.sample is not None and self._targets is not None:
            stamp = self._stamps.to_ros(tick.now)
            self._targets.publish(
                joints_to_message(tick.sample.position, tick.sample.gripper, stamp)
            )
        self._publish_status(tick)
        self._display.on_tick(tick)

    def _publish_status(self, tick: Tick) -> None:
        """Publish the status when it changes, and ten times a second."""
        last, self._status = self._status, tick.status
        changed = last is None or (last.state, last.fault) != (tick.status.state, tick.status.fault)
        if changed and tick.status.state is SafetyState.FAULTED:
            self.get_logger().error(f"{tick.status.fault.name}: {tick.status.reason}")
        if changed or tick.now >= self._status_due:
            self._status_due = tick.now + STATUS_PERIOD
            stamp, name = self._stamps.to_ros(tick.now), self.get_fully_qualified_name()
            message = status_to_message(tick.status, stamp, name)
            message.shadow = self.values["shadow"]
            self._safety.publish(message)

    def _go_on(self) -> None:
        """Let a simulated arm that has stalled go on."""
        if not self.values["simulated"] or self.state != "active" or self._driver is None:
            return
        try:
            stall = recovered(self._driver, self._status)
        except RuntimeError as error:
            text = f"the simulated arm cannot go on yet, it is tried again: {error}"
            self.get_logger().warning(text, throttle_duration_sec=TRIED_AGAIN)
            return
        if stall:
            self.get_logger().warning(f"the simulated arm goes on after {stall}")

    def _follow(self, message: ActionChunk) -> None:
        if self.values["shadow"]:
            return
        if clock := self.clock_watch.problem():
            self._refuse("chunk", Fault.STALE_CHUNK, clock)
            return
        try:
            chunk = chunk_from_message(message, self._stamps)
        except ValueError as error:
            self._refuse("chunk", Fault.INVALID_CHUNK, str(error))
            return
        if self._hand_over("chunk", lambda driver: driver.follow(chunk)):
            self._display.follow(chunk)

    def _lead(self, message: JointState) -> None:
        if clock := self.clock_watch.problem():
            self._refuse("teleoperation", Fault.INVALID_TARGET, clock)
            return
        try:
            target = target_from_message(message, self._stamps)
        except ValueError as error:
            self._refuse("teleoperation", Fault.INVALID_TARGET, str(error))
            return
        self._hand_over("teleoperation", lambda driver: driver.lead(target))

    def _set_speed(self, percent: float) -> str:
        """Set the speed, now or for the start; returns why it cannot be so, or nothing."""
        if self.state == "active" and self._driver is not None:
            result = self._driver.set_speed(percent)
            if not result.ok:
                return result.reason
        elif not 0 <= percent <= 100:
            return f"speed scaling cannot be {percent} %; give 0 to 100 %"
        self.values["speed_scaling"] = percent
        return ""

    def _refuse(self, what: str, fault: Fault, problem: str) -> None:
        """Count and name what cannot be read."""
        reason = bounded(problem)
        self._hand_over(what, lambda driver: driver.refuse(fault, reason))

    def _hand_over(self, what: str, request: Callable[[DriverClient], CheckResult]) -> bool:
        """Hand a message of the active node to the driver; returns whether it is accepted."""
        if self.state != "active" or self._driver is None:
            return False
        try:
            result = request(self._driver)
        except ArmConnectionError as error:
            result = refused(Fault.CONNECTION_LOST, str(error))
        if not result.ok:
            reason = f"{what} refused: {result.reason}"
            self.get_logger().warning(reason, throttle_duration_sec=1.0)
        return result.ok

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        if request.data:
            return self._serve(response, self._enable, "motion is enabled")
        return self._serve(response, lambda driver: driver.disable(), "slowing down, then disabled")

    def _on_pause(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        done = "paused" if request.data else "going on"
        return self._serve(response, lambda driver: driver.pause(request.data), done)

    def _on_drag(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        done = "the arm gives way to a hand" if request.data else "the arm holds where it is"
        return self._serve(response, lambda driver: driver.drag(request.data), done)

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._serve(response, lambda driver: driver.stop(), "stopped until /arm/reset")

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._serve(response, lambda driver: driver.reset(), "call /arm/enable to move")

    def _serve(
        self, response: Any, act: Callable[[DriverClient], CheckResult | None], done: str
    ) -> Any:
        try:
            if self.state != "active" or self._driver is None:
                raise ArmConnectionError("the arm node is not active")
            result = act(self._driver)
        except RuntimeError as error:
            response.success, response.message = False, bounded(str(error), TEXT)
            return response
        response.success = result is None or result.ok
        response.message = done if result is None or result.ok else bounded(result.reason, TEXT)
        return response

    def _enable(self, driver: DriverClient) -> CheckResult:
        self._rivals.refuse(self._targets is not None)
        return driver.enable()

    def _enable_soon(self, driver: DriverClient) -> None:
        """Enable as soon as the arm has been seen at rest."""
        deadline = time.monotonic() + ENABLE_TIMEOUT
        while not (result := driver.enable()).ok:
            if time.monotonic() > deadline:
                raise RuntimeError(f"motion cannot be enabled: {result.reason}")
            time.sleep(0.05)


def main() -> int:
    """Run the node; returns the exit code."""
    return run(ArmNode, prompt=True)


if __name__ == "__main__":
    sys.exit(main())
