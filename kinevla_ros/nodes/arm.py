"""The arm node: action chunks in, a stream of joint targets to the arm, its state out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.publisher import Publisher
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64
from std_srvs.srv import SetBool, Trigger

from kinevla_ros.msg import ActionChunk, SafetyStatus
from kinevla_ros.nodes.arm_display import ArmDisplay
from kinevla_ros.nodes.arm_parameters import PARAMETERS, limits_from, workspace_from
from kinevla_ros.nodes.arm_stages import arm_stages
from kinevla_ros.nodes.claim import Claim
from kinevla_ros.nodes.latency import Latency
from kinevla_ros.nodes.managed import Diagnosis, ManagedNode
from kinevla_ros.nodes.messages import (
    Stamps,
    chunk_from_message,
    joints_to_message,
    status_to_message,
    target_from_message,
)
from kinevla_ros.nodes.qos import LATCHED
from kinevla_ros.nodes.rm_driver import RmDriverArm
from kinevla_ros.nodes.runtime import run
from kinevla_ros.nodes.subscribe import subscribe
from kinevla_ros.nodes.text import TEXT, bounded
from kinevla_ros.robot.driver import STREAM_FAILED, ArmDriver, Tick
from kinevla_ros.robot.status import SafetyState, Status
from kinevla_ros.robot.transport import ArmConnectionError, Transport
from kinevla_ros.robot.vendor import VendorArm
from kinevla_ros.robot.verdict import Fault, Verdict, refused

TARGETS = "kinevla/joint_targets"
STATUS_PERIOD = 0.1
ENABLE_TIMEOUT = 3.0
MALFORMED = {"chunk": Fault.INVALID_CHUNK, "teleoperation": Fault.INVALID_TARGET}


class ArmNode(ManagedNode):
    """Streams from the driver's thread; chunks and services come in here."""

    def __init__(self) -> None:
        super().__init__("arm", PARAMETERS)
        self._stamps = Stamps(self.get_clock())
        self._driver: ArmDriver | None = None
        self._claim: Claim | None = None
        self._targets: Publisher | None = None
        self._status: Status | None = None
        self._status_due = self._ticked_at = 0.0
        self._periods = Latency()
        self._joints = self.create_publisher(JointState, "/joint_states", 10)
        self._display = ArmDisplay(self, self._stamps)
        self._safety = self.create_publisher(SafetyStatus, "kinevla/safety_status", LATCHED)
        no_chunk, no_target, no_speed = (
            partial(self._drop, kind) for kind in ("chunk", "teleoperation", "speed scaling")
        )
        subscribe(self, ActionChunk, "kinevla/action_chunk", self._on_chunk, no_chunk)
        # As leader arms publish where they are.
        subscribe(self, JointState, "kinevla/teleop_targets", self._on_teleop, no_target)
        subscribe(self, Float64, "~/speed_scaling", self._on_speed_scaling, no_speed)
        self.create_service(SetBool, "~/enable", self._on_enable)
        self.create_service(SetBool, "~/pause", self._on_pause)
        self.create_service(Trigger, "~/stop", self._on_stop)
        self.create_service(Trigger, "~/reset", self._on_reset)

    def configure(self) -> None:
        """Connect to the arm."""
        values = self.values
        arm, where = self._transport()
        self._claim = Claim(where)
        limits, workspace = limits_from(values), workspace_from(values)
        self._driver = ArmDriver(arm, values["rate"], limits, workspace, self._on_tick)
        info = self._driver.connect()
        self._driver.set_speed(values["speed_scaling"])
        self.hardware_id = f"{info.model} at {where}"
        self.get_logger().info(f"connected to {info.model}, {info.firmware}, at {where}")

    def _transport(self) -> tuple[Transport, str]:
        """Return the way to the arm, not connected, and the arm's name."""
        values = self.values
        period = 1 / values["rate"]
        if values["transport"] == "rm_driver":
            return RmDriverArm(self.get_namespace(), period), self.resolve_topic_name("rm_driver")
        ip, port = values["arm_ip"], values["arm_port"]
        host_ip = values["host_ip"] or None
        arm = VendorArm(ip, port, values["udp_port"], host_ip, period=period)
        return arm, f"{ip}:{port}"

    def cleanup(self) -> None:
        """Disconnect."""
        if self._driver is not None:
            self._driver.close()
        if self._claim is not None:
            self._claim.release()
        self._driver = self._claim = None

    def activate(self) -> None:
        """Publish the arm's state and stream as soon as motion is enabled."""
        assert self._driver is not None
        self._refuse_a_second_node()
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
        """Publish what the tick gave; called from the streaming thread."""
        if self._ticked_at:
            self._periods.add(tick.now - self._ticked_at)
        self._ticked_at = tick.now
        if tick.state is not None:
            stamp = self._stamps.to_ros(tick.state.stamp)
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
            self._safety.publish(status_to_message(tick.status, self._stamps.to_ros(tick.now)))

    def _on_chunk(self, message: ActionChunk) -> None:
        if self.state != "active" or self._driver is None:
            return
        try:
            chunk = chunk_from_message(message, self._stamps)
        except ValueError as error:
            self._drop("chunk", str(error))
            return
        verdict = self._driver.submit(chunk)
        if verdict.ok:
            self._display.on_chunk(chunk)
        self._warn_if_refused("chunk", verdict)

    def _on_teleop(self, message: JointState) -> None:
        if self.state != "active" or self._driver is None:
            return
        try:
            target = target_from_message(message, self._stamps)
        except ValueError as error:
            self._drop("teleoperation", str(error))
            return
        self._warn_if_refused("teleoperation", self._driver.lead(target))

    def _on_speed_scaling(self, message: Float64) -> None:
        if self._driver is not None:
            self._warn_if_refused("speed scaling", self._driver.set_speed(message.data))

    def _drop(self, what: str, problem: str) -> None:
        """Count and name what cannot be read."""
        verdict = refused(MALFORMED.get(what, Fault.NONE), bounded(problem))
        if what in MALFORMED and self.state == "active" and self._driver is not None:
            verdict = self._driver.refuse(verdict.fault, verdict.reason)
        self._warn_if_refused(what, verdict)

    def _warn_if_refused(self, what: str, verdict: Verdict) -> None:
        if not verdict.ok:
            reason = f"{what} refused: {verdict.reason}"
            self.get_logger().warning(reason, throttle_duration_sec=1.0)

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        if request.data:
            return self._serve(response, self._enable, "motion is enabled")
        return self._serve(response, lambda driver: driver.disable(), "slowing down, then disabled")

    def _on_pause(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        done = "paused" if request.data else "going on"
        return self._serve(response, lambda driver: driver.pause(request.data), done)

    def _on_stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._serve(response, lambda driver: driver.stop(), "stopped until /arm/reset")

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._serve(response, lambda driver: driver.reset(), "call /arm/enable to move")

    def _serve(self, response: Any, act: Callable[[ArmDriver], Verdict | None], done: str) -> Any:
        try:
            if self.state != "active" or self._driver is None:
                raise ArmConnectionError("the arm node is not active")
            verdict = act(self._driver)
        except RuntimeError as error:
            response.success, response.message = False, bounded(str(error), TEXT)
            return response
        response.success = verdict is None or verdict.ok
        response.message = done if verdict is None or verdict.ok else bounded(verdict.reason, TEXT)
        return response

    def _enable(self, driver: ArmDriver) -> Verdict:
        self._refuse_a_second_node()
        return driver.enable()

    def _enable_soon(self, driver: ArmDriver) -> None:
        """Enable as soon as the arm has been seen at rest."""
        deadline = time.monotonic() + ENABLE_TIMEOUT
        while not (verdict := driver.enable()).ok:
            if time.monotonic() > deadline:
                raise RuntimeError(f"motion cannot be enabled: {verdict.reason}")
            time.sleep(0.05)

    def _refuse_a_second_node(self) -> None:
        """Raise RuntimeError if another arm node streams, or somebody else tells joint states."""
        if self.count_publishers(self._joints.topic_name) > 1:
            raise RuntimeError(
                "another node publishes /joint_states, whose stamps and gripper may be wrong. End "
                "it; start the vendor's driver with -r joint_states:=rm_driver/joint_states"
            )
        own = 0 if self._targets is None else 1
        if self.count_publishers(TARGETS) > own:
            raise RuntimeError(
                f"another node publishes {self.resolve_topic_name(TARGETS)}: a second arm node "
                "would drive the same arm. End it, or give each arm its own namespace"
            )


def main() -> int:
    """Run the node; returns the exit code."""
    return run(ArmNode, prompt=True)


if __name__ == "__main__":
    sys.exit(main())
