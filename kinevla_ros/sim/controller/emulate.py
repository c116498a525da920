"""The work behind `kinevla emulate`: the controller with a joint model of its own, no world."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading

from kinevla_ros.sim.controller.controller import ControllerError, EmulatedController
from kinevla_ros.sim.controller.plant import JointPlant

PRIORITY = 20
"""Real-time priority where the system permits one: a controller does not wait for anybody."""


def emulate(host: str, port: int, control_port: int) -> int:
    """Serve until Ctrl-C or SIGTERM; prints the addresses and returns the exit code."""
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    controller = EmulatedController(JointPlant(), host, port, control_port)
    try:
        controller.start()
    except ControllerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    assert controller.control_address is not None
    print("RM75 controller: {}:{}".format(*controller.address))
    print("faults and records, JSON lines: {}:{}".format(*controller.control_address), flush=True)
    while not end.wait(1.0):
        pass
    controller.stop()
    return 0
