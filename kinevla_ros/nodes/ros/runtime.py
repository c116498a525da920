"""Runs one node as a process: signals, spinning, and an orderly end."""

from __future__ import annotations

import faulthandler
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable

import rclpy
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from kinevla_ros.nodes.ros.logs.core_log import RosLog
from kinevla_ros.nodes.ros.logs.text import TEXT, bounded
from kinevla_ros.nodes.ros.managed import ManagedNode
from kinevla_ros.nodes.ros.parameter_sections import files_without
from kinevla_ros.nodes.ros.parameters import UnknownParameter
from kinevla_ros.nodes.ros.parent import end_with_parent
from kinevla_ros.robot.host.priority import (
    NODE_PRIORITY,
    SWITCH_INTERVAL,
    at_ordinary_priority,
    take_priority,
)

POLL = 0.05
"""Longest time until a signal is noticed, s: Python runs its handlers between two waits."""

LAST_ANSWER = 0.3
"""The answer to the transition that ends the process has this long to get through, s."""

BAD_ARGUMENTS = (
    RuntimeError,  # rcl's, of a parameter file or an override that cannot be read
    InvalidParameterTypeException,
    InvalidParameterValueException,
    UnknownParameter,
)


def run(make_node: Callable[[], ManagedNode], prompt: bool = False) -> int:
    """Spin a node until SIGINT or SIGTERM, then deactivate and clean up; returns the exit code.

    A shutdown transition ends the process too, with code 0: a node that is finalized can do nothing
    any more. Code 1: a transition and its recovery both failed; 2: a parameter is wrong.

    rclpy's own handlers end the context at once, and nothing could be published any more while
    the arm comes to rest; hence these.

    Args:
        make_node: called once the signals are ours.
        prompt: take real-time priority if that is permitted.
    """
    # Who does not end is ended by SIGABRT, and says where it was.
    faulthandler.enable()
    stop = threading.Event()
    node: ManagedNode | None = None

    def end(*_: object) -> None:
        stop.set()
        if node is None or node.configuring:
            # Nothing moves yet, and a checkpoint takes minutes to read.
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    end_with_parent()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        # A DDS participant that is made at real-time priority may spin for ever.
        with at_ordinary_priority():
            rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
            node = make_node()
    except KeyboardInterrupt:
        rclpy.try_shutdown()
        return 0
    except BAD_ARGUMENTS as error:
        # Where in rcl's sources it was found helps nobody.
        print(f"error: {bounded(str(error).partition(', at /')[0], TEXT)}", file=sys.stderr)
        rclpy.try_shutdown()
        return 2
    if prompt:
        take_priority(NODE_PRIORITY, every_thread=True)
    logging.getLogger("kinevla_ros").addHandler(RosLog(node.get_logger()))
    for warning in files_without(node.get_fully_qualified_name(), sys.argv):
        node.get_logger().warning(warning)
    try:
        return _spin(node, stop)
    except KeyboardInterrupt:
        return 0
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
        # Ctrl-C in a terminal and a launch that hands it on are two; the second finds the end.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _spin(node: ManagedNode, stop: threading.Event) -> int:
    """Serve until `stop` or the end of the node's lifecycle; returns the exit code."""
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    over: float | None = None
    try:
        while not stop.is_set() and (over is None or time.monotonic() < over):
            try:
                executor.spin_once(timeout_sec=POLL)
            except ExternalShutdownException:
                break
            except Exception as error:
                # Callbacks are guarded; this is an answer that did not get through and the like.
                node.fail("serving a request", error)
                stop.wait(POLL)
            if node.finalized and over is None:
                over = time.monotonic() + LAST_ANSWER
        return 0 if node.state == "finalized" or over is None else 1
    finally:
        node.close()
        executor.shutdown()
