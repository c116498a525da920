"""The arm run from the page: a real browser, the console, cell, policy and arm as processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("aiohttp")
pytest.importorskip("mujoco")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from browser import DESKTOP, TIMEOUT, chromium, open_page, text_of
from sensor_msgs.msg import JointState

from kinevla_ros.data.synchronisation.joint_states import joints_from_message
from kinevla_ros.stack.processes.isolation import free_tcp_port, free_udp_port
from kinevla_ros.stack.processes.launcher import (
    CELL_HOST,
    Launcher,
    client_node,
    parameter_file,
    simulated,
)


class Stack:
    """The processes, and a page of theirs."""

    def __init__(self, node: Any, launcher: Launcher, page: Any) -> None:
        self._launcher, self.page = launcher, page
        self._q: np.ndarray | None = None
        node.create_subscription(JointState, "/joint_states", self._on_joints, 1)

    def moved(self, seconds: float) -> float:
        """How far the joint that moves most moves in so long, rad."""
        self._q = None
        self._launcher.wait_for(lambda: self._q is not None, 20.0, "no joint states")
        before, end = self._q, time.monotonic() + seconds
        while time.monotonic() < end:
            self._launcher.spin(0.05)
        return float(np.abs(self._q - before).max())

    def _on_joints(self, message: JointState) -> None:
        self._q = np.array(joints_from_message(message)[0])


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    cell, port = free_tcp_port(CELL_HOST), free_tcp_port("127.0.0.1")
    nodes: dict[str, dict[str, Any]] = {
        "console": {"port": port},
        "cell": {"host": CELL_HOST, "port": cell, "camera_rate": 8.0},
        "policy": {},
        "arm": {**simulated(cell), "udp_port": free_udp_port(CELL_HOST)},
    }
    errors: list[Any] = []
    with ExitStack() as context:
        browser = context.enter_context(chromium())
        node, interrupted = context.enter_context(client_node("browser_test"))
        launcher = Launcher(node, interrupted, parameter_file(None), nodes, "error")
        context.enter_context(launcher)
        launcher.bring_up()
        page = open_page(browser, f"http://127.0.0.1:{port}/", DESKTOP, errors)
        yield Stack(node, launcher, page)
        assert errors == []


def ready(page: Any) -> None:
    """Press what the page offers until the arm may move."""
    deadline = time.monotonic() + TIMEOUT / 1000
    while (state := page.inner_text("#state")) not in ("READY", "MOVING", "HOLDING"):
        assert time.monotonic() < deadline, page.inner_text("#obstacles")
        if state in ("FAULTED", "DISABLED"):
            page.click("#reset" if state == "FAULTED" else "#enable")
        page.wait_for_timeout(500)


def test_an_instruction_is_completed_by_buttons_carried_out_and_judged(stack: Stack) -> None:
    page = stack.page
    ready(page)
    page.fill("#instruction", "place the carrot in the plate")
    page.press("#instruction", "Enter")
    page.wait_for_selector("#question")
    page.click("#choices button:text('upper part')")
    page.click("#choices button:text('left')")
    page.wait_for_selector("#question", state="hidden")
    text_of(page, "r-kinematics", "left side of the plate")
    assert page.inner_text("#r-goal") == "place the carrot in the plate"
    assert "upper part" in page.inner_text("#r-kinematics")
    page.wait_for_selector("#state.MOVING")
    page.click("[data-do=judge]")
    page.wait_for_selector("#verdict.yes")
    for what in ("goal", "part", "side"):
        assert what in page.inner_text("#verdict")


def test_stop_brings_the_arm_to_rest_and_the_page_shows_it(stack: Stack) -> None:
    page = stack.page
    ready(page)
    page.wait_for_selector("#state.MOVING")
    page.keyboard.press("Space")
    page.wait_for_selector("#state.FAULTED")
    assert "SOFTWARE_STOP" in page.inner_text("#obstacles")
    page.wait_for_timeout(1500)
    assert "answered in" in page.inner_text("#stop")
    assert stack.moved(0.5) < 2e-3
