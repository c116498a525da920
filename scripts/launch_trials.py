#!/usr/bin/env python3
"""Starts the simulated cell again and again beside a busy loop, without real-time rights.

    scripts/launch_trials.py [--runs 10] [--ros2]

Each run is what the README says: start the nodes (`kinevla up`, or with --ros2 `ros2 launch`), say
an instruction (`kinevla say`, or `ros2 topic pub --once`), Ctrl-C. A run succeeds if the arm moves,
no fault stays, the nodes end with code 0 and none is left behind. The exit code is 0 if all do.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import rclpy
from rclpy.node import Node
from std_srvs.srv import Trigger

from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.stack.processes.isolation import own_domain

INSTRUCTION = kine_realman().example
PR_CAPBSET_DROP, CAP_SYS_NICE = 24, 23
MARK = "KINEVLA_TRIAL"
START_TIMEOUT, MOTION_TIMEOUT, TASK_TIMEOUT, END_TIMEOUT = 90.0, 30.0, 40.0, 20.0
KINEVLA = [sys.executable, "-m", "kinevla_ros.cli"]


def without_real_time() -> None:
    """In a child: no right to real-time priority, root or not; dropped with the next exec."""
    resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_NICE, 0, 0, 0)


class Observer:
    """What the arm node says of itself."""

    def __init__(self) -> None:
        rclpy.init()
        self.node: Node = rclpy.create_node("launch_trials")
        self.status: SafetyStatus | None = None
        self.faults: list[str] = []
        self.moved = False
        self.node.create_subscription(
            SafetyStatus, "kinevla/safety_status", self._on_status, LATCHED
        )
        self._judge = self.node.create_client(Trigger, "cell/judge")

    def _on_status(self, status: SafetyStatus) -> None:
        faulted = status.state == SafetyStatus.FAULTED
        if faulted and (self.status is None or self.status.state != SafetyStatus.FAULTED):
            self.faults.append(status.reason)
        self.moved |= status.state == SafetyStatus.MOVING
        self.status = status

    def until(self, done: Any, timeout: float) -> bool:
        end = time.monotonic() + timeout
        while not done():
            rclpy.spin_once(self.node, timeout_sec=0.05)
            if time.monotonic() > end:
                return False
        return True

    def judged(self) -> bool:
        """Whether the goal is reached within the time for a task."""
        end = time.monotonic() + TASK_TIMEOUT
        while time.monotonic() < end:
            future = self._judge.call_async(Trigger.Request())
            answer = future.result() if self.until(future.done, 5.0) else None
            if answer and answer.success and json.loads(answer.message)["kinematic"]:
                return True
            self.until(lambda: False, 0.5)
        return False


def run(ros2: bool) -> dict[str, Any]:
    """Start, say, watch, end; returns what was seen."""
    own_domain()
    mark = uuid.uuid4().hex
    environment = {**os.environ, MARK: mark}
    up = [*KINEVLA, "up"]
    speak = [*KINEVLA, "say", INSTRUCTION, "--timeout", "60"]
    if ros2:
        up = ["ros2", "launch", "kinevla_ros", "realman.launch.py", "sim:=true"]
        speak = ["ros2", "topic", "pub", "--once", "/instruction", "std_msgs/msg/String"]
        speak.append(json.dumps({"data": INSTRUCTION}))
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    os.sched_setaffinity(busy.pid, {0})
    log = tempfile.NamedTemporaryFile(prefix="launch_trial_", delete=False)  # noqa: SIM115
    begin = time.monotonic()
    nodes = subprocess.Popen(
        up, env=environment, stdout=log, stderr=log, preexec_fn=without_real_time,
        start_new_session=True,
    )  # fmt: skip
    seen = Observer()
    try:
        ready = seen.until(lambda: seen.status or nodes.poll() is not None, START_TIMEOUT)
        started = time.monotonic() - begin
        said = subprocess.run(speak, env=environment, capture_output=True, text=True)
        moved = ready and seen.until(lambda: seen.moved, MOTION_TIMEOUT)
        first = time.monotonic() - begin
        judged = moved and seen.judged()
        faulted = seen.status is None or seen.status.state == SafetyStatus.FAULTED
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(nodes.pid, signal.SIGINT)
        try:
            code: int | str = nodes.wait(END_TIMEOUT)
        except subprocess.TimeoutExpired:
            code = "does not end"
            os.killpg(nodes.pid, signal.SIGKILL)
        busy.kill()
        seen.node.destroy_node()
        rclpy.try_shutdown()
    left = left_behind(mark)
    answer = "" if said.returncode == 0 else said.stdout[-400:] + said.stderr[-400:]
    good = moved and not faulted and code == 0 and not left and said.returncode == 0
    return {
        "success": good, "started (s)": round(started, 1), "first motion (s)": round(first, 1),
        "task": "done" if judged else "not done", "faults": seen.faults, "faulted": faulted,
        "exit code": code, "left behind": left, "problem": answer, "log": log.name,
    }  # fmt: skip


def left_behind(mark: str) -> list[str]:
    """Command lines of processes of a run that still live."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_text().replace("\0", " ").strip()[:80])
        except OSError:
            continue
    # The command line tool's own daemon is meant to stay.
    return [
        command for command in found if "ros2_daemon" not in command and "ros2cli" not in command
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--ros2", action="store_true", help="with ros2 launch and ros2 topic")
    given = parser.parse_args()
    results = []
    for number in range(1, given.runs + 1):
        results.append(run(given.ros2))
        print(f"{number:2}", json.dumps(results[-1]), f"load {os.getloadavg()[0]:.1f}", flush=True)
    good = sum(result["success"] for result in results)
    done = sum(result["task"] == "done" for result in results)
    print(f"{good} of {given.runs} launches succeeded; the task was done in {done}")
    return 0 if good == given.runs else 1


if __name__ == "__main__":
    sys.exit(main())
