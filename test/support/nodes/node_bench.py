"""Nodes in this process, spun together with a node that talks to them."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn

from kinevla_ros.base.resources import resource_path
from kinevla_ros.nodes.ros.managed import ManagedNode

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
TIMEOUT = 20.0
ANSWER_TIMEOUT = 1.0


class Bench:
    """A client node and one executor for it and the nodes under test."""

    def __init__(self) -> None:
        self.client = rclpy.create_node("bench")
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.client)
        self.nodes: list[ManagedNode] = []
        self._clients: dict[str, Any] = {}
        self.diagnoses = self.record(DiagnosticArray, "/diagnostics", 10)

    def add(self, make: Callable[[], ManagedNode]) -> ManagedNode:
        node = make()
        self.executor.add_node(node)
        self.nodes.append(node)
        return node

    def record(self, kind: Any, topic: str, qos: Any = 10) -> list[Any]:
        """Messages of a topic, oldest first, as they come in."""
        received: list[Any] = []
        self.client.create_subscription(kind, topic, received.append, qos)
        return received

    def publisher(self, kind: Any, topic: str, listeners: int = 1) -> Any:
        """A publisher whose listeners have been discovered."""
        publisher = self.client.create_publisher(kind, topic, 1)
        self.spin_until(lambda: publisher.get_subscription_count() >= listeners, f"{topic} heard")
        return publisher

    def call(self, kind: Any, name: str, request: Any) -> Any:
        client = self._client_of(kind, name)
        self.spin_until(client.service_is_ready, f"service {name}")
        future = client.call_async(request)
        self.spin_until(future.done, f"answer of {name}")
        return future.result()

    def _client_of(self, kind: Any, name: str) -> Any:
        if name not in self._clients:
            self._clients[name] = self.client.create_client(kind, name)
        return self._clients[name]

    def meet(self, node: str) -> None:
        """Wait until a lifecycle node of another process knows this one: no answer gets lost."""
        self._client_of(ChangeState, f"/{node}/change_state")
        state = self._client_of(GetState, f"/{node}/get_state")
        self.spin_until(state.service_is_ready, f"service of {node}")
        asked: list[Any] = []

        def answered() -> bool:
            if time.monotonic() > ANSWER_TIMEOUT * len(asked) + begun:
                asked.append(state.call_async(GetState.Request()))
            return any(one.done() for one in asked)

        begun = time.monotonic()
        self.spin_until(answered, f"answer of {node}")

    def spin_until(self, done: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not done():
            assert time.monotonic() < deadline, f"no {what} within {TIMEOUT:.0f} s"
            self.executor.spin_once(timeout_sec=0.01)

    def spin_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.01)

    def diagnosis(self, node: str) -> SimpleNamespace | None:
        """The newest line about a node."""
        lines = [s for m in self.diagnoses for s in m.status if s.name == node]
        return lines[-1] if lines else None


@contextmanager
def bench(parameters: Mapping[str, Any]) -> Iterator[Bench]:
    """A bench for nodes with these parameters; closes them all."""
    given = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
    file = str(resource_path("config", "realman.yaml"))
    rclpy.init(args=["--ros-args", "--params-file", file, *given])
    bench = Bench()
    try:
        yield bench
    finally:
        for node in bench.nodes:
            node.close()
            node.destroy_node()
        bench.client.destroy_node()
        bench.executor.shutdown()
        rclpy.try_shutdown()


def free_port(kind: socket.SocketKind, host: str = "127.0.0.1") -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
