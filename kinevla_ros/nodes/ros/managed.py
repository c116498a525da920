"""What the three lifecycle nodes share: transitions that say why they fail, and diagnostics."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from kinevla_ros.nodes.ros.guard import EXPECTED, GuardedNode
from kinevla_ros.nodes.ros.logs.text import TEXT, bounded
from kinevla_ros.nodes.ros.parameters import Parameter, declare, listed
from kinevla_ros.nodes.ros.ros_clock import ClockWatch

DIAGNOSTICS_PERIOD = 1.0
CLOCK_PERIOD = 0.1


@dataclass(frozen=True)
class Diagnosis:
    """One line for /diagnostics, with figures."""

    text: str
    level: bytes = DiagnosticStatus.OK
    figures: dict[str, str] = field(default_factory=dict)


class ManagedNode(GuardedNode, LifecycleNode):
    """Lifecycle node whose subclass fills in `configure`, `activate`, `deactivate`, `cleanup`.

    An exception in `configure` or `activate` makes the transition fail: the node stays in the
    state it was in, and the reason goes to the console and, until a transition succeeds, to
    /diagnostics. A transition that is impossible in the node's state is refused.

    Args:
        name: the node's name.
        parameters: what a parameter file can set.

    Attributes:
        values: the parameters' values.
        hardware_id: for /diagnostics; what the node drives, empty if nothing.
        state: label of the lifecycle state.
        configuring: whether `configure` is under way.
        clock_watch: whether ROS time runs.
    """

    def __init__(self, name: str, parameters: dict[str, Parameter]) -> None:
        super().__init__(name)
        self.values: dict[str, Any] = declare(self, parameters)
        self.state = "unconfigured"
        self.hardware_id = ""
        self._problem = ""
        self.configuring = False
        self.clock_watch = ClockWatch(self.get_clock())
        self._lifecycle = self._service_change_state.callback
        self._service_change_state.callback = self._change_state
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_timer(CLOCK_PERIOD, self.clock_watch.problem)
        self.create_timer(DIAGNOSTICS_PERIOD, self.publish_diagnosis)

    def configure(self) -> None:
        """Acquire everything; raises when something is missing."""

    def activate(self) -> None:
        """Begin to act; raises when that is not possible now. ROS time runs."""

    def deactivate(self) -> None:
        """Stop acting, also after `activate` got only half way."""

    def cleanup(self) -> None:
        """Release everything, also after `configure` got only half way."""

    def diagnosis(self) -> Diagnosis:
        """How the active node is."""
        return Diagnosis("active")

    def stages(self) -> dict[str, Diagnosis]:
        """How each stage of the active node's work is, by its name."""
        return {}

    @property
    def finalized(self) -> bool:
        """Whether the lifecycle is over: only the process's end is left."""
        return str(self._state_machine.current_state[1]) == "finalized"

    def close(self) -> None:
        """Deactivate and clean up from whatever state the node is in."""
        if self.state == "active":
            self.trigger_deactivate()
        if self.state == "inactive":
            self.trigger_cleanup()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Lifecycle callback."""
        self.configuring = True
        try:
            return self._attempt("configure", self.configure, self.cleanup, "inactive")
        except KeyboardInterrupt:
            self.cleanup()
            raise
        finally:
            self.configuring = False

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Lifecycle callback."""
        return self._attempt("activate", self._activate, self.deactivate, "active")

    def _activate(self) -> None:
        if problem := self.clock_watch.problem():
            raise RuntimeError(problem)
        self.activate()

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Lifecycle callback."""
        self.state = "inactive"
        return self._finish("deactivation", self.deactivate)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Lifecycle callback."""
        self.state = "unconfigured"
        return self._finish("cleanup", self.cleanup)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Lifecycle callback; afterwards the process ends."""
        before, self.state = self.state, "finalized"
        if before == "active":
            stopped = self._finish("deactivation", self.deactivate)
            if stopped is not TransitionCallbackReturn.SUCCESS:
                return stopped
        return self._finish("cleanup", self.cleanup)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Lifecycle callback: a transition broke off; start over."""
        self.state = "unconfigured"
        return self._finish("cleanup", self.cleanup)

    def _finish(self, name: str, step: Callable[[], None]) -> TransitionCallbackReturn:
        """Do what must not fail; rclpy itself would hide that it did."""
        try:
            step()
        except Exception as error:
            self.fail(name, error)
            return TransitionCallbackReturn.ERROR
        return TransitionCallbackReturn.SUCCESS

    def _attempt(
        self, name: str, step: Callable[[], None], undo: Callable[[], None], goal: str
    ) -> TransitionCallbackReturn:
        try:
            step()
        except Exception as error:
            self._problem = f"{name} failed: {error}"
            self.get_logger().error(self._problem)
            if not isinstance(error, EXPECTED):
                self.get_logger().error(traceback.format_exc())
            undo()
            self.publish_diagnosis()
            return TransitionCallbackReturn.FAILURE
        self._problem, self.state = "", goal
        return TransitionCallbackReturn.SUCCESS

    def _change_state(
        self, request: ChangeState.Request, response: ChangeState.Response
    ) -> ChangeState.Response:
        """Let rclpy do what is possible; of the rest it would only raise."""
        wanted = request.transition
        possible = {id: label for id, label, *_ in self._state_machine.available_transitions}
        # A label goes before a number, as in rclpy.
        if (wanted.label in possible.values()) if wanted.label else (wanted.id in possible):
            return self._lifecycle(request, response)
        asked = bounded(wanted.label, 64) or f"transition {wanted.id}"
        self.get_logger().warning(
            f"{asked} is refused: the node is {self.state}; possible: {listed(possible.values())}",
            throttle_duration_sec=1.0,
        )
        response.success = False
        return response

    def publish_diagnosis(self) -> None:
        """Publish on /diagnostics how the node and its stages are (REP 107)."""
        stages: dict[str, Diagnosis] = {}
        if self._problem:
            diagnosis = Diagnosis(self._problem, DiagnosticStatus.ERROR)
        elif clock := self.clock_watch.problem():
            diagnosis = Diagnosis(clock, DiagnosticStatus.ERROR)
        elif self.state == "active":
            diagnosis, stages = self.diagnosis(), self.stages()
        else:
            diagnosis = Diagnosis(self.state, DiagnosticStatus.STALE)
        if self.failures:
            figures = {"failed": str(self.failures)}
            stages["requests"] = Diagnosis(self.last_failure, DiagnosticStatus.ERROR, figures)
        name = self.get_fully_qualified_name()
        message = DiagnosticArray(status=[self._line(name, diagnosis)])
        message.status += [self._line(f"{name}: {stage}", d) for stage, d in stages.items()]
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    def _line(self, name: str, diagnosis: Diagnosis) -> DiagnosticStatus:
        return DiagnosticStatus(
            level=diagnosis.level,
            name=name,
            message=bounded(diagnosis.text, TEXT),
            hardware_id=self.hardware_id,
            values=[
                KeyValue(key=key, value=bounded(text)) for key, text in diagnosis.figures.items()
            ],
        )
