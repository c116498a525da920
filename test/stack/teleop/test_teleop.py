"""`kinevla teleop` in the cell, as a person types it: keys, and the demonstrator."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from node_bench import free_port
from running_arm import leads, rests, running, take_hold
from std_srvs.srv import Trigger
from typed_command import LONG, typed

from kinevla_ros.msg import Reasoning, SafetyStatus
from kinevla_ros.robot.kinematics import forward
from kinevla_ros.stack.arm_link import ArmLink
from kinevla_ros.stack.processes.launcher import CELL_HOST, simulated

BREAD = "pick up the bread and move it to the left front"


@pytest.fixture(scope="module")
def cell() -> Iterator[ArmLink]:
    """Cell and arm."""
    port = free_port(socket.SOCK_STREAM, CELL_HOST)
    arm = {**simulated(port), "udp_port": free_port(socket.SOCK_DGRAM)}
    with running({"cell": {"host": CELL_HOST, "port": port}, "arm": arm}) as link:
        yield link


def test_the_demonstrator_plays_the_person_and_the_judge_sees_the_task_done(
    cell: ArmLink,
) -> None:
    reasonings = cell.node.create_publisher(Reasoning, "kinevla/reasoning", 1)
    assert cell.wait_for(reasonings.get_subscription_count, LONG)
    reasonings.publish(Reasoning(status=Reasoning.ACCEPTED, instruction=BREAD))
    with typed("teleop", "player", BREAD) as command:
        assert cell.wait_for(lambda: leads(cell), LONG), command.said
        assert command.wait() == 0, command.said
    assert "done" in command.said and "simulated cell" not in command.said
    assert rests(cell)
    judged = json.loads(cell.ask(Trigger, "cell/judge", Trigger.Request()).message)
    assert judged["goal"] and judged["constraints"]["direction"], judged


def test_a_simulated_arm_that_stalls_is_led_on_by_the_demonstrator(cell: ArmLink) -> None:
    cell.trigger("cell/reset")
    launcher = cell._launcher
    assert launcher is not None
    with typed("teleop", "player", BREAD) as command:
        assert cell.wait_for(lambda: leads(cell), LONG), command.said
        os.kill(launcher.pid("cell"), signal.SIGSTOP)
        try:
            stalled = cell.wait_for(lambda: not cell.enabled(), LONG)
        finally:
            os.kill(launcher.pid("cell"), signal.SIGCONT)
        assert stalled
        assert command.wait() == 0, command.said
    assert "has stalled" in command.said and "done" in command.said


def test_keys_move_the_tool_after_the_space_bar_and_ctrl_c_brings_it_to_rest(
    cell: ArmLink,
) -> None:
    assert cell.wait_for(lambda: cell.enabled() and cell.silent_for() < 0.5, LONG)
    with typed("teleop", "keyboard") as command:
        assert cell.wait_for(lambda: "take hold" in command.said, LONG), command.said
        start = cell.q
        command.press("wwww")
        cell.spin_until(time.monotonic() + 0.5)
        assert cell.away(start).max() < 2e-3
        assert take_hold(command, cell), command.said
        before = forward(cell.q)[0]
        deadline = time.monotonic() + LONG
        while forward(cell.q)[0][2] < before[2] + 0.03:
            assert time.monotonic() < deadline, command.said
            command.press("r")
            cell.spin_until(time.monotonic() + 0.1)
        assert abs(forward(cell.q)[0] - before)[:2].max() < 0.02
        assert command.interrupt() == 0, command.said
    assert rests(cell)
    assert cell.status is not None and cell.status.state == SafetyStatus.HOLDING


def test_who_asks_for_a_task_that_nobody_knows_hears_so_at_once() -> None:
    with typed("teleop", "player", "dance") as command:
        assert command.wait() == 1
    assert "outside its scope (dance)" in command.said
