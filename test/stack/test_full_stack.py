"""Cell, policy and arm as processes of their own, over DDS, as `kinevla up` starts them."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from node_bench import free_port
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool, Trigger

from kinevla_ros.base.arm import STREAM_PERIOD
from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.msg import ActionChunk as ActionChunkMessage
from kinevla_ros.msg import Reasoning, SafetyStatus
from kinevla_ros.nodes.ros.messages import Stamps, chunk_to_message
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.robot.motion.target_sender import STANDING
from kinevla_ros.sim.cell.cell import HOME
from kinevla_ros.stack.processes.launcher import (
    CELL_HOST,
    Launcher,
    LaunchError,
    client_node,
    parameter_file,
    simulated,
)

TIMEOUT = 20.0


class Stack:
    """Running processes, and what goes over their topics."""

    def __init__(self, node: Any, launcher: Launcher) -> None:
        self.node, self.launcher = node, launcher
        self.statuses: list[SafetyStatus] = []
        self.joints: list[JointState] = []
        node.create_subscription(
            SafetyStatus, "/kinevla/safety_status", self.statuses.append, LATCHED
        )
        node.create_subscription(JointState, "/joint_states", self.joints.append, 10)
        self._chunks = node.create_publisher(ActionChunkMessage, "/kinevla/action_chunk", 1)
        self._reasonings = node.create_publisher(Reasoning, "/kinevla/reasoning", 1)

    def wait_for(self, condition: Any, what: str) -> None:
        self.launcher.wait_for(condition, TIMEOUT, f"no {what}")

    def expect(self, state: int, fault: int = SafetyStatus.NONE) -> None:
        self.wait_for(
            lambda: (
                self.statuses
                and (self.statuses[-1].state, self.statuses[-1].fault) == (state, fault)
            ),
            f"state {state} with fault {fault}",
        )

    def accept(self, text: str) -> None:
        """Say that an instruction is carried out, as a policy would."""
        self.wait_for(self._reasonings.get_subscription_count, "listener")
        self._reasonings.publish(Reasoning(status=Reasoning.ACCEPTED, instruction=text))

    def wave(self, seconds: float) -> None:
        """Chunks of a smooth motion about home, five a second, each 50 ms old on arrival."""
        self.wait_for(self._chunks.get_subscription_count, "arm")
        stamps, start, sequence = Stamps(self.node.get_clock()), time.monotonic(), 0
        while (now := time.monotonic()) - start < seconds:
            sequence, stamp = sequence + 1, now - 0.05
            positions = np.array([_wave(stamp + 0.1 * k - start) for k in range(1, 6)])
            chunk = ActionChunk(stamp, sequence, positions, np.full(5, 0.03))
            self._chunks.publish(chunk_to_message(chunk, stamps.to_ros(stamp)))
            end = now + 0.2
            while time.monotonic() < end:
                self.launcher.spin(0.01)

    def call(self, kind: Any, name: str, request: Any) -> Any:
        client = self.node.create_client(kind, name)
        self.wait_for(client.service_is_ready, f"service {name}")
        future = client.call_async(request)
        self.wait_for(future.done, f"answer of {name}")
        return future.result()

    def stream(self) -> dict[str, Any]:
        """Figures of the targets that the emulated controller has recorded."""
        answer = self.call(Trigger, "/cell/judge", Trigger.Request())
        return dict(json.loads(answer.message)["stream"])

    def process(self, name: str) -> int:
        return self.launcher._processes[name].pid


def _wave(t: float) -> np.ndarray:
    """Joint positions that leave home gently and swing at 0.4 Hz."""
    amplitude = 0.2 * min(max(t, 0.0) / 2.0, 1.0)
    return HOME + amplitude * np.sin(2 * np.pi * 0.4 * t) * np.array([1, 0.5, 1, 0.5, 1, 0.5, 1])


def parameters() -> dict[str, dict[str, Any]]:
    port = free_port(socket.SOCK_STREAM, CELL_HOST)
    arm = {**simulated(port), "simulated": False, "udp_port": free_port(socket.SOCK_DGRAM)}
    return {"cell": {"host": CELL_HOST, "port": port}, "arm": arm}


def test_a_node_that_cannot_be_configured_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    nobody = {"arm": simulated(free_port(socket.SOCK_STREAM, CELL_HOST))}
    with (
        client_node("full_stack") as (node, interrupted),
        pytest.raises(LaunchError, match="the arm node cannot be configured"),
        Launcher(node, interrupted, parameter_file(None), nobody) as launcher,
    ):
        launcher.bring_up()
    assert "refused" in capfd.readouterr().err


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with client_node("full_stack") as (node, interrupted):
        with Launcher(node, interrupted, parameter_file(None), parameters()) as launcher:
            stack = Stack(node, launcher)
            launcher.bring_up()
            yield stack
        codes = {name: process.returncode for name, process in launcher._processes.items()}
        assert codes == {"cell": 0, "arm": 0}


def test_chunks_move_the_arm_and_no_target_that_arrives_breaks_a_limit(stack: Stack) -> None:
    stack.accept("pick up the bread and move it to the front")
    stack.expect(SafetyStatus.READY)
    stack.wave(5.0)
    q = np.array([joints.position[:7] for joints in stack.joints])
    assert np.ptp(q[:, 0]) > 0.2
    assert SafetyStatus.MOVING in {status.state for status in stack.statuses}
    stream = stack.stream()
    assert stream["rate"] == pytest.approx(50, rel=0.1)
    assert stream["points"] > 200
    assert stream["refused"] == 0
    # Where the computer holds the stream up, the arm is taken to have stood in the gap.
    assert max(stream["shares"].values()) <= 1 or stream["longest_gap"] > STANDING * STREAM_PERIOD


def test_without_chunks_the_arm_comes_to_rest_and_holds(stack: Stack) -> None:
    stack.wave(1.0)
    stack.expect(SafetyStatus.HOLDING)
    stack.joints.clear()
    stack.wait_for(lambda: len(stack.joints) > 50, "joint states")
    q = np.array([joints.position[:7] for joints in stack.joints[-20:]])
    assert np.ptp(q, axis=0).max() < 0.002


def test_a_cell_that_freezes_is_a_fault_and_the_arm_moves_again_only_when_asked(
    stack: Stack,
) -> None:
    stack.wave(0.6)
    os.kill(stack.process("cell"), signal.SIGSTOP)
    try:
        stack.expect(SafetyStatus.FAULTED, SafetyStatus.STALE_STATE)
    finally:
        os.kill(stack.process("cell"), signal.SIGCONT)
    stack.wave(0.6)
    assert stack.statuses[-1].state == SafetyStatus.FAULTED
    reset, enable = Trigger.Request(), SetBool.Request(data=True)
    stack.wait_for(lambda: stack.call(Trigger, "/arm/reset", reset).success, "reset")
    stack.wait_for(lambda: stack.call(SetBool, "/arm/enable", enable).success, "enabling")
    stack.wave(0.6)
    assert SafetyStatus.MOVING in {status.state for status in stack.statuses[-10:]}
