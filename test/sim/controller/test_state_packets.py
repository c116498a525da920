"""What counts as a state of the arm: packets from its own address, as docs/remote.md says."""

from __future__ import annotations

import json
import socket
import time

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from node_bench import free_port
from waiting import wait_until

from kinevla_ros.robot.realman.transport import RealManArm
from kinevla_ros.sim.controller import controller as controller_module
from kinevla_ros.sim.controller.controller import EmulatedController
from kinevla_ros.sim.controller.plant import READY_POSE, JointPlant


def test_a_state_from_another_address_than_the_arms_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packets: list[bytes] = []
    send = controller_module._send_datagram

    def record(sender: socket.socket, packet: bytes, address: tuple[str, int]) -> None:
        packets.append(packet)
        send(sender, packet, address)

    monkeypatch.setattr(controller_module, "_send_datagram", record)
    with EmulatedController(JointPlant(), "127.0.0.5", 0) as controller:
        port = free_port(socket.SOCK_DGRAM)
        arm = RealManArm(*controller.address, port)
        arm.connect()
        try:
            assert wait_until(lambda: packets and arm.latest() is not None)
            forged = json.loads(packets[-1])
            forged["joint_status"]["joint_position"][0] += 1500  # 1.5 degrees
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.bind(("127.0.0.9", 0))
                for _ in range(100):
                    stranger.sendto(json.dumps(forged).encode() + b"\r\n", ("127.0.0.1", port))
                    time.sleep(0.002)
                    state = arm.latest()
                    assert state is not None
                    assert state.q == pytest.approx(READY_POSE, abs=1e-3)
        finally:
            arm.close()
