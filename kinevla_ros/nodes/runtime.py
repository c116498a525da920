"""Runs one node as a process: signals, spinning, and an orderly end."""

from __future__ import annotations

import faulthandler
import logging
import signal
import sys
import threading
from collections.abc import Callable

import rclpy
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from kinevla_ros.nodes.log import RosLog
from kinevla_ros.nodes.managed import ManagedNode
from kinevla_ros.robot.priority import NODE_PRIORITY, take_priority

POLL = 0.05
"""Longest time until a signal is noticed, s: Python runs its handlers between two waits."""

SWITCH_INTERVAL = 5e-4
"""How long a thread may keep the interpreter from others, s; 5 ms would hold up the stream."""


def run(make_node: Callable[[], ManagedNode], prompt: bool = False) -> int:
    """Spin a node until SIGINT or SIGTERM, then deactivate and clean up; returns the exit code.

    rclpy's own handlers end the context at once, and nothing could be published any more while
    the arm comes to rest; hence these.

    Args:
        make_node: called once the signals are ours.
        prompt: take real-time priority if that is permitted.
    """
    # Who does not end is ended by SIGABRT, and says where it was.
    faulthandler.enable()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    sys.setswitchinterval(SWITCH_INTERVAL)
    if prompt:
        take_priority(NODE_PRIORITY)
    rclpy.init(args=sys.argv, signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = make_node()
    except (InvalidParameterTypeException, InvalidParameterValueException) as error:
        print(f"error: {error}", file=sys.stderr)
        rclpy.try_shutdown()
        return 2
    logging.getLogger("kinevla_ros").addHandler(RosLog(node.get_logger()))
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        while not stop.is_set():
            executor.spin_once(timeout_sec=POLL)
    finally:
        node.close()
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
    return 0
