"""The unmodified vendor library against the emulated controller."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
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
from kinevla_ros.sim.controller.faults import Push
from kinevla_ros.sim.controller.plant import READY_POSE

READY = np.array(READY_POSE)


def sine(step: int) -> np.ndarray:
    return READY + 0.2 * np.sin(2 * np.pi * step / 50) * np.array([1, -1, 1, 1, -1, 1, 1])


def process_of(arm: RealManArm) -> int:
    assert arm._process is not None
    return arm._process.pid


@pytest.fixture
def controller() -> Iterator[EmulatedController]:
    with prompt_controller() as controller:
        yield controller


@pytest.fixture
def arm(controller: EmulatedController) -> Iterator[RealManArm]:
    ip, port = controller.address
    with RealManArm(ip, port, udp_port=free_port(socket.SOCK_DGRAM)) as arm:
        arm.connect()
        yield arm


class TestConnection:
    def test_the_arm_tells_who_it_is_and_its_limits(self, controller: EmulatedController) -> None:
        with RealManArm(*controller.address, udp_port=free_port(socket.SOCK_DGRAM)) as arm:
            info = arm.connect()
            assert arm.alive
        assert info.model == "RM75-BI"
        assert info.firmware == "V1.7.1"
        assert np.degrees(info.limits.upper) == pytest.approx([178, 130, 178, 135, 178, 128, 360])
        assert info.limits.lower == pytest.approx(-info.limits.upper)
        assert np.degrees(info.limits.velocity) == pytest.approx([180] * 2 + [225] * 5)
        assert np.degrees(info.limits.acceleration) == pytest.approx([600] * 7)

    def test_a_refused_connection_says_what_to_check(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(ArmConnectionError, match=rf"127\.0\.0\.1, TCP port {port}: refused"):
            RealManArm("127.0.0.1", port).connect()

    def test_a_mute_controller_is_no_arm(self, controller: EmulatedController) -> None:
        controller.faults.mute = True
        arm = RealManArm(*controller.address, udp_port=free_port(socket.SOCK_DGRAM))
        with pytest.raises(ArmConnectionError, match="does not answer"):
            arm.connect()
        assert not arm.alive

    def test_a_connection_without_state_is_refused(self, controller: EmulatedController) -> None:
        controller.faults.push = Push.OFF
        udp_port = free_port(socket.SOCK_DGRAM)
        arm = RealManArm(*controller.address, udp_port=udp_port)
        with pytest.raises(ArmConnectionError, match=f"UDP port {udp_port}"):
            arm.connect(timeout=1.5)
        assert arm.latest() is None

    def test_the_process_goes_with_its_parent(self, controller: EmulatedController) -> None:
        program = (
            "import sys, time\n"
            "from kinevla_ros.robot.realman.transport import RealManArm\n"
            "arm = RealManArm('127.0.0.1', int(sys.argv[1]), udp_port=int(sys.argv[2]))\n"
            "arm.connect()\n"
            "print(arm._process.pid, flush=True)\n"
            "time.sleep(60)\n"
        )
        arguments = [str(controller.address[1]), str(free_port(socket.SOCK_DGRAM))]
        with subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            assert os.path.exists(f"/proc/{child}")
            parent.kill()
        assert wait_until(lambda: not _runs(child))

    def test_ctrl_c_is_left_to_the_parent(self, arm: RealManArm) -> None:
        os.kill(process_of(arm), signal.SIGINT)
        assert os.getpgid(process_of(arm)) != os.getpgid(0)
        stamp = arm.latest().stamp
        assert wait_until(lambda: arm.latest().stamp > stamp + 0.1)
        assert arm.alive


class TestMotion:
    def test_every_target_of_a_stream_arrives(
        self, arm: RealManArm, controller: EmulatedController
    ) -> None:
        sent = []
        start = time.monotonic()
        for step in range(50):
            time.sleep(max(0.0, start + 0.02 * step - time.monotonic()))
            sent.append(sine(step))
            arm.send(Target(sent[-1]))
        assert wait_until(lambda: len(controller.stream_record().times) == len(sent))
        record = controller.stream_record()
        assert np.degrees(np.abs(record.targets - np.array(sent))).max() < 0.002
        assert record.accepted.all()

    @pytest.mark.parametrize(("period", "high"), [(0.02, False), (0.01, True), (0.005, True)])
    def test_targets_ten_milliseconds_apart_or_less_are_sent_in_high_follow_and_others_in_low(
        self, controller: EmulatedController, period: float, high: bool
    ) -> None:
        address = controller.address
        with RealManArm(*address, udp_port=free_port(socket.SOCK_DGRAM), period=period) as arm:
            arm.connect()
            arm.send(Target(READY))
            assert wait_until(lambda: len(controller.stream_record().times) == 1)
            os.kill(process_of(arm), signal.SIGKILL)
            assert wait_until(arm.can_brake, 0.5)
            arm.brake(Target(READY, 1, Point(0)))
            assert wait_until(lambda: len(controller.stream_record().times) == 2)
        assert controller.stream_record().follow.tolist() == [high, high]

    def test_the_measured_state_comes_back(self, arm: RealManArm) -> None:
        target = READY + 0.05
        arm.send(Target(target))
        assert wait_until(lambda: np.abs(arm.latest().q - target).max() < 1e-4)
        state = arm.latest()
        assert state.controller_errors == ()
        assert state.joint_errors == ()

    def test_the_gripper_goes_where_it_is_sent(self, arm: RealManArm) -> None:
        arm.send_gripper(0.02)
        assert wait_until(lambda: abs((arm.latest().gripper or 0) - 0.02) < 1e-4)

    @pytest.mark.parametrize("q", [np.zeros(6), np.full(7, np.nan), np.full(7, np.inf)])
    def test_a_target_that_is_none_is_refused(self, arm: RealManArm, q: np.ndarray) -> None:
        with pytest.raises(ValueError, match="seven finite"):
            arm.send(Target(q))

    def test_a_jump_shows_and_can_be_cleared(
        self, arm: RealManArm, controller: EmulatedController
    ) -> None:
        arm.send(Target(READY + np.eye(7)[3] * 0.5))
        assert wait_until(lambda: arm.latest().joint_errors == (0, 0, 0, 0x4000, 0, 0, 0))
        controller.controller_error(0x100D)
        assert wait_until(lambda: arm.latest().controller_errors == (0x100D,))
        arm.clear_errors()
        assert wait_until(lambda: arm.latest().joint_errors == ())
        assert wait_until(lambda: arm.latest().controller_errors == ())

    def test_it_gives_way_to_a_hand_until_asked_and_says_so(
        self, arm: RealManArm, controller: EmulatedController
    ) -> None:
        assert wait_until(lambda: arm.latest() is not None) and not arm.latest().dragged
        arm.drag(True)
        assert controller.status == "current_drag"
        assert wait_until(lambda: arm.latest().dragged)
        arm.drag(False)
        assert wait_until(lambda: not arm.latest().dragged)
        assert controller.status == "idle"

    def test_an_arm_with_an_error_does_not_give_way_and_says_why(
        self, arm: RealManArm, controller: EmulatedController
    ) -> None:
        controller.joint_error(2, 0x4000)
        with pytest.raises(ArmConnectionError, match="does not begin drag mode"):
            arm.drag(True)


class TestStop:
    def test_it_goes_over_a_connection_of_its_own(
        self, arm: RealManArm, controller: EmulatedController
    ) -> None:
        library = controller.records.commands()[0].client
        arm.stop()
        stops = [c for c in controller.records.commands() if "stop" in c.name]
        assert [c.name for c in stops] == ["set_arm_slow_stop", "set_arm_stop"]
        assert all(c.client != library for c in stops)
        assert controller.status == "stop"

    def test_it_works_while_the_process_hangs(
        self, arm: RealManArm, controller: EmulatedController
    ) -> None:
        os.kill(process_of(arm), signal.SIGSTOP)
        arm.stop()
        assert controller.status == "stop"

    def test_it_connects_again_if_it_must(
        self, arm: RealManArm, controller: EmulatedController
    ) -> None:
        controller.close_clients()
        arm.stop()
        assert controller.status == "stop"

    def test_a_stop_that_is_not_confirmed_is_an_error(
        self, arm: RealManArm, controller: EmulatedController
    ) -> None:
        controller.faults.mute = True
        with pytest.raises(ArmConnectionError, match="did not confirm set_arm_stop"):
            arm.stop()


class TestFailure:
    def test_a_killed_process_is_seen_and_replaced(self, arm: RealManArm) -> None:
        os.kill(process_of(arm), signal.SIGKILL)
        assert wait_until(lambda: not arm.alive)
        with pytest.raises(ArmConnectionError, match=r"call connect\(\)"):
            arm.send(Target(READY))
        arm.connect()
        assert arm.alive
        arm.send(Target(READY))

    def test_a_hung_process_is_seen_and_replaced(self, arm: RealManArm) -> None:
        os.kill(process_of(arm), signal.SIGSTOP)
        assert wait_until(lambda: not arm.alive)
        for _ in range(5000):
            arm.send(Target(READY))
        arm.connect()
        assert arm.alive

    def test_a_process_that_was_frozen_replays_no_targets(
        self, arm: RealManArm, controller: EmulatedController
    ) -> None:
        os.kill(process_of(arm), signal.SIGSTOP)
        for step in range(20):
            arm.send(Target(sine(step)))
        assert wait_until(lambda: not arm.alive)
        stamp = arm.latest().stamp
        os.kill(process_of(arm), signal.SIGCONT)
        assert wait_until(lambda: arm.alive and arm.latest().stamp > stamp)
        arm.send(Target(READY))
        assert wait_until(lambda: len(controller.stream_record().times))
        assert controller.stream_record().targets == pytest.approx(READY[None], abs=1e-4)

    def test_a_frozen_controller_gets_no_targets(
        self, arm: RealManArm, controller: EmulatedController
    ) -> None:
        controller.faults.mute = True
        controller.faults.push = Push.OFF
        time.sleep(0.3)
        stamp = arm.latest().stamp
        for _ in range(200):
            arm.send(Target(READY))
        time.sleep(0.1)
        assert arm.latest().stamp == stamp
        assert arm.alive
        assert len(controller.stream_record().times) == 0

    def test_a_controller_that_is_gone_ends_the_link(
        self, arm: RealManArm, controller: EmulatedController
    ) -> None:
        controller.stop()
        assert wait_until(lambda: not arm.alive)
        with pytest.raises(ArmConnectionError, match="has closed the connection"):
            arm.send(Target(READY))

    def test_states_of_the_old_process_do_not_outlive_it(
        self, arm: RealManArm, controller: EmulatedController
    ) -> None:
        controller.faults.push = Push.OFF
        with pytest.raises(ArmConnectionError):
            arm.connect(timeout=1.0)
        assert arm.latest() is None


def _runs(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
