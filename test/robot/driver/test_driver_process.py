"""The driver's process behind the emulated controller: held up, killed, restarted, left alone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from driver_person import PERIOD, Person
from node_bench import free_port
from prompt_controller import prompt_controller
from waiting import wait_until

from kinevla_ros.evaluation.report.fault_report import largest_share
from kinevla_ros.robot.driver.requests import DriverGone
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.host.child_process import child_of
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.status import SafetyState
from kinevla_ros.sim.controller.controller import EmulatedController


@pytest.fixture(scope="module")
def controller() -> Iterator[EmulatedController]:
    with prompt_controller(host="127.0.0.6") as controller:
        yield controller


@pytest.fixture(scope="module")
def somebody(controller: EmulatedController) -> Iterator[Person]:
    person = Person(*controller.address, free_port(socket.SOCK_DGRAM))
    yield person
    person.driver.close()


@pytest.fixture
def person(somebody: Person) -> Person:
    somebody.enable()
    return somebody


def assert_smooth_in_time(controller: EmulatedController) -> None:
    record = controller.stream_record()
    assert largest_share(record, RM75_LIMITS, PERIOD) <= 1
    assert record.accepted.all()


def assert_at_rest(controller: EmulatedController) -> None:
    targets = controller.stream_record().targets
    # The last step of a brake depends on where between two ticks it ends: less than 0.05 rad/s.
    assert targets[-1] == pytest.approx(targets[-2], abs=1e-3)


def freeze(process: int, seconds: float) -> None:
    os.kill(process, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(process, signal.SIGCONT)


def test_a_driver_that_was_held_up_shortly_goes_on_without_a_jump(
    person: Person, controller: EmulatedController
) -> None:
    assert person.driver.pid is not None
    for _ in range(3):
        person.swing_at_speed()
        freeze(person.driver.pid, 0.06)
        person.swing(0.5)
    assert person.ticks[-1].status.state is SafetyState.MOVING
    assert_smooth_in_time(controller)


def test_a_driver_that_was_frozen_in_motion_finds_the_arm_at_rest_and_needs_a_reset(
    person: Person, controller: EmulatedController
) -> None:
    assert person.driver.pid is not None
    person.swing_at_speed()
    freeze(person.driver.pid, 0.8)
    assert wait_until(lambda: person.fault is Fault.STREAM_INTERRUPTED)
    person.swing(0.3)
    assert person.fault is Fault.STREAM_INTERRUPTED
    assert_at_rest(controller)
    person.enable()
    person.swing(0.5)
    assert person.ticks[-1].status.state is SafetyState.MOVING
    assert_smooth_in_time(controller)


def test_a_driver_that_is_killed_leaves_the_arm_at_rest_and_is_started_again(
    person: Person, controller: EmulatedController
) -> None:
    assert person.driver.pid is not None
    assert person.driver.set_speed(90.0).ok
    person.swing_at_speed()
    os.kill(person.driver.pid, signal.SIGKILL)
    assert wait_until(lambda: person.fault is Fault.CONNECTION_LOST)
    time.sleep(0.5)
    assert_at_rest(controller)
    assert wait_until(lambda: person.driver.connected, 20.0)
    assert "call /arm/reset" in person.driver.enable().reason
    person.enable()
    person.swing(0.5)
    assert person.ticks[-1].status.state is SafetyState.MOVING
    assert person.ticks[-1].status.speed == pytest.approx(0.9)
    assert_smooth_in_time(controller)


def test_a_vendor_process_that_was_held_up_gets_no_heap_of_targets(
    person: Person, controller: EmulatedController
) -> None:
    assert person.driver.pid is not None
    vendor = child_of(person.driver.pid)
    for _ in range(3):
        person.swing_at_speed()
        freeze(vendor, 0.15)
        person.swing(0.3)
        if person.fault is not Fault.NONE:
            assert person.fault in (Fault.STALE_STATE, Fault.STREAM_INTERRUPTED)
            person.enable()
    assert_smooth_in_time(controller)


def test_a_stop_gets_through_while_the_driver_is_frozen(
    person: Person, controller: EmulatedController
) -> None:
    assert person.driver.pid is not None
    person.swing_at_speed()
    os.kill(person.driver.pid, signal.SIGSTOP)
    try:
        assert wait_until(lambda: not person.driver.connected)
        person.driver.stop()
        assert controller.status == "stop"
    finally:
        os.kill(person.driver.pid, signal.SIGCONT)
    person.swing(0.5)
    assert person.ticks[-1].status.state is SafetyState.FAULTED
    assert_at_rest(controller)


def test_a_stop_does_not_wait_for_a_driver_that_has_frozen_just_now(
    person: Person, controller: EmulatedController
) -> None:
    assert person.driver.pid is not None
    person.swing_at_speed()
    os.kill(person.driver.pid, signal.SIGSTOP)
    try:
        asked = time.monotonic()
        person.driver.stop()
        assert time.monotonic() - asked < 4.0
        assert controller.status == "stop"
    finally:
        os.kill(person.driver.pid, signal.SIGCONT)
    # Which of the two it finds first depends on how long it was frozen.
    causes = (Fault.SOFTWARE_STOP, Fault.STREAM_INTERRUPTED)
    assert wait_until(lambda: person.fault in causes, 20.0), person.fault
    assert_at_rest(controller)


def test_what_a_frozen_driver_was_asked_in_vain_is_not_done_when_it_goes_on(
    person: Person,
) -> None:
    assert person.driver.pid is not None
    assert person.driver.set_speed(50.0).ok
    os.kill(person.driver.pid, signal.SIGSTOP)
    try:
        assert wait_until(lambda: not person.driver.connected)
        with pytest.raises(DriverGone):
            person.driver.set_speed(100.0)
    finally:
        os.kill(person.driver.pid, signal.SIGCONT)
    assert wait_until(lambda: person.driver.connected)
    count = len(person.ticks)
    assert wait_until(lambda: len(person.ticks) > count + 50)
    assert person.ticks[-1].status.speed == pytest.approx(0.5)
    assert person.driver.set_speed(100.0).ok


NODE = """
import sys
from driver_person import Person
person = Person(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
person.enable()
person.swing_at_speed()
print(person.driver.pid, flush=True)
person.swing(60.0)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_node_that_is_killed_or_frozen_in_motion_leaves_the_arm_at_rest(
    number: signal.Signals,
) -> None:
    with prompt_controller(host="127.0.0.7") as controller:
        end_in_motion(controller, number)


def end_in_motion(controller: EmulatedController, number: signal.Signals) -> None:
    ip, port = controller.address
    words = [ip, str(port), str(free_port(socket.SOCK_DGRAM))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", NODE, *words],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as node:
        assert node.stdout is not None
        driver = int(node.stdout.readline())
        node.send_signal(number)
        time.sleep(1.2)
        assert_at_rest(controller)
        assert_smooth_in_time(controller)
        if number == signal.SIGSTOP:
            node.kill()
    assert wait_until(lambda: not Path(f"/proc/{driver}").exists(), 20.0)
