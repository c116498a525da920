"""`kinevla teleop leader` as a person types it: one arm leads another."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from node_bench import free_port
from running_arm import leads, rests, running, take_hold
from typed_command import LONG, typed

from kinevla_ros.msg import SafetyStatus
from kinevla_ros.sim.controller.controller import EmulatedController
from kinevla_ros.sim.controller.plant import READY_POSE, JointPlant
from kinevla_ros.stack.arm_link import ArmLink
from kinevla_ros.stack.processes.isolation import own_domain
from kinevla_ros.stack.processes.launcher import simulated

READY = np.array(READY_POSE)


class Pair:
    """An arm node with its controller, and another controller as leader."""

    def __init__(
        self,
        link: ArmLink,
        plant: JointPlant,
        leader: EmulatedController,
        hand: JointPlant,
        follower: EmulatedController,
    ) -> None:
        self.link, self.plant, self.leader = link, plant, leader
        self.hand, self.follower = hand, follower
        self.words = (
            "teleop", "leader", leader.address[0], "--port", str(leader.address[1]),
            "--udp-port", str(free_port(socket.SOCK_DGRAM)),
        )  # fmt: skip

    def go_on(self) -> None:
        self.link.switch("arm/pause", False)


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    plant, hand = JointPlant(), JointPlant()
    with (
        EmulatedController(hand, "127.0.0.5", 0) as follower,
        EmulatedController(plant, "127.0.0.6", 0) as leader,
    ):
        ip, port = follower.address
        arm = {**simulated(port), "arm_ip": ip, "udp_port": free_port(socket.SOCK_DGRAM)}
        with running({"arm": arm}) as link:
            yield Pair(link, plant, leader, hand, follower)


def test_the_arm_goes_where_the_leader_is_led_and_nothing_is_sent_to_the_leader(
    pair: Pair,
) -> None:
    link = pair.link
    with typed(*pair.words) as command:
        assert link.wait_for(lambda: "drag mode" in command.said, LONG), command.said
        pair.plant.set_joint_target(READY + 0.1)
        link.spin_until(time.monotonic() + 0.5)
        assert link.away(READY).max() < 2e-3
        command.press(" ")
        assert link.wait_for(lambda: link.away(READY + 0.1).max() < 5e-3, LONG), command.said
        for way in np.linspace(0.1, 0.4, 30):
            pair.plant.set_joint_target(READY + np.array([*[0.1] * 6, way]))
            link.spin_until(time.monotonic() + 0.05)
        end = READY + np.array([*[0.1] * 6, 0.4])
        assert link.wait_for(lambda: link.away(end).max() < 5e-3, LONG), command.said
        assert command.interrupt() == 0, command.said
    assert rests(link)
    assert len(pair.leader.stream_record().times) == 0
    moving = {"movej", "movel", "movep_follow", "set_arm_stop", "set_joint_en_state"}
    assert not moving & {sent.name for sent in pair.leader.records.commands()}


def test_a_leader_that_falls_silent_stops_the_arm_and_pauses_it(pair: Pair) -> None:
    link = pair.link
    with typed(*pair.words) as command:
        assert link.wait_for(lambda: "drag mode" in command.said, LONG), command.said
        assert take_hold(command, link), command.said
        pair.leader.freeze()
        assert command.wait() == 1, command.said
    pair.leader.freeze(False)
    assert "is silent" in command.said and "paused" in command.said
    assert rests(link)
    assert link.wait_for(lambda: link.status.speed_scaling == 0.0, LONG)
    pair.go_on()
    assert link.wait_for(lambda: link.status.speed_scaling == 100.0, LONG)


def test_a_leader_that_is_far_from_the_arm_is_refused_by_its_joint(pair: Pair) -> None:
    link = pair.link
    pair.plant.set_joint_target(READY + 0.5 * np.eye(7)[3])
    assert link.q is not None
    start = link.q
    with typed(*pair.words) as command:
        assert link.wait_for(lambda: "drag mode" in command.said, LONG), command.said
        command.press(" ")
        assert link.wait_for(lambda: "bring it within" in command.said, LONG), command.said
        assert "joint4 of the leader is +0." in command.said
        link.spin_until(time.monotonic() + 0.3)
        assert not leads(link)
        assert link.away(start).max() < 2e-3
        assert command.interrupt() == 0


def test_the_arm_itself_is_no_leader_and_one_that_is_not_there_is_named(pair: Pair) -> None:
    arm = pair.link.parameters(("arm_ip", "arm_port"))
    with typed("teleop", "leader", arm["arm_ip"], "--port", str(arm["arm_port"])) as command:
        assert command.wait() == 1
    assert "is the arm that is to follow" in command.said
    nobody = str(free_port(socket.SOCK_STREAM))
    with typed("teleop", "leader", "127.0.0.1", "--port", nobody) as command:
        assert command.wait() == 1
    assert "leader arm cannot be reached" in command.said


def test_the_arm_gives_way_to_a_hand_until_ctrl_c_and_is_disabled_then(pair: Pair) -> None:
    link = pair.link
    with typed("teleop", "hand") as command:
        assert link.wait_for(lambda: "gives way" in command.said, LONG), command.said
        assert pair.follower.status == "current_drag"
        assert not link.enabled()
        start = link.q
        assert start is not None
        pair.hand.set_joint_target(start + 0.15)
        assert link.wait_for(lambda: link.away(start + 0.15).max() < 5e-3, LONG)
        assert link.wait_for(lambda: "guided by hand" in link.status.reason, LONG)
        assert command.interrupt() == 0, command.said
    assert "the arm holds" in command.said
    assert pair.follower.status == "idle"
    assert link.status.state == SafetyStatus.DISABLED
    assert link.away(start + 0.15).max() < 5e-3
    link.switch("arm/enable", True)
    assert link.wait_for(link.enabled, LONG)


def test_without_an_arm_node_there_is_nothing_to_guide_by_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "0")  # to be given back
    own_domain()
    with typed("teleop", "hand", "--namespace", "nobody") as command:
        assert command.wait() == 1
    assert "no arm node /nobody/arm" in command.said
