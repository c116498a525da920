"""The emulated controller's faults, switched from another process's end of the control socket."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinevla_ros.sim.controller.control import FaultError, RemoteControl, inject
from kinevla_ros.sim.controller.controller import EmulatedController
from kinevla_ros.sim.controller.faults import LONG_REPLY, Faults, Push
from kinevla_ros.sim.controller.plant import READY_POSE, JointPlant
from kinevla_ros.sim.controller.protocol import LineReader, angles_to_wire
from kinevla_ros.sim.controller.records import records_of

READY = np.array(READY_POSE)
ASK = b'{"command":"get_joint_degree"}\r\n'


@pytest.fixture
def controller() -> Iterator[EmulatedController]:
    with EmulatedController(JointPlant(), port=0, control_port=0) as controller:
        yield controller


@pytest.fixture
def control(controller: EmulatedController) -> Iterator[RemoteControl]:
    assert controller.control_address is not None
    with RemoteControl(*controller.control_address) as control:
        yield control


@pytest.fixture
def client(controller: EmulatedController) -> Iterator[socket.socket]:
    with socket.create_connection(controller.address, timeout=5) as client:
        yield client


def answer(client: socket.socket) -> bytes:
    """The reply to a question for the joints, up to its line end."""
    client.sendall(ASK)
    data = b""
    while b'"joint_degree"' not in data or not data.endswith(b"\r\n"):
        data += client.recv(10_000)
    return data


@given(
    st.dictionaries(
        st.sampled_from(["mute", "delay", "udp", "joint_error", "controller_error", "record"])
        | st.text(),
        st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.just({}),
    )
)
def test_no_request_breaks_the_control_socket(request: dict) -> None:
    controller = EmulatedController(JointPlant())
    try:
        inject(controller, request)
    except FaultError as error:
        assert str(error)


def test_an_unknown_fault_is_named_and_changes_nothing(control: RemoteControl) -> None:
    with pytest.raises(FaultError, match="no fault 'meteor'; known are mute"):
        control.ask(meteor=True)
    with pytest.raises(FaultError, match="udp is one of sound, off"):
        control.ask(udp="sideways")


def test_a_muted_controller_obeys_and_does_not_answer(
    controller: EmulatedController, control: RemoteControl, client: socket.socket
) -> None:
    control.ask(mute=True)
    client.sendall(b'{"command":"set_arm_stop"}\r\n')
    client.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.recv(1000)
    assert controller.records.commands()[-1].name == "set_arm_stop"


def test_a_late_reply_is_late_and_whole(control: RemoteControl, client: socket.socket) -> None:
    control.ask(delay=0.1)
    asked = time.monotonic()
    assert json.loads(answer(client))["joint"] == angles_to_wire(READY)
    assert time.monotonic() - asked >= 0.1


def test_a_reply_in_two_pieces_among_garbage_is_still_there(
    control: RemoteControl, client: socket.socket
) -> None:
    control.ask(split=True, garbage=True)
    messages = LineReader().feed(answer(client))
    assert [message["state"] for message in messages] == ["nothing_asked_for", "joint_degree"]


def test_a_long_reply_is_longer_than_the_vendor_library_can_take(
    control: RemoteControl, client: socket.socket
) -> None:
    control.ask(long_reply=True)
    assert len(answer(client)) > LONG_REPLY


@pytest.mark.parametrize("how", ["close", "reset"])
def test_connections_end_in_order_or_break_off(
    control: RemoteControl, client: socket.socket, how: str
) -> None:
    answer(client)
    control.ask(**{how: True})
    if how == "close":
        assert client.recv(1000) == b""
    else:
        with pytest.raises(ConnectionResetError):
            client.recv(1000)


def test_a_frozen_controller_reads_nothing_until_it_thaws(
    controller: EmulatedController, control: RemoteControl, client: socket.socket
) -> None:
    answer(client)
    control.ask(freeze=True)
    point = {"command": "movej_canfd", "joint": angles_to_wire(READY)}
    client.sendall(json.dumps(point).encode() + b"\r\n" + ASK)
    time.sleep(0.05)
    assert len(controller.stream_record().times) == 0
    control.ask(freeze=False)
    assert client.recv(1000)
    assert len(controller.stream_record().times) == 1


def test_a_controller_for_one_client_closes_the_second(
    control: RemoteControl, controller: EmulatedController, client: socket.socket
) -> None:
    answer(client)
    control.ask(single_client=True)
    with socket.create_connection(controller.address, timeout=5) as second:
        assert second.recv(1000) == b""
    answer(client)


def test_errors_are_latched_until_cleared(control: RemoteControl, client: socket.socket) -> None:
    control.ask(joint_error={"joint": 4, "bits": 0x4000}, controller_error=0x100D)
    client.sendall(b'{"command":"get_joint_err_flag"}\r\n')
    assert json.loads(client.recv(1000))["err_flag"] == [0, 0, 0, 0x4000, 0, 0, 0]
    client.sendall(b'{"command":"get_current_arm_state"}\r\n')
    assert json.loads(client.recv(1000))["arm_state"]["err"] == [0x100D]


@pytest.mark.parametrize("push", Push)
def test_the_state_push_is_broken_in_each_known_way(push: Push) -> None:
    joints = {"joint_position": [1, 2, 3, 4, 5, 6, 7], "joint_err_code": [0] * 7}
    packet = json.dumps({"joint_status": joints}).encode()
    sent = Faults(push=push).datagram(packet)
    if push is Push.OFF:
        assert sent is None
        return
    assert sent is not None
    try:
        positions = json.loads(sent)["joint_status"].get("joint_position")
    except ValueError:
        positions = "unreadable"
    assert (
        positions
        == {
            Push.SOUND: [1, 2, 3, 4, 5, 6, 7],
            Push.TRUNCATED: "unreadable",
            Push.GARBAGE: "unreadable",
            Push.ZEROS: [0] * 7,
            Push.SIX_JOINTS: [1, 2, 3, 4, 5, 6],
            Push.NO_POSITIONS: None,
        }[push]
    )


def test_what_came_in_and_where_the_arm_was_can_be_read_from_outside(
    controller: EmulatedController, control: RemoteControl, client: socket.socket
) -> None:
    start = time.monotonic()
    target = READY + 0.02
    point = {"command": "movej_canfd", "joint": angles_to_wire(target)}
    client.sendall(json.dumps(point).encode() + b"\r\n")
    answer(client)
    time.sleep(0.05)
    stream, motion = records_of(control.ask(record=start)["record"])
    assert stream.targets == pytest.approx(target[None], abs=1e-5)
    assert stream.accepted.tolist() == [True]
    assert start <= stream.times[0] <= motion.times[-1]
    assert motion.positions[-1] == pytest.approx(target, abs=1e-5)
    later = records_of(control.ask(record=stream.times[0] + 1)["record"])[0]
    assert len(later.times) == 0


def test_the_command_serves_until_ctrl_c_and_says_where() -> None:
    command = [sys.executable, "-m", "kinevla_ros.cli", "emulate", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        addresses = [process.stdout.readline().rpartition(" ")[2] for _ in range(2)]
        (host, port), control = (address.strip().split(":") for address in addresses)
        with socket.create_connection((host, int(port)), timeout=5) as client:
            assert answer(client)
        with RemoteControl(control[0], int(control[1])) as remote:
            assert remote.ask(sound=True)["ok"]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
