"""No request ends a node: a callback that raises is named, its client gets an answer."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import wraps
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.timer import Timer

from kinevla_ros.nodes.ros.logs.bounded_logger import BoundedLogger
from kinevla_ros.nodes.ros.logs.text import TEXT, bounded

EXPECTED = (OSError, RuntimeError, ValueError)
"""What bad input raises; anything else is a fault of the program and shows where it is."""


class GuardedNode(Node):
    """A node whose callbacks may raise.

    rclpy lets an exception of a callback end the process; its own services raise as well, at an
    impossible transition, a parameter of an unknown type, a /clock before zero.

    Attributes:
        failures: how many callbacks have raised.
        last_failure: what the last one was.
    """

    def __init__(self, name: str, **options: Any) -> None:
        # rclpy makes services and subscriptions before its constructor returns.
        self.failures, self.last_failure = 0, ""
        super().__init__(name, **options)
        self._logger = BoundedLogger(self._logger.name)
        for service in self.services:
            if not hasattr(service.callback, "__wrapped__"):  # made without create_service
                service.callback = self._answering(service.callback, service.srv_name)

    def create_subscription(
        self, msg_type: Any, topic: str, callback: Callable[..., Any], *args: Any, **options: Any
    ) -> Subscription:
        """See rclpy."""
        guarded = self._guarded(callback, f"a message on {topic}")
        return super().create_subscription(msg_type, topic, guarded, *args, **options)

    def create_service(
        self, srv_type: Any, srv_name: str, callback: Callable[..., Any], **options: Any
    ) -> Service:
        """See rclpy."""
        answering = self._answering(callback, srv_name)
        return super().create_service(srv_type, srv_name, answering, **options)

    def create_timer(
        self, timer_period_sec: float, callback: Callable[..., Any], *args: Any, **options: Any
    ) -> Timer:
        """See rclpy; on a steady clock, so that it also runs where nothing comes on /clock."""
        options.setdefault("clock", Clock(clock_type=ClockType.STEADY_TIME))
        guarded = self._guarded(callback, "a timer")
        return super().create_timer(timer_period_sec, guarded, *args, **options)

    def fail(self, what: str, error: Exception) -> str:
        """Count and log that `what` raised; returns it in a line."""
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        text = bounded(f"{what} failed: {type(error).__name__}: {error} ({place})", TEXT)
        self.failures, self.last_failure = self.failures + 1, text
        self.get_logger().error(text, throttle_duration_sec=1.0)
        if not isinstance(error, EXPECTED):
            details = "".join(traceback.format_exception(error))
            self.get_logger().error(details, throttle_duration_sec=10.0)
        return text

    def _guarded(self, callback: Callable[..., Any], what: str) -> Callable[..., Any]:
        @wraps(callback)
        def guarded(*args: Any) -> None:
            try:
                callback(*args)
            except Exception as error:
                self.fail(what, error)

        return guarded

    def _answering(self, callback: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(callback)
        def answering(request: Any, response: Any) -> Any:
            try:
                return callback(request, response)
            except Exception as error:
                refuse(request, response, self.fail(f"a request of {name}", error))
                return response

        return answering


def refuse(request: Any, response: Any, reason: str) -> None:
    """Make `response` say no, with the reason where its type has a place for it."""
    fields = response.get_fields_and_field_types()
    failed = SetParametersResult(successful=False, reason=reason)
    if "success" in fields:
        response.success = False
    if "message" in fields:
        response.message = reason
    if fields.get("result") == "rcl_interfaces/SetParametersResult":
        response.result = failed
    if fields.get("results") == "sequence<rcl_interfaces/SetParametersResult>":
        # Those before the one that failed are set.
        response.results += [failed] * (len(request.parameters) - len(response.results))
