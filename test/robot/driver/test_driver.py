"""What becomes of a motion when the link to the arm ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from waiting import wait_until

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.robot.driver.driver import ArmDriver
from kinevla_ros.robot.driver.tick import Tick
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.motion.target_sender import Point, Target
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.status import SafetyState
from kinevla_ros.robot.transport import ArmConnectionError, ArmInfo
from kinevla_ros.sim.controller.plant import READY_POSE

PERIOD = 0.02


class FakeArm:
    """An arm that is at once where it is sent, behind a link that can be cut."""

    can_stop = True

    def __init__(self, other_way: bool) -> None:
        self.other_way = other_way
        self.cut = self.dragged = False
        self.stamp = 0.0
        self.connections = 0
        self.limits = RM75_LIMITS
        self.q = np.array(READY_POSE)
        self.targets: list[np.ndarray] = []
        self.handed_over: list[Target] = []
        self.past: list[np.ndarray] = []
        self.openings: list[float] = []
        self.errors: tuple[int, ...] = ()
        self.stops = self.cleared = 0
        self.reported: Point | None = None

    @property
    def alive(self) -> bool:
        return not self.cut

    def connect(self) -> ArmInfo:
        self.connections += 1
        self.cut = False
        return ArmInfo("fake", "none", self.limits)

    def close(self) -> None:
        pass

    def latest(self) -> ArmState:
        if not self.cut:
            self.stamp = time.monotonic()
        return ArmState(self.q, self.stamp, joint_errors=self.errors, dragged=self.dragged)

    def send(self, target: Target) -> None:
        if self.cut:
            raise ArmConnectionError("cut")
        self.targets.append(target.q)
        self.handed_over.append(target)
        self.q = target.q

    def point(self) -> Point | None:
        return self.reported

    def can_brake(self) -> bool:
        return self.other_way

    def brake(self, target: Target) -> None:
        if not self.other_way:
            raise ArmConnectionError("cut as well")
        self.past.append(target.q)
        self.q = target.q

    def send_gripper(self, opening: float) -> None:
        self.openings.append(opening)

    def stop(self) -> None:
        self.stops += 1

    def drag(self, on: bool) -> None:
        self.dragged = on

    def clear_errors(self) -> None:
        self.cleared += 1
        self.errors: tuple[int, ...] = ()


def cut_in_motion(arm: FakeArm) -> list[Fault]:
    """Move the arm, cut its link, wait for the next connection; returns the faults on the way."""
    faults: list[Fault] = []
    driver = ArmDriver(
        arm,
        1 / PERIOD,
        RM75_LIMITS,
        DEFAULT_WORKSPACE,
        lambda tick: faults.append(tick.status.fault),
    )
    driver.connect()
    driver.start()
    assert wait_until(lambda: driver.enable().ok)
    ways = np.linspace(0, 0.4, 6)[1:, None] * np.eye(7)[0]
    driver.follow(ActionChunk(time.monotonic(), 1, arm.q + ways, np.full(5, 0.03)))
    assert wait_until(lambda: arm.q[0] > 0.1)
    arm.cut = True
    assert wait_until(lambda: arm.connections == 2)
    driver.finish()
    driver.close()
    return faults


def test_the_arm_is_brought_to_rest_where_there_is_another_way() -> None:
    arm = FakeArm(other_way=True)
    faults = cut_in_motion(arm)
    assert Fault.CONNECTION_LOST in faults
    q = np.array([*arm.targets, *arm.past])
    velocity = np.diff(q, axis=0) / PERIOD
    acceleration = np.diff(velocity, axis=0) / PERIOD
    assert len(arm.past) > 3
    assert (np.abs(velocity) <= RM75_LIMITS.velocity + 1e-6).all()
    assert (np.abs(acceleration) <= RM75_LIMITS.acceleration + 1e-6).all()
    assert velocity[-1] == pytest.approx(0, abs=0.05)


def test_without_another_way_nothing_more_is_sent() -> None:
    arm = FakeArm(other_way=False)
    faults = cut_in_motion(arm)
    assert Fault.CONNECTION_LOST in faults
    assert not arm.past
    assert arm.q is arm.targets[-1]


def test_an_arm_that_comes_back_with_other_limits_is_not_moved_until_they_are_taken_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    arm = FakeArm(other_way=False)
    driver = ArmDriver(arm, 1 / PERIOD, RM75_LIMITS, DEFAULT_WORKSPACE, lambda tick: None)
    driver.connect()
    driver.start()
    driver.set_speed(10.0)
    driver.pause(True)
    driver.stop()
    slower = replace(RM75_LIMITS, velocity=RM75_LIMITS.velocity / 2)
    arm.limits, arm.cut = slower, True
    assert wait_until(lambda: arm.connections == 2)
    assert wait_until(lambda: "other limits" in caplog.text)
    assert not driver.connected
    driver.finish()
    arm.cut = True
    driver.start()
    assert driver.connected
    assert driver.limits.equal(slower)
    # What a person has set, and a stop, are still there.
    assert driver._ready._speed == pytest.approx(0.1)
    assert driver._ready.status(time.monotonic()).speed == 0.0
    assert driver.enable().fault is Fault.SOFTWARE_STOP
    driver.finish()


def moving(arm: FakeArm, on_tick: Callable[[Tick], None]) -> ArmDriver:
    """A driver that moves joint 1."""
    driver = ArmDriver(arm, 1 / PERIOD, RM75_LIMITS, DEFAULT_WORKSPACE, on_tick)
    driver.connect()
    driver.start()
    assert wait_until(lambda: driver.enable().ok)
    begin = arm.q[0]
    ways = np.linspace(0, 0.4, 6)[1:, None] * np.eye(7)[0]
    driver.follow(ActionChunk(time.monotonic(), 1, arm.q + ways, np.full(5, 0.03)))
    assert wait_until(lambda: arm.q[0] > begin + 0.05)
    return driver


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_stream_that_dies_is_reported_and_the_stop_still_gets_through() -> None:
    arm, ticks, broken = FakeArm(other_way=False), [], []

    def on_tick(tick: Tick) -> None:
        ticks.append(tick)
        if broken:
            broken.clear()
            raise RuntimeError("a bug")

    driver = moving(arm, on_tick)
    broken.append(True)
    assert wait_until(lambda: driver.failed)
    assert arm.stops == 1
    count = len(arm.targets)
    assert wait_until(lambda: ticks[-1].status.state is SafetyState.FAULTED)
    for result in (driver.enable(), driver.reset()):
        assert "deactivate and activate" in result.reason
    driver.stop()
    assert arm.stops == 2
    assert len(arm.targets) == count
    driver.finish()
    driver.start()
    assert wait_until(lambda: driver.reset().ok)
    driver.finish()


def test_errors_of_an_arm_in_motion_are_not_cleared() -> None:
    arm = FakeArm(other_way=False)
    driver = moving(arm, lambda tick: None)
    arm.errors = (0, 0, 0, 0x4000, 0, 0, 0)
    assert "at rest" in driver.reset().reason
    assert arm.cleared == 0
    assert wait_until(lambda: driver.reset().ok)
    assert arm.cleared == 1
    driver.finish()


def test_a_gripper_that_somebody_moved_is_commanded_again_after_enabling() -> None:
    arm = FakeArm(other_way=False)
    driver = moving(arm, lambda tick: None)
    assert wait_until(lambda: len(arm.openings) == 1)
    driver.disable()
    assert wait_until(lambda: driver.enable().ok)
    still = ActionChunk(time.monotonic(), 2, np.tile(arm.q, (5, 1)), np.full(5, 0.03))
    assert driver.follow(still).ok
    assert wait_until(lambda: arm.openings == [0.03, 0.03])
    driver.finish()


def test_targets_of_the_gripper_that_are_all_but_equal_are_sent_once() -> None:
    arm = FakeArm(other_way=False)
    driver = moving(arm, lambda tick: None)
    assert wait_until(lambda: len(arm.openings) == 1)
    for number, opening in enumerate((0.0304, 0.0297, 0.0309, 0.02), start=2):
        chunk = ActionChunk(time.monotonic(), number, np.tile(arm.q, (5, 1)), np.full(5, opening))
        assert driver.follow(chunk).ok
        time.sleep(0.15)
    assert arm.openings == [0.03, 0.02]
    driver.finish()


def test_targets_that_did_not_go_out_are_not_taken_for_where_the_arm_is() -> None:
    """The way to rest went out in the place of the last targets: the motion goes on from there."""
    arm = FakeArm(other_way=False)
    driver = moving(arm, lambda tick: None)
    sent = len(arm.targets)
    last = arm.handed_over[-1]
    arm.q = last.way[1]
    arm.reported = Point(last.number, 2)
    assert wait_until(lambda: len(arm.targets) > sent + 5)
    joined = next(t for t in arm.handed_over if t.after == arm.reported)
    steps = np.diff([last.way[0], last.way[1], joined.q], axis=0)
    assert np.abs(np.diff(steps, axis=0)).max() <= 10.0 * PERIOD**2 + 1e-9
    assert driver.reset().ok
    driver.finish()


def running(arm: FakeArm) -> ArmDriver:
    driver = ArmDriver(arm, 1 / PERIOD, RM75_LIMITS, DEFAULT_WORKSPACE, lambda _: None)
    driver.connect()
    driver.start()
    return driver


def test_only_a_disabled_arm_gives_way_to_a_hand_and_then_it_is_not_enabled() -> None:
    arm = FakeArm(other_way=False)
    driver = running(arm)
    try:
        assert wait_until(lambda: driver.enable().ok)
        assert "/arm/enable with false" in driver.drag(True).reason
        assert not arm.dragged
        driver.disable()
        assert wait_until(lambda: driver.drag(True).ok)
        assert arm.dragged
        assert wait_until(lambda: "guided by hand" in driver.enable().reason)
        assert driver.drag(False).ok
        assert wait_until(lambda: driver.enable().ok)
    finally:
        driver.finish()
        driver.close()


@pytest.mark.parametrize("end", ["stop", "finish"])
def test_an_arm_that_gives_way_is_held_when_it_is_stopped_or_let_go(end: str) -> None:
    arm = FakeArm(other_way=False)
    driver = running(arm)
    try:
        assert wait_until(lambda: driver.drag(True).ok)
        getattr(driver, end)()
        assert not arm.dragged
    finally:
        driver.finish()
        driver.close()
