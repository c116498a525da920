"""An arm node in front of the emulated controller, and what a test does with it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from node_bench import SUCCESS, Bench, bench, free_port
from prompt_controller import prompt_controller
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool, Trigger

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.msg import ActionChunk as ActionChunkMessage
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.arm.node import ArmNode
from kinevla_ros.nodes.ros.messages import (
    Stamps,
    chunk_to_message,
)
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.robot.host.priority import promptly
from kinevla_ros.robot.motion.target_sender import STANDING
from kinevla_ros.sim.controller.controller import EmulatedController
from kinevla_ros.sim.controller.plant import READY_POSE
from kinevla_ros.sim.controller.records import StreamRecord

READY = np.array(READY_POSE)
TRIES = 8


class Arm:
    """What a person and a policy do with an arm node."""

    def __init__(self, bench: Bench, controller: EmulatedController) -> None:
        self.bench, self.controller = bench, controller
        self.node = bench.nodes[0]
        self.statuses = bench.record(SafetyStatus, "/kinevla/safety_status", LATCHED)
        self.joints = bench.record(JointState, "/joint_states")
        self.chunks = bench.publisher(ActionChunkMessage, "/kinevla/action_chunk")
        self.stamps = Stamps(bench.client.get_clock())
        self._sequence = 0

    def status(self) -> SafetyStatus:
        return self.statuses[-1]

    def expect(self, state: int, fault: int = SafetyStatus.NONE) -> SafetyStatus:
        def reached() -> bool:
            return bool(self.statuses) and (self.status().state, self.status().fault) == (
                state,
                fault,
            )

        self.bench.spin_until(reached, f"state {state} with fault {fault}")
        return self.status()

    def trigger(self, name: str) -> Trigger.Response:
        return self.bench.call(Trigger, f"/arm/{name}", Trigger.Request())

    def enable(self, on: bool = True) -> SetBool.Response:
        return self.bench.call(SetBool, "/arm/enable", SetBool.Request(data=on))

    def pause(self, on: bool) -> SetBool.Response:
        return self.bench.call(SetBool, "/arm/pause", SetBool.Request(data=on))

    def become_ready(self) -> None:
        """Enabled and at rest, whatever was before."""
        self.bench.spin_until(lambda: self.trigger("reset").success, "reset")
        self.bench.spin_until(lambda: self.enable().success, "enabling")

    def send(self, joint1: float, gripper: float = 0.03) -> None:
        """A chunk that turns joint 1 to `joint1`, starting from where it is."""
        start = np.array(self.joints[-1].position[:7])
        ways = np.linspace(0, 1, 6)[1:, None] * ((joint1 - start[0]) * np.eye(7)[0])
        self._sequence += 1
        chunk = ActionChunk(time.monotonic(), self._sequence, start + ways, np.full(5, gripper))
        self.chunks.publish(chunk_to_message(chunk, self.stamps.to_ros(chunk.stamp)))

    def move_for(self, seconds: float) -> None:
        """Chunks every 0.2 s, as a policy sends them."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.send(0.4 if self.joints[-1].position[0] < 0.2 else 0.0)
            self.bench.spin_for(0.2)

    def stream_for(self, seconds: float, period: float) -> StreamRecord:
        """The targets of a motion that arrived without a gap: no limit says what a gap breaks."""
        for _ in range(TRIES):
            start = time.monotonic()
            self.move_for(seconds)
            self.expect(SafetyStatus.HOLDING)
            record = self.controller.stream_record()
            record = StreamRecord(*(column[record.times > start] for column in record))
            gaps = np.diff(record.times)
            if not (gaps > (STANDING - 0.5) * period).any():
                return record
        raise AssertionError(f"the computer held up the stream {TRIES} times: {gaps.max():.3f} s")


@contextmanager
def arm_node(**parameters: object) -> Iterator[Arm]:
    """An arm node with these parameters, active, at an emulated controller."""
    with prompt_controller(host="127.0.0.5") as controller:
        ip, port = controller.address
        where = {"arm_ip": ip, "arm_port": port, "udp_port": free_port(socket.SOCK_DGRAM)}
        with bench(where | parameters) as node_bench:
            node = node_bench.add(ArmNode)
            assert node.trigger_configure() == SUCCESS
            assert node.trigger_activate() == SUCCESS
            # As the arm's process: a busy computer must not look like a lost arm.
            with promptly():
                yield Arm(node_bench, controller)
