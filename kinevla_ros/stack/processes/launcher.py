"""Starts the nodes as processes, takes them through their lifecycle, and stops them in order."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.client import Client
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from kinevla_ros.base.resources import resource_path
from kinevla_ros.nodes.ros.guard import GuardedNode
from kinevla_ros.robot.gate.workspace import CELL_WORKSPACE
from kinevla_ros.stack.processes import shared_memory
from kinevla_ros.stack.processes.node_process import ends, node_command, started, why_ended

T = TypeVar("T")
Overrides = Mapping[str, Mapping[str, Any]]

HALVES = ("policy", "robot")
"""What one of two machines runs: the policy node, or all others."""

CELL_HOST = "127.0.0.2"

SERVICE_TIMEOUT = 30.0
"""A process is there and discovered by then, s."""

FIRST_TIMEOUT = 10.0
"""A process that is discovered and has not answered by then never will, s."""

ANSWER_TIMEOUT = 1.0
TRANSITION_TIMEOUT = 600.0
"""Reading a large checkpoint from a slow disk takes its time, s."""

EXIT_TIMEOUT = 10.0
WATCH_PERIOD = 1.0
POLL = 0.05


class LaunchError(RuntimeError):
    """The nodes do not run; the message says which and where to look."""


class Interrupted(RuntimeError):
    """Ctrl-C or SIGTERM."""


@contextmanager
def client_node(name: str, namespace: str = "") -> Iterator[tuple[Node, threading.Event]]:
    """A node for this process, and an event that Ctrl-C and SIGTERM set.

    Args:
        namespace: of the nodes that it talks to.
    """
    interrupted = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: interrupted.set()) for number in numbers]
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = GuardedNode(name, namespace=namespace, start_parameter_services=False)
    try:
        yield node, interrupted
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
        shared_memory.clean()
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


class Launcher:
    """The processes of the nodes; a context, so that none is left behind.

    The arm comes up last, when all it needs is there, and stops first.

    Args:
        node: this process's node; whoever waits here spins it.
        interrupted: ends every wait.
        config: parameter file.
        overrides: the nodes to start, in the order of starting, each with the parameters that
            differ from the file's.
        log_level: lowest level that the processes print.
    """

    def __init__(
        self,
        node: Node,
        interrupted: threading.Event,
        config: Path,
        overrides: Overrides,
        log_level: str = "info",
    ) -> None:
        self._node, self._interrupted = node, interrupted
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._watch_due = 0.0
        namespace = node.get_namespace() if node else "/"
        self._commands = {
            name: node_command(name, config, values, log_level, namespace)
            for name, values in overrides.items()
        }
        self._answered: set[str] = set()

    def __enter__(self) -> Launcher:
        for name in self._commands:
            self._start(name)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the nodes, the last started first."""
        self._watch_memory()
        for name, process in reversed(self._processes.items()):
            # One that has not begun to serve has nothing to bring to an end.
            number = signal.SIGINT if name in self._answered else signal.SIGTERM
            if ends(process, number, EXIT_TIMEOUT):
                continue
            print(f"the {name} node does not end and is killed", file=sys.stderr)
            # It says where it was, unless it is frozen.
            if not ends(process, signal.SIGABRT, 1.0):
                ends(process, signal.SIGKILL, None)

    def pid(self, name: str) -> int:
        """Process id of a node."""
        return self._processes[name].pid

    def kill(self, name: str) -> None:
        """Kill a node; `restart` is next."""
        process = self._processes.pop(name)
        shared_memory.watch(process.pid)
        process.kill()
        process.wait()
        shared_memory.clean()

    def restart(self, name: str) -> None:
        """Start a node that was killed, and activate it.

        Raises:
            LaunchError: it does not start, configure or activate.
        """
        self._start(name)
        self._activate(name, self._request(name, Transition.TRANSITION_CONFIGURE))

    def bring_up(self) -> None:
        """Configure and activate all nodes; the policy reads its checkpoint meanwhile.

        Raises:
            LaunchError: a node does not start, configure or activate.
            Interrupted: see `interrupted`.
        """
        early = [name for name in self._processes if name == "policy"]
        loading = {name: self._request(name, Transition.TRANSITION_CONFIGURE) for name in early}
        for name in self._processes:
            configured = loading.get(name) or self._request(name, Transition.TRANSITION_CONFIGURE)
            self._activate(name, configured)

    def wait_for(self, condition: Callable[[], object], timeout: float, failure: str) -> None:
        """Spin until the condition holds.

        Raises:
            LaunchError: a process has ended, or it takes too long: `failure`.
            Interrupted: see `interrupted`.
        """
        deadline = time.monotonic() + timeout
        while not condition():
            self.spin(POLL)
            if time.monotonic() > deadline:
                raise LaunchError(f"{failure} within {timeout:.0f} s")

    def spin(self, timeout: float) -> None:
        """Serve this process's node for at most `timeout` s.

        Raises:
            LaunchError: a process has ended.
            Interrupted: see `interrupted`.
        """
        rclpy.spin_once(self._node, timeout_sec=timeout)
        if time.monotonic() > self._watch_due:
            self._watch_memory()
        if self._interrupted.is_set():
            raise Interrupted
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise LaunchError(f"the {name} node has ended: {why_ended(process.returncode)}")

    def _start(self, name: str) -> None:
        self._processes[name] = started(self._commands[name])

    def _await_answer(self, name: str) -> None:
        """Wait until the node's services answer; a predecessor's may still seem to be there.

        Fast DDS sometimes brings two processes together only half, for good: a node that has
        not begun to serve is then started again, once.
        """
        client = self._node.create_client(GetState, f"{name}/get_state")
        failure = f"the {name} node does not answer"
        self.wait_for(client.service_is_ready, SERVICE_TIMEOUT, failure)
        if name not in self._answered and not self._answers(client, FIRST_TIMEOUT):
            print(f"{failure} and is started again", file=sys.stderr)
            self._watch_memory()
            if not ends(self._processes[name], signal.SIGTERM, EXIT_TIMEOUT):
                ends(self._processes[name], signal.SIGKILL, None)
            shared_memory.clean()
            self._start(name)
        if not self._answers(client, SERVICE_TIMEOUT):
            raise LaunchError(f"{failure} within {SERVICE_TIMEOUT:.0f} s")
        self._answered.add(name)
        self._node.destroy_client(client)

    def _answers(self, client: Client, timeout: float) -> bool:
        """Ask until an answer comes; whether it has come in time (s)."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            answer, asked = client.call_async(GetState.Request()), time.monotonic()
            while time.monotonic() < asked + ANSWER_TIMEOUT:
                self.spin(POLL)
                if answer.done():
                    return True
        return False

    def _activate(self, name: str, configured: Future) -> None:
        self._complete(name, "configured", configured)
        activated = self._request(name, Transition.TRANSITION_ACTIVATE)
        self._complete(name, "active", activated)

    def _watch_memory(self) -> None:
        """Note what a process would leave behind if it were killed now."""
        self._watch_due = time.monotonic() + WATCH_PERIOD
        for process in self._processes.values():
            shared_memory.watch(process.pid)

    def _request(self, name: str, transition: int) -> Future:
        client = self._node.create_client(ChangeState, f"{name}/change_state")
        self._await_answer(name)
        self.wait_for(client.service_is_ready, SERVICE_TIMEOUT, f"the {name} node does not answer")
        return client.call_async(ChangeState.Request(transition=Transition(id=transition)))

    def _complete(self, name: str, goal: str, future: Future) -> None:
        self.wait_for(future.done, TRANSITION_TIMEOUT, f"the {name} node is not {goal}")
        response = future.result()
        if response is None or not response.success:
            raise LaunchError(f"the {name} node cannot be {goal}; see its message above")


def half(nodes: Mapping[str, T], only: str) -> dict[str, T]:
    """The nodes of one of `HALVES`, in their order; all if `only` is empty.

    Raises:
        ValueError: the console or the recorder is asked for on the policy's machine.
    """
    for name in ("console", "recorder"):
        if only == "policy" and name in nodes:
            raise ValueError(f"the {name} belongs to the robot's half: ask for it there")
    return {
        name: node
        for name, node in nodes.items()
        if only in ("", "policy" if name == "policy" else "robot")
    }


def simulated(port: int) -> dict[str, Any]:
    """Parameters of an arm node that drives the cell's controller, whatever a file says.

    They enable motion at once, so nothing else may decide which arm it is.
    """
    return {
        "transport": "api",
        "arm_ip": CELL_HOST,
        "arm_port": port,
        "enable_on_activate": True,
        "simulated": True,
        "workspace.finger_clearance": CELL_WORKSPACE.finger_clearance,
    }


def parameter_file(given: Path | None) -> Path:
    """Return the given parameter file or the package's own.

    Raises:
        FileNotFoundError: it does not exist.
    """
    if given is not None and not given.is_file():
        raise FileNotFoundError(f"there is no parameter file {given}")
    return given or resource_path("config", "realman.yaml")
