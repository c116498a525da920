"""Each known failure of controller, network and vendor library, and what the client makes of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from node_bench import free_port
from prompt_controller import prompt_controller
from waiting import wait_until

from kinevla_ros.robot.motion.target_sender import Point, Target
from kinevla_ros.robot.realman.transport import ArmConnectionError, RealManArm
from kinevla_ros.sim.controller.controller import EmulatedController
from kinevla_ros.sim.controller.faults import Faults, Push
from kinevla_ros.sim.controller.plant import READY_POSE, JointPlant

TURNED = np.array([*READY_POSE[:6], 1.0])


@pytest.fixture(scope="module")
def controller() -> Iterator[EmulatedController]:
    with prompt_controller(JointPlant(TURNED)) as controller:
        yield controller


@pytest.fixture(scope="module")
def link(controller: EmulatedController) -> Iterator[RealManArm]:
    with RealManArm(*controller.address, udp_port=free_port(socket.SOCK_DGRAM)) as arm:
        yield arm


@pytest.fixture
def arm(link: RealManArm, controller: EmulatedController) -> RealManArm:
    """The arm, connected to a sound controller."""
    controller.freeze(False)
    controller.faults = Faults()
    if not link.alive or link.latest() is None or time.monotonic() - link.latest().stamp > 0.1:
        link.connect()
    return link


def commands(controller: EmulatedController, since: float) -> list[str]:
    return [c.name for c in controller.records.commands() if c.time >= since]


def arrived(controller: EmulatedController, since: float) -> int:
    return int((controller.stream_record().times >= since).sum())


def send_for(arm: RealManArm, seconds: float) -> None:
    for _ in range(round(seconds / 0.02)):
        arm.send(Target(TURNED))
        time.sleep(0.02)


def test_replies_in_pieces_and_among_garbage_disturb_nothing(
    arm: RealManArm, controller: EmulatedController
) -> None:
    controller.faults = Faults(split=True, garbage=True)
    arm.connect()
    arm.send_gripper(0.02)
    assert wait_until(lambda: abs((arm.latest().gripper or 0) - 0.02) < 1e-3)


@pytest.mark.parametrize("delay", [0.3, 0.7])
def test_a_late_reply_holds_up_neither_targets_nor_states_and_shows_at_the_stop_line(
    arm: RealManArm, controller: EmulatedController, delay: float
) -> None:
    """The library waits half a second for a reply: one comes in time, one after it has given up."""
    controller.faults.delay, start = delay, time.monotonic()
    assert wait_until(lambda: "get_gripper_state" in commands(controller, start))
    begun = time.monotonic()
    for _ in range(25):
        send_for(arm, 0.04)
        assert time.monotonic() - arm.latest().stamp < 0.1
    times = controller.stream_record().times
    assert np.diff(times[times >= begun]).max() < 0.1
    assert wait_until(lambda: not arm.can_stop)
    controller.faults.delay = 0.0
    arm.send_gripper(0.05)
    assert wait_until(lambda: arm.can_stop and abs((arm.latest().gripper or 0) - 0.05) < 1e-3)


def test_stop_and_targets_go_out_while_the_library_waits_for_a_reply_that_never_comes(
    arm: RealManArm, controller: EmulatedController
) -> None:
    controller.faults.mute = True
    start = time.monotonic()
    assert wait_until(lambda: "get_gripper_state" in commands(controller, start))
    with pytest.raises(ArmConnectionError, match="did not confirm"):
        arm.stop()
    assert "set_arm_stop" in commands(controller, start)
    assert wait_until(lambda: arm.send(Target(TURNED)) or arrived(controller, start))


def test_a_reply_that_is_too_long_ends_the_library_and_nothing_else(
    arm: RealManArm, controller: EmulatedController
) -> None:
    controller.faults.long_reply = True
    assert wait_until(lambda: not arm.alive)
    controller.faults.long_reply = False
    arm.connect()
    assert arm.alive


def test_when_the_library_dies_the_motion_can_be_ended_past_it(
    arm: RealManArm, controller: EmulatedController
) -> None:
    send_for(arm, 0.1)
    assert not arm.can_brake()
    start = time.monotonic()
    os.kill(arm._process.pid, signal.SIGKILL)
    arm._process.wait()
    assert arm.can_brake()
    arm.brake(Target(TURNED, 1, Point(0)))
    assert wait_until(lambda: arrived(controller, start))
    assert controller.stream_record().targets[-1] == pytest.approx(TURNED, abs=1e-4)


def test_past_a_dead_library_nothing_goes_on_at_speed_after_a_gap(
    arm: RealManArm, controller: EmulatedController
) -> None:
    way = TURNED + np.linspace(0.01, 0.02, 3)[:, None]
    arm.send(Target(TURNED, 1, None, way))
    assert wait_until(lambda: arm.point() is not None)
    os.kill(arm._process.pid, signal.SIGKILL)
    arm._process.wait()
    assert arm.can_brake()
    time.sleep(0.1)
    count = len(controller.stream_record().times)
    arm.brake(Target(way[0], 2, Point(1), way[1:]))
    assert arm.point() == Point(1, 0, True)
    time.sleep(0.1)
    assert len(controller.stream_record().times) == count


def test_past_a_library_that_had_hung_nothing_is_sent(
    arm: RealManArm, controller: EmulatedController
) -> None:
    os.kill(arm._process.pid, signal.SIGSTOP)
    time.sleep(0.3)
    os.kill(arm._process.pid, signal.SIGKILL)
    arm._process.wait()
    assert not arm.can_brake()


@pytest.mark.parametrize("push", [p for p in Push if p is not Push.SOUND])
def test_a_broken_state_is_no_state(
    arm: RealManArm, controller: EmulatedController, push: Push
) -> None:
    controller.faults.push = push
    time.sleep(0.05)
    stamp = arm.latest().stamp
    time.sleep(0.15)
    assert arm.latest().stamp == stamp
    assert arm.latest().q == pytest.approx(TURNED, abs=1e-4)
    controller.faults.push = Push.SOUND
    assert wait_until(lambda: arm.latest().stamp > stamp)


def test_a_state_that_contradicts_the_joints_asked_for_is_not_believed_at_connection(
    arm: RealManArm, controller: EmulatedController
) -> None:
    controller.faults.push = Push.SIX_JOINTS
    with pytest.raises(ArmConnectionError, match="no state arrives"):
        arm.connect(timeout=5.0)


def test_while_the_controller_answers_targets_go_on_without_a_state(
    arm: RealManArm, controller: EmulatedController
) -> None:
    controller.faults.push = Push.OFF
    time.sleep(0.3)
    start = time.monotonic()
    send_for(arm, 0.3)
    assert wait_until(lambda: arrived(controller, start) > 10)
    assert arm.can_stop


def test_a_frozen_controller_finds_no_heap_of_targets_when_it_is_back(
    arm: RealManArm, controller: EmulatedController
) -> None:
    send_for(arm, 0.1)
    start = time.monotonic()
    controller.freeze()
    send_for(arm, 0.35)
    assert not arm.can_stop
    controller.freeze(False)
    assert wait_until(lambda: arm.can_stop)
    # Those of the first 0.1 s, in which nobody could know.
    assert arrived(controller, start) <= 8


def test_nothing_waits_for_a_frozen_controller(
    arm: RealManArm, controller: EmulatedController
) -> None:
    controller.freeze()
    for _ in range(40_000):
        arm.send(Target(TURNED))
    with pytest.raises(ArmConnectionError):
        arm.stop()


def test_a_broken_connection_is_known_and_made_again(
    arm: RealManArm, controller: EmulatedController
) -> None:
    controller.reset_clients()
    assert wait_until(lambda: not arm.alive)
    arm.connect()
    arm.send(Target(TURNED))
    assert wait_until(lambda: arm.can_stop)


def test_the_stop_line_is_made_again_when_it_alone_was_closed(
    arm: RealManArm, controller: EmulatedController
) -> None:
    library = controller.records.commands()[-1].client
    start = time.monotonic()
    for client in list(controller.clients):
        if client.port != library:
            controller._loop.call_soon_threadsafe(client.close)
    arm.stop()
    assert {"set_arm_slow_stop", "set_arm_stop"} <= set(commands(controller, start))


def test_a_controller_that_serves_one_client_only_is_refused_with_the_reason(
    arm: RealManArm, controller: EmulatedController
) -> None:
    controller.faults.single_client = True
    arm.close()
    assert wait_until(lambda: not controller.clients)
    with pytest.raises(ArmConnectionError, match="some controllers serve few clients"):
        arm.connect()


def test_the_state_is_asked_for_at_every_connection(
    arm: RealManArm, controller: EmulatedController
) -> None:
    elsewhere = {"command": "set_realtime_push", "port": free_port(socket.SOCK_DGRAM)}
    with socket.create_connection(controller.address) as other:
        other.sendall(json.dumps(elsewhere).encode() + b"\r\n")
        other.recv(1000)
    time.sleep(0.1)
    stamp = arm.latest().stamp
    time.sleep(0.1)
    assert arm.latest().stamp == stamp
    arm.connect()
    assert arm.latest().stamp > stamp


def test_errors_are_cleared_in_the_order_that_works_and_never_by_the_emergency_stop(
    arm: RealManArm, controller: EmulatedController
) -> None:
    controller.joint_error(2, 0x4000)
    controller.joint_error(6, 0x0008)
    controller.controller_error(0x100D)
    start = time.monotonic()
    arm.clear_errors()
    order = [n for n in commands(controller, start) if "gripper" not in n and "power" not in n]
    assert order[:5] == [
        "set_arm_stop",
        "get_joint_err_flag",
        "set_joint_clear_err",
        "set_joint_clear_err",
        "clear_system_err",
    ]
    assert not [c.name for c in controller.records.commands() if "emergency" in c.name]


def test_a_gripper_that_gets_a_new_target_all_the_time_is_still_read(
    arm: RealManArm, controller: EmulatedController
) -> None:
    start = time.monotonic()
    for opening in np.linspace(0.06, 0.01, 75):
        arm.send_gripper(opening)
        time.sleep(0.02)
    names = [name for name in commands(controller, start) if "gripper" in name]
    sent, read = (
        names.count(f"{verb}_gripper_{what}")
        for verb, what in (("set", "position"), ("get", "state"))
    )
    assert sent >= 4
    assert abs(sent - read) <= 1
