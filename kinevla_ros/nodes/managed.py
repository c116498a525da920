"""What the three lifecycle nodes share: transitions that say why they fail, and diagnostics."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.lifecycle import LifecycleState, Node, TransitionCallbackReturn

from kinevla_ros.nodes.log import BoundedLogger
from kinevla_ros.nodes.parameters import Parameter, declare
from kinevla_ros.nodes.text import TEXT, bounded

DIAGNOSTICS_PERIOD = 1.0


@dataclass(frozen=True)
class Diagnosis:
    """One line for /diagnostics, with figures."""

    text: str
    level: bytes = DiagnosticStatus.OK
    figures: dict[str, str] = field(default_factory=dict)


class ManagedNode(Node):
    """Lifecycle node whose subclass fills in `configure`, `activate`, `deactivate`, `cleanup`.

    An exception in `configure` or `activate` makes the transition fail: the node stays in the
    state it was in, and the reason goes to the console and, until a transition succeeds, to
    /diagnostics.

    Args:
        name: the node's name.
        parameters: what a parameter file can set.

    Attributes:
        values: the parameters' values.
        hardware_id: for /diagnostics; what the node drives, empty if nothing.
        state: label of the lifecycle state.
    """

    def __init__(self, name: str, parameters: dict[str, Parameter]) -> None:
        super().__init__(name)
        self._logger = BoundedLogger(self._logger.name)
        self.values: dict[str, Any] = declare(self, parameters)
        self.state = "unconfigured"
        self.hardware_id = ""
        self._problem = ""
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_timer(DIAGNOSTICS_PERIOD, self.publish_diagnosis)

    def configure(self) -> None:
        """Acquire everything; raises when something is missing."""

    def activate(self) -> None:
        """Begin to act; raises when that is not possible now."""

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

    def close(self) -> None:
        """Deactivate and clean up from whatever state the node is in."""
        if self.state == "active":
            self.trigger_deactivate()
        if self.state == "inactive":
            self.trigger_cleanup()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Lifecycle callback."""
        return self._attempt("configure", self.configure, self.cleanup, "inactive")

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Lifecycle callback."""
        return self._attempt("activate", self.activate, self.deactivate, "active")

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Lifecycle callback."""
        self.state = "inactive"
        self.deactivate()
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Lifecycle callback."""
        self.state = "unconfigured"
        self.cleanup()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Lifecycle callback."""
        if self.state == "active":
            self.deactivate()
        self.state = "finalized"
        self.cleanup()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Lifecycle callback: a transition broke off; start over."""
        self.state = "unconfigured"
        self.cleanup()
        return TransitionCallbackReturn.SUCCESS

    def _attempt(
        self, name: str, step: Callable[[], None], undo: Callable[[], None], goal: str
    ) -> TransitionCallbackReturn:
        try:
            step()
        except Exception as error:
            self._problem = f"{name} failed: {error}"
            self.get_logger().error(self._problem)
            if not isinstance(error, (OSError, RuntimeError, ValueError)):
                self.get_logger().error(traceback.format_exc())
            undo()
            self.publish_diagnosis()
            return TransitionCallbackReturn.FAILURE
        self._problem, self.state = "", goal
        return TransitionCallbackReturn.SUCCESS

    def publish_diagnosis(self) -> None:
        """Publish on /diagnostics how the node and its stages are (REP 107)."""
        stages: dict[str, Diagnosis] = {}
        if self._problem:
            diagnosis = Diagnosis(self._problem, DiagnosticStatus.ERROR)
        elif self.state == "active":
            diagnosis, stages = self.diagnosis(), self.stages()
        else:
            diagnosis = Diagnosis(self.state, DiagnosticStatus.STALE)
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
