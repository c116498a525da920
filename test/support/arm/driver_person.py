"""Someone who makes the arm swing through a driver's process."""

from __future__ import annotations

import time

import numpy as np
from waiting import wait_until

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.robot.driver.channel import DriverSettings
from kinevla_ros.robot.driver.client import DriverClient
from kinevla_ros.robot.driver.tick import Tick
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.realman.stop_line import StopLine

PERIOD = 0.02
SPEED = 0.9
"""Of joint 1 in the middle of a swing, rad/s."""


class Person:
    """Someone who makes the arm swing through a driver's process."""

    def __init__(self, ip: str, port: int, udp_port: int) -> None:
        transport = {"ip": ip, "port": port, "udp_port": udp_port, "host_ip": None}
        settings = DriverSettings(
            f"{ip}:{port}", transport, 1 / PERIOD, RM75_LIMITS, DEFAULT_WORKSPACE
        )
        self.ticks: list[Tick] = []
        module = "kinevla_ros.robot.driver.process"
        self.driver = DriverClient(module, settings, self.ticks.append, StopLine(ip, port).stop)
        self.driver.connect()
        self.driver.start()
        self.sequence = 0

    def enable(self) -> None:
        assert wait_until(lambda: self.driver.reset().ok)
        assert wait_until(lambda: self.driver.enable().ok)
        state = self.driver.latest()
        assert state is not None
        self.start, self.since = state.q, time.monotonic()

    def swing(self, seconds: float) -> None:
        """Swing joint 1, gently at first, by chunks as a policy sends them."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            now = time.monotonic()
            times = now - self.since + 0.1 * np.arange(1, 6)
            turns = 0.3 * np.minimum(times, 1) * np.sin(SPEED / 0.3 * times)
            positions = self.start + turns[:, None] * np.eye(7)[0]
            self.sequence += 1
            self.driver.follow(ActionChunk(now, self.sequence, positions, np.full(5, 0.03)))
            time.sleep(0.1)

    def swing_at_speed(self) -> None:
        """Until the arm passes the middle of a swing."""
        self.swing(1.2)
        end = time.monotonic() + 20
        while abs(self._speed()) < 0.6 * SPEED:
            assert time.monotonic() < end, f"the arm does not swing: {self.ticks[-1].status}"
            self.swing(0.1)

    def _speed(self) -> float:
        samples = [tick.sample for tick in self.ticks[-5:] if tick.sample is not None]
        return float(samples[-1].velocity[0]) if samples else 0.0

    @property
    def fault(self) -> Fault:
        return self.ticks[-1].status.fault
