"""What reaches the emulated controller over the vendor's library while the arm is attacked."""

from __future__ import annotations

import socket
import time

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from node_bench import free_port
from prompt_controller import prompt_controller

from kinevla_ros.evaluation.bench.arm.adversary import Adversary
from kinevla_ros.evaluation.report.fault_report import largest_share
from kinevla_ros.robot.driver.driver import ArmDriver
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.realman.transport import RealManArm

SECONDS = 4.0


def attack(driver: ArmDriver, adversary: Adversary, rng: np.random.Generator) -> None:
    """Attack for `SECONDS`, by the clock; enable the arm again whenever it has stopped."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if not driver.enable().ok:
            driver.reset()
        kind = adversary.kinds[int(rng.integers(len(adversary.kinds)))]
        for _ in range(8):
            state = driver.latest()
            assert state is not None
            with driver._lock:
                adversary.deliver(adversary.make(kind, state.q), driver._core, time.monotonic())
            time.sleep(float(rng.uniform(0.01, 0.05)))


def test_whatever_is_sent_no_target_that_the_controller_receives_breaks_a_limit() -> None:
    rng, space = np.random.default_rng(0), CollisionModel(DEFAULT_WORKSPACE)
    with prompt_controller() as controller:
        arm = RealManArm(*controller.address, udp_port=free_port(socket.SOCK_DGRAM))
        driver = ArmDriver(arm, 50.0, RM75_LIMITS, DEFAULT_WORKSPACE, lambda tick: None)
        driver.connect()
        driver.start()
        attack(driver, Adversary(space, 0), rng)
        driver.finish()
        driver.close()
        record = controller.stream_record()
    assert len(record.times) > 50
    assert np.ptp(record.targets, axis=0).max() > 0.1
    assert record.accepted.all()
    assert (abs(record.targets) <= RM75_LIMITS.upper + 1e-4).all()
    assert min(space.nearest(q).margin for q in record.targets) > -1e-4
    assert largest_share(record, RM75_LIMITS, 0.02) <= 1
