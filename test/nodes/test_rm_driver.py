"""The transport `rm_driver` against a node that does what the vendor's driver does."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("rosidl_generator_c")

import rclpy
from fake_rm_driver import FakeRmDriver
from message_builds import message_package
from node_bench import FAILURE, SUCCESS, bench
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Empty
from std_srvs.srv import SetBool
from waiting import wait_until

from kinevla_ros.base.chunk import JOINT_NAMES, ActionChunk
from kinevla_ros.msg import ActionChunk as ActionChunkMessage
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.arm.node import ArmNode
from kinevla_ros.nodes.rm_driver.messages import errors_of
from kinevla_ros.nodes.rm_driver.transport import RmDriverArm
from kinevla_ros.nodes.ros.messages import Stamps, chunk_to_message
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.robot.motion.target_sender import Target
from kinevla_ros.robot.transport import ArmConnectionError

READY = np.array([0.3, 0.3, 0.1, 1.5, -0.2, 1.3, 3.0])


@pytest.fixture(scope="module")
def messages(request: pytest.FixtureRequest) -> Any:
    """The vendor's messages, or the few of them that are needed."""
    return message_package("rm_ros_interfaces", request.config)


class Running:
    """A fake driver that spins in a thread."""

    def __init__(self, messages: Any, **options: Any) -> None:
        self.node = FakeRmDriver(messages, READY, **options)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()


@pytest.fixture
def ros() -> Iterator[None]:
    rclpy.init()
    yield
    rclpy.try_shutdown()


@pytest.fixture
def driver(ros: None, messages: Any) -> Iterator[Callable[..., FakeRmDriver]]:
    running: list[Running] = []

    def start(**options: Any) -> FakeRmDriver:
        running.append(Running(messages, **options))
        return running[-1].node

    yield start
    for one in running:
        one.end()


@pytest.fixture
def arm(ros: None, messages: Any) -> Iterator[RmDriverArm]:
    arm = RmDriverArm("/")
    yield arm
    arm.close()


def test_without_the_vendors_messages_the_error_names_the_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "rm_ros_interfaces", None)
    monkeypatch.setitem(sys.modules, "rm_ros_interfaces.msg", None)
    with pytest.raises(ArmConnectionError, match=r"rm_ros_interfaces: build.*source"):
        RmDriverArm("/")


def test_without_the_driver_the_error_says_how_to_start_it(arm: RmDriverArm) -> None:
    with pytest.raises(ArmConnectionError, match=r"no rm_driver listens.*ros2 run rm_driver"):
        arm.connect(timeout=0.3)


def test_the_drivers_callback_gets_seven_joints_and_dof_7(
    driver: Callable[..., FakeRmDriver], arm: RmDriverArm
) -> None:
    node = driver()
    arm.connect()
    target = READY + 0.01
    arm.send(Target(target))
    assert wait_until(lambda: node.targets)
    message = node.targets[-1]
    assert (len(message.joint), message.dof, message.expand) == (7, 7, 0.0)
    assert np.degrees(target) == pytest.approx(node.degrees, abs=1e-3)
    assert wait_until(lambda: np.abs(arm.latest().q - target).max() < 1e-4)


def test_a_message_that_cannot_be_handled_does_not_end_the_connection(
    driver: Callable[..., FakeRmDriver], arm: RmDriverArm, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver()
    arm.connect()
    assert arm._node is not None
    monkeypatch.setattr(arm._judge, "on_joint_state", lambda *_: 1 / 0)
    assert wait_until(lambda: arm._node.failures > 2)
    assert arm.alive
    assert "ZeroDivisionError" in arm._node.last_failure


@pytest.mark.parametrize(("period", "high"), [(0.02, False), (0.01, True), (0.005, True)])
def test_the_driver_gets_high_follow_at_ten_milliseconds_or_less_and_low_above(
    driver: Callable[..., FakeRmDriver], messages: Any, period: float, high: bool
) -> None:
    node, arm = driver(), RmDriverArm("/", period)
    arm.connect()
    arm.send(Target(READY))
    assert wait_until(lambda: node.targets)
    assert node.targets[-1].follow is high
    arm.close()


@pytest.mark.parametrize("q", [READY[:6], np.full(7, np.nan)])
def test_a_target_that_is_none_is_refused(arm: RmDriverArm, q: np.ndarray) -> None:
    with pytest.raises(ValueError, match="seven finite"):
        arm.send(Target(q))


@pytest.mark.parametrize("stop_type", [Bool, Empty])
def test_the_stop_is_of_the_type_that_the_driver_takes(
    driver: Callable[..., FakeRmDriver], arm: RmDriverArm, stop_type: Any
) -> None:
    node = driver(stop_type=stop_type)
    arm.connect()
    assert arm.can_stop
    arm.stop()
    assert node.stops == 1
    node.connected = False
    with pytest.raises(ArmConnectionError, match="did not confirm"):
        arm.stop()


def test_an_arm_with_six_joints_is_refused(
    driver: Callable[..., FakeRmDriver], arm: RmDriverArm
) -> None:
    driver(dof=6)
    with pytest.raises(ArmConnectionError, match="arm of 6 joints"):
        arm.connect(timeout=5.0)


def test_the_zeros_before_the_first_packet_are_no_state(
    driver: Callable[..., FakeRmDriver], arm: RmDriverArm
) -> None:
    node = driver()
    node.packets = False
    with pytest.raises(ArmConnectionError, match="no state of the arm"):
        arm.connect(timeout=1.5)


def test_a_joint_state_is_stale_though_its_stamp_is_fresh(
    driver: Callable[..., FakeRmDriver], arm: RmDriverArm
) -> None:
    node = driver()
    arm.connect()
    before = arm.latest().stamp
    assert wait_until(lambda: arm.latest().stamp > before + 0.2), "at rest it is fresh"
    node.packets = False
    node.degrees = node.degrees + 1.0
    time.sleep(0.1)
    stamp = arm.latest().stamp
    time.sleep(0.2)
    assert arm.latest().stamp == stamp
    assert arm.alive


def test_errors_show_and_those_of_the_joints_can_be_cleared(
    driver: Callable[..., FakeRmDriver], arm: RmDriverArm
) -> None:
    node = driver()
    arm.connect()
    node.joint_error[3], node.system_error = 0x4000, 0x100D
    assert wait_until(lambda: arm.latest().joint_errors == (0, 0, 0, 0x4000, 0, 0, 0))
    assert wait_until(lambda: arm.latest().controller_errors == (0x100D,))
    node.system_error = 0
    arm.clear_errors()
    assert wait_until(lambda: arm.latest().joint_errors == ())
    assert wait_until(lambda: arm.latest().controller_errors == ())


def test_the_errors_of_later_drivers_are_a_list() -> None:
    assert errors_of(SimpleNamespace(err=[0x100D, 5, 0], err_len=2)) == [0x100D, 5]


def test_the_gripper_is_where_it_was_last_sent(
    driver: Callable[..., FakeRmDriver], arm: RmDriverArm
) -> None:
    node = driver()
    arm.connect()
    assert arm.latest().gripper is None
    arm.send_gripper(0.035)
    assert wait_until(lambda: arm.latest().gripper is not None)
    assert arm.latest().gripper == pytest.approx(0.035, abs=1e-4)
    assert (node.gripper[-1].block, node.gripper[-1].timeout) == (False, 1)


def test_a_gripper_that_did_not_obey_is_sent_again(
    driver: Callable[..., FakeRmDriver], arm: RmDriverArm
) -> None:
    node = driver()
    node.grips = False
    arm.connect()
    arm.send_gripper(0.035)
    assert wait_until(lambda: len(node.gripper) == 2)
    assert arm.latest().gripper is None
    node.grips = True
    assert wait_until(lambda: arm.latest().gripper is not None)
    count = len(node.gripper)
    time.sleep(1.2)
    assert len(node.gripper) == count


def test_a_driver_that_has_gone_is_noticed(ros: None, messages: Any, arm: RmDriverArm) -> None:
    running = Running(messages)
    arm.connect()
    running.end()
    assert wait_until(lambda: not arm.alive)
    with pytest.raises(ArmConnectionError, match="has gone"):
        arm.send(Target(READY))


@pytest.mark.parametrize(("rate", "high"), [(50.0, False), (100.0, True)])
def test_chunks_move_the_arm_through_the_driver_and_repeated_states_stop_it(
    messages: Any, rate: float, high: bool
) -> None:
    with bench({"transport": "rm_driver", "rate": rate}) as node_bench:
        running = Running(messages)
        driver = running.node
        node = node_bench.add(ArmNode)
        assert node.trigger_configure() == SUCCESS
        assert node.trigger_activate() == SUCCESS
        statuses = node_bench.record(SafetyStatus, "/kinevla/safety_status", LATCHED)
        chunks = node_bench.publisher(ActionChunkMessage, "/kinevla/action_chunk")
        enable = SetBool.Request(data=True)
        node_bench.spin_until(
            lambda: node_bench.call(SetBool, "/arm/enable", enable).success, "enabling"
        )
        stamps = Stamps(node_bench.client.get_clock())
        ways = np.linspace(0, 0.2, 6)[1:, None] * np.eye(7)[0]
        chunk = ActionChunk(time.monotonic(), 1, READY + ways, np.full(5, 0.03))
        chunks.publish(chunk_to_message(chunk, stamps.to_ros(chunk.stamp)))
        start = np.degrees(READY[0])
        node_bench.spin_until(lambda: driver.degrees[0] - start > 3, "motion")
        driver.packets = False
        node_bench.spin_until(
            lambda: statuses and statuses[-1].fault == SafetyStatus.STALE_STATE, "fault"
        )
        count = len(driver.targets)
        node_bench.spin_for(0.5)
        at_rest = driver.degrees.copy()
        node_bench.spin_for(0.1)
        assert driver.degrees == pytest.approx(at_rest)
        assert len(driver.targets) < count + 0.5 * rate
        assert {(target.dof, target.follow) for target in driver.targets} == {(7, high)}
        node.close()
        running.end()


@contextmanager
def publishing(publisher: Any, message: Any) -> Iterator[None]:
    """At 50 Hz, from another thread."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(0.02):
            publisher.publish(message)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_a_driver_that_tells_the_packages_own_joint_states_is_refused(messages: Any) -> None:
    with bench({"transport": "rm_driver"}) as node_bench:
        running = Running(messages)
        wrong = running.node.create_publisher(JointState, "/joint_states", 1)
        node = node_bench.add(ArmNode)
        assert node.trigger_configure() == SUCCESS
        with publishing(wrong, JointState(name=list(JOINT_NAMES), position=[0.0] * 7)):
            assert node.trigger_activate() == FAILURE
        assert "-r joint_states:=rm_driver/joint_states" in node._problem
        node.close()
        running.end()
