from __future__ import annotations

import json
import math
import socket
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinevla_ros.sim.controller.commands import Commands
from kinevla_ros.sim.controller.controller import ControllerError, EmulatedController
from kinevla_ros.sim.controller.gripper import Gripper
from kinevla_ros.sim.controller.motion import VELOCITY_LIMIT, ControllerMotion
from kinevla_ros.sim.controller.plant import READY_POSE, JointPlant
from kinevla_ros.sim.controller.protocol import angles_to_wire

READY = np.array(READY_POSE)


class Bench:
    """Commands, motion and plant on a clock that the test turns."""

    def __init__(self) -> None:
        self.now = 100.0
        self.plant = JointPlant(clock=lambda: self.now)
        self.motion = ControllerMotion(self.plant)
        self.commands = Commands(self.motion, Gripper(self.plant))
        self.events: list[dict] = []

    def ask(self, command: str, **fields: object) -> dict | None:
        return self.commands.answer({"command": command, **fields}, self.now)

    def run(self, duration: float) -> None:
        for _ in range(round(duration / 0.005)):
            self.now += 0.005
            self.events += self.commands.tick(self.now)

    def stream(self, target: np.ndarray, after: float = 0.02) -> bool:
        self.run(after)
        return self.motion.stream(target, self.now)

    def movej(self, goal: np.ndarray, speed: int = 50) -> bool:
        reply = self.ask("movej", v=speed, joint=angles_to_wire(goal), trajectory_connect=0, r=0)
        assert reply is not None
        return reply["receive_state"]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def offset(joint: int, degrees: float) -> np.ndarray:
    q = READY.copy()
    q[joint - 1] += math.radians(degrees)
    return q


class TestNonsense:
    @given(st.dictionaries(st.sampled_from(["command", "joint", "ip", "cycle"]), st.text()))
    def test_no_message_breaks_the_controller(self, message: dict) -> None:
        Bench().commands.answer(message, 0.0)

    @given(
        st.sampled_from(
            ["movej", "set_realtime_push", "set_joint_clear_err", "set_joint_en_state",
             "set_tool_voltage", "set_gripper_position", "set_collision_stage"]
        ),
        st.sampled_from(
            ["joint", "v", "port", "custom", "joint_clear_err", "joint_en_state", "voltage_type",
             "position", "collision_stage"]
        ),
        st.none() | st.floats() | st.integers() | st.text() | st.lists(st.integers()),
    )  # fmt: skip
    def test_no_value_breaks_the_controller(self, command: str, key: str, value: object) -> None:
        bench = Bench()
        assert bench.ask(command, **{key: value}) is not None
        bench.run(0.01)


class TestStream:
    def test_the_arm_follows_a_stream(self, bench: Bench) -> None:
        for step in range(1, 51):
            assert bench.stream(offset(1, step))
        bench.run(0.1)
        assert bench.plant.joint_positions() == pytest.approx(offset(1, 50))
        assert bench.motion.joint_errors == [0] * 7

    def test_a_jump_is_ignored_and_latches_the_joint(self, bench: Bench) -> None:
        assert not bench.stream(offset(3, 11))
        assert bench.motion.joint_errors == [0, 0, 0x4000, 0, 0, 0, 0]
        assert not bench.stream(offset(3, 1))
        assert not bench.movej(offset(3, 1))
        assert bench.plant.joint_positions() == pytest.approx(READY)

    def test_only_clearing_the_joint_clears_a_jump(self, bench: Bench) -> None:
        bench.stream(offset(3, 11))
        bench.ask("clear_system_err")
        assert bench.motion.joint_errors[2] == 0x4000
        bench.ask("set_joint_clear_err", joint_clear_err=2)
        assert bench.motion.joint_errors[2] == 0x4000
        bench.ask("set_joint_clear_err", joint_clear_err=3)
        assert bench.stream(offset(3, 1))

    @pytest.mark.parametrize("period", [0.005, 0.01, 0.02])
    def test_a_stream_at_full_speed_is_accepted(self, bench: Bench, period: float) -> None:
        angles = np.arange(1, round(0.4 / period)) * period * VELOCITY_LIMIT[0]
        assert all(bench.stream(READY + np.eye(7)[0] * angle, period) for angle in angles)

    @pytest.mark.parametrize("period", [0.005, 0.01, 0.02])
    def test_a_stream_above_full_speed_is_refused(self, bench: Bench, period: float) -> None:
        angles = np.arange(1, round(0.4 / period)) * period * VELOCITY_LIMIT[0] * 1.2
        assert not all(bench.stream(READY + np.eye(7)[0] * angle, period) for angle in angles)
        assert bench.motion.joint_errors == [0x4000, 0, 0, 0, 0, 0, 0]

    def test_a_point_out_of_turn_is_forgiven(self, bench: Bench) -> None:
        bench.stream(offset(1, 1))
        for step in range(1, 20):
            late = bench.stream(offset(1, 1 + 6 * step), 0.04)
            assert late
            assert bench.stream(offset(1, 1 + 6 * step + 3), 0.0)

    def test_a_target_over_the_limit_is_a_controller_error(self, bench: Bench) -> None:
        plant = JointPlant(q=(0, math.radians(128), 0, 1, 0, 1, 0), clock=lambda: bench.now)
        motion = ControllerMotion(plant)
        target = plant.joint_positions()
        target[1] = math.radians(131)
        assert not motion.stream(target, bench.now)
        assert motion.errors == [0x1002]

    def test_the_stream_ends_by_itself(self, bench: Bench) -> None:
        bench.stream(offset(1, 1))
        assert bench.motion.status == "move_through_joint"
        bench.run(0.2)
        assert bench.motion.status == "idle"

    def test_a_disabled_joint_refuses_motion(self, bench: Bench) -> None:
        bench.ask("set_joint_en_state", joint_en_state=[4, 0])
        assert not bench.stream(offset(1, 1))
        assert bench.motion.errors == [0x1010]


class TestPlannedMoves:
    def test_a_move_arrives_and_says_so(self, bench: Bench) -> None:
        assert bench.movej(offset(2, 30))
        bench.run(0.1)
        assert bench.motion.status == "move_J"
        assert not bench.events
        bench.run(5)
        assert bench.motion.status == "idle"
        assert [event["device"] for event in bench.events] == [0]
        assert bench.plant.joint_positions() == pytest.approx(offset(2, 30), abs=1e-4)

    def test_a_move_keeps_its_share_of_the_speed(self, bench: Bench) -> None:
        bench.movej(offset(1, 90), speed=20)
        positions = []
        for _ in range(800):
            bench.run(0.005)
            positions.append(bench.plant.joint_positions()[0])
        speed = np.diff(positions) / 0.005
        assert speed.max() == pytest.approx(0.2 * VELOCITY_LIMIT[0], rel=0.05)
        acceleration = np.diff(speed) / 0.005
        assert np.abs(acceleration).max() < math.radians(0.2 * 600) * 1.1

    def test_moves_queue_up(self, bench: Bench) -> None:
        assert bench.movej(offset(1, 10))
        assert bench.movej(offset(1, -10))
        bench.run(5)
        assert len(bench.events) == 2
        assert bench.plant.joint_positions() == pytest.approx(offset(1, -10), abs=1e-4)

    @pytest.mark.parametrize("stop", ["stop", "slow_stop", "pause"])
    def test_a_stop_brakes_within_the_limits(self, bench: Bench, stop: str) -> None:
        bench.movej(offset(1, 90), speed=50)
        bench.run(0.4)
        positions = []
        assert bench.ask(f"set_arm_{stop}") == {"command": f"set_arm_{stop}", f"arm_{stop}": True}
        for _ in range(100):
            bench.run(0.005)
            positions.append(bench.plant.joint_positions()[0])
        assert bench.motion.status == stop
        assert positions[-1] == positions[-20] < math.radians(80)
        acceleration = np.diff(positions, 2) / 0.005**2
        assert np.abs(acceleration).max() < math.radians(600) * 1.1

    def test_a_paused_move_goes_on(self, bench: Bench) -> None:
        bench.movej(offset(1, 90))
        bench.run(0.3)
        bench.ask("set_arm_pause")
        bench.run(1)
        assert not bench.stream(bench.plant.joint_positions())
        bench.ask("set_arm_continue")
        bench.run(5)
        assert bench.plant.joint_positions() == pytest.approx(offset(1, 90), abs=1e-4)

    def test_points_during_a_move_are_ignored(self, bench: Bench) -> None:
        bench.movej(offset(1, 30))
        assert not bench.stream(READY)


class TestGripper:
    def test_it_needs_24_volts(self, bench: Bench) -> None:
        assert bench.ask("set_gripper_position", position=500, block=False) == {
            "command": "set_gripper",
            "state": False,
        }

    def test_it_closes_at_a_finite_speed(self, bench: Bench) -> None:
        bench.ask("set_tool_voltage", voltage_type=3)
        bench.ask("set_gripper_position", position=1, block=True)
        bench.run(0.2)
        state = bench.ask("get_gripper_state")
        assert state is not None
        assert 1 < state["actpos"] < 1000
        assert state["mode"] == 4
        bench.run(1)
        assert bench.plant.gripper() == pytest.approx(0)
        assert [event["device"] for event in bench.events] == [1]


class TestServer:
    @pytest.fixture
    def controller(self) -> Iterator[EmulatedController]:
        with EmulatedController(JointPlant(), port=0) as controller:
            yield controller

    def connect(self, controller: EmulatedController) -> socket.socket:
        return socket.create_connection(controller.address, timeout=5)

    def test_it_answers_with_carriage_return_and_line_feed(
        self, controller: EmulatedController
    ) -> None:
        with self.connect(controller) as client:
            client.sendall(b'{"command":"get_joint_degree"}\r\n')
            line = client.recv(1000)
        assert line.endswith(b"\r\n")
        assert json.loads(line) == {"state": "joint_degree", "joint": angles_to_wire(READY)}

    def test_it_serves_several_clients(self, controller: EmulatedController) -> None:
        with self.connect(controller) as one, self.connect(controller) as other:
            for client in (other, one):
                client.sendall(b'{"command":"set_arm_stop"}\r\n')
                assert b'"arm_stop":true' in client.recv(1000)
        clients = [command.client for command in controller.records.commands()]
        assert len(set(clients)) == 2

    def test_it_pushes_the_state_where_asked(self, controller: EmulatedController) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
            listener.bind(("127.0.0.1", 0))
            listener.settimeout(5)
            port = listener.getsockname()[1]
            request = {"command": "set_realtime_push", "cycle": 1, "enable": True, "port": port}
            with self.connect(controller) as client:
                client.sendall(json.dumps(request).encode() + b"\r\n")
                state = json.loads(listener.recv(4096))
        assert state["arm_current_status"] == "idle"
        assert state["joint_status"]["joint_position"] == angles_to_wire(READY)

    def test_it_records_every_point_with_its_arrival(self, controller: EmulatedController) -> None:
        with self.connect(controller) as client:
            for target in (READY, offset(1, 1), offset(1, 30)):
                point = {"command": "movej_canfd", "joint": angles_to_wire(target)}
                client.sendall(json.dumps(point).encode() + b"\r\n")
            client.sendall(b'{"command":"get_joint_degree"}\r\n')
            client.recv(1000)
        record = controller.stream_record()
        assert np.degrees(record.targets[:, 0]) == pytest.approx([0, 1, 30])
        assert record.accepted.tolist() == [True, True, False]
        assert controller.records.refused == 1
        assert (np.diff(record.times) >= 0).all()

    def test_it_is_silent_when_muted(self, controller: EmulatedController) -> None:
        with self.connect(controller) as client:
            controller.faults.mute = True
            client.sendall(b'{"command":"get_joint_degree"}\r\n')
            client.settimeout(0.1)
            with pytest.raises(TimeoutError):
                client.recv(1000)

    def test_it_can_drop_its_clients(self, controller: EmulatedController) -> None:
        with self.connect(controller) as client:
            client.sendall(b'{"command":"get_joint_degree"}\r\n')
            client.recv(1000)
            controller.close_clients()
            assert client.recv(1000) == b""
        with self.connect(controller) as client:
            client.sendall(b'{"command":"get_joint_degree"}\r\n')
            assert client.recv(1000)

    def test_a_port_in_use_is_named_with_the_fix(self, controller: EmulatedController) -> None:
        port = controller.address[1]
        with pytest.raises(ControllerError, match=f"port {port} .*stop the program"):
            EmulatedController(JointPlant(), port=port).start()


def test_in_drag_mode_the_arm_is_the_hands_and_takes_no_motion(bench: Bench) -> None:
    assert bench.ask("start_drag_teach", trajectory_record=0) == {
        "command": "start_drag_teach", "drag_teach": True,
    }  # fmt: skip
    assert bench.motion.status == "current_drag"
    bench.plant.set_joint_target(offset(2, 20))
    bench.run(1.0)
    assert bench.plant.joint_positions() == pytest.approx(offset(2, 20))
    assert not bench.stream(READY)
    assert not bench.movej(READY)
    assert bench.motion.joint_errors == [0] * 7
    assert bench.ask("stop_drag_teach")["drag_teach"]
    assert bench.motion.status == "idle"
    bench.run(0.5)
    assert bench.plant.joint_positions() == pytest.approx(offset(2, 20))
    assert bench.stream(offset(2, 20))


def test_an_arm_with_an_error_or_in_a_planned_move_does_not_give_way(bench: Bench) -> None:
    assert bench.movej(offset(2, 30))
    bench.run(0.1)
    assert not bench.ask("start_drag_teach")["drag_teach"]
    bench.run(5.0)
    bench.motion.joint_errors[3] = 0x4000
    assert not bench.ask("start_drag_teach")["drag_teach"]
    assert bench.motion.status == "idle"


def test_a_stop_ends_drag_mode(bench: Bench) -> None:
    assert bench.ask("start_drag_teach")["drag_teach"]
    bench.ask("set_arm_stop")
    assert bench.motion.status == "stop"
