"""The arm node against the emulated controller, through the vendor library."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("Robotic_Arm.rm_robot_interface", reason="the vendor library is not installed")

from arm_node_bench import READY, Arm, arm_node
from node_bench import FAILURE, SUCCESS, bench, free_port
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64
from std_srvs.srv import SetBool

from kinevla_ros.data.synchronisation.joint_states import joints_from_message
from kinevla_ros.msg import ActionChunk as ActionChunkMessage
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.arm.node import ArmNode
from kinevla_ros.nodes.ros.messages import (
    joints_to_message,
)
from kinevla_ros.robot.host.child_process import child_of
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.sim.controller.stream_check import stream_figures


def test_an_arm_that_is_not_there_leaves_the_node_unconfigured_with_the_reason() -> None:
    port = free_port(socket.SOCK_STREAM)
    with bench({"arm_ip": "127.0.0.1", "arm_port": port}) as node_bench:
        node = node_bench.add(ArmNode)
        assert node.trigger_configure() == FAILURE
        reason = f"127.0.0.1, TCP port {port}: refused"
        node_bench.spin_until(lambda: reason in str(node_bench.diagnosis("/arm")), "diagnosis")


def test_at_a_hundred_hertz_the_controller_gets_high_follow_and_every_limit_is_kept() -> None:
    with arm_node(rate=100.0) as arm:
        arm.bench.spin_until(lambda: arm.joints, "joint states")
        arm.become_ready()
        record = arm.stream_for(1.0, 0.01)
        assert record.follow.all()
        figures = stream_figures(record, RM75_LIMITS, 0.01)
        assert figures.refused == 0
        assert figures.rate == pytest.approx(100, rel=0.1)
        assert np.ptp(record.targets[:, 0]) > 0.1
        assert max(figures.shares["velocity"], figures.shares["acceleration"]) <= 1


def test_in_shadow_mode_no_chunk_is_followed_and_a_person_still_leads() -> None:
    with arm_node(shadow=True) as arm:
        arm.bench.spin_until(lambda: arm.joints, "joint states")
        arm.become_ready()
        arm.expect(SafetyStatus.READY)
        before = np.array(arm.joints[-1].position[:7])
        arm.move_for(1.0)
        assert arm.status().shadow
        assert arm.status().state == SafetyStatus.READY
        assert np.ptp(arm.controller.stream_record().targets, axis=0).max() < 1e-6
        leader = arm.bench.publisher(JointState, "/kinevla/teleop_targets")
        for step in range(40):
            q = before + 0.15 * step / 40 * np.eye(7)[6]
            leader.publish(joints_to_message(q, None, arm.stamps.to_ros(time.monotonic())))
            arm.send(before[0] + 0.4)
            arm.bench.spin_for(0.02)
        assert arm.status().takeover
        after = arm.joints[-1].position
        assert after[0] == pytest.approx(before[0], abs=0.01)
        assert after[6] > before[6] + 0.05


@pytest.fixture(scope="module")
def arm() -> Iterator[Arm]:
    with arm_node() as arm:
        yield arm


def test_the_arm_tells_where_it_is_and_moves_only_when_enabled(arm: Arm) -> None:
    arm.bench.spin_until(lambda: arm.joints and len(arm.joints[-1].name) == 8, "gripper")
    joints, gripper = joints_from_message(arm.joints[-1])
    assert joints == pytest.approx(READY, abs=1e-4)
    assert gripper == pytest.approx(0.07, abs=1e-3)
    assert arm.expect(SafetyStatus.DISABLED).reason == "call /arm/enable to allow motion"
    arm.send(0.3)
    arm.bench.spin_for(0.3)
    assert len(arm.controller.stream_record().times) == 0


def test_the_arm_follows_chunks_inside_its_limits_and_holds_when_they_end(arm: Arm) -> None:
    targets = arm.bench.record(JointState, "/kinevla/joint_targets")
    arm.become_ready()
    arm.expect(SafetyStatus.READY)
    record = arm.stream_for(2.0, 0.02)
    assert SafetyStatus.MOVING in {s.state for s in arm.statuses}
    arm.bench.spin_for(0.3)
    q = np.array([t.position[:7] for t in targets])
    assert np.ptp(q[:, 0]) > 0.1
    assert q[-1] == pytest.approx(q[-10], abs=1e-6)
    assert targets[-1].position[7] == pytest.approx(0.03)
    figures = stream_figures(record, RM75_LIMITS, 0.02)
    assert figures.refused == 0
    assert figures.rate == pytest.approx(50, rel=0.1)
    assert figures.shares["velocity"] <= 1
    assert figures.shares["acceleration"] <= 1
    assert not record.follow.any()


def test_a_person_takes_over_by_joint_states_of_a_leader_arm(arm: Arm) -> None:
    leader = arm.bench.publisher(JointState, "/kinevla/teleop_targets")
    arm.become_ready()
    start = np.array(arm.joints[-1].position[:7])
    for step in range(40):
        q = start + 0.15 * step / 40 * np.eye(7)[6]
        leader.publish(joints_to_message(q, None, arm.stamps.to_ros(time.monotonic())))
        arm.send(start[0] + 0.4)
        arm.bench.spin_for(0.02)
    assert arm.expect(SafetyStatus.MOVING).takeover
    joints = arm.joints[-1].position
    assert joints[0] == pytest.approx(start[0], abs=0.01)
    assert joints[6] > start[6] + 0.05
    leader.publish(JointState(name=["elbow"]))
    arm.bench.spin_until(lambda: "lacks joint1" in arm.status().reason, "reason")
    arm.bench.spin_until(lambda: not arm.status().takeover, "end of the takeover")


def test_a_pause_holds_the_arm_and_the_speed_scaling_slows_it(arm: Arm) -> None:
    speed = arm.bench.publisher(Float64, "/arm/speed_scaling")
    arm.become_ready()
    speed.publish(Float64(data=10.0))
    arm.bench.spin_until(lambda: arm.status().speed_scaling == 10.0, "slower speed")
    speed.publish(Float64(data=float("nan")))
    assert arm.pause(True).success
    arm.bench.spin_until(lambda: arm.status().speed_scaling == 0.0, "pause")
    before = arm.joints[-1].position[0]
    arm.move_for(0.6)
    assert arm.joints[-1].position[0] == pytest.approx(before, abs=1e-3)
    assert arm.pause(False).success
    arm.bench.spin_until(lambda: arm.status().speed_scaling == 10.0, "end of the pause")
    speed.publish(Float64(data=100.0))
    arm.bench.spin_until(lambda: arm.status().speed_scaling == 100.0, "full speed")


def test_a_stop_is_latched_until_reset_and_enable(arm: Arm) -> None:
    arm.become_ready()
    arm.move_for(0.6)
    assert arm.trigger("stop").success
    arm.expect(SafetyStatus.FAULTED, SafetyStatus.SOFTWARE_STOP)
    assert "reset" in arm.enable().message
    arm.bench.spin_until(lambda: arm.trigger("reset").success, "reset")
    arm.expect(SafetyStatus.DISABLED)
    assert arm.enable().success
    arm.expect(SafetyStatus.READY)


def test_disabling_is_no_fault(arm: Arm) -> None:
    arm.become_ready()
    assert arm.enable(False).success
    arm.expect(SafetyStatus.DISABLED)


def test_a_disabled_arm_is_guided_by_hand_and_not_enabled_meanwhile(arm: Arm) -> None:
    def drag(on: bool) -> SetBool.Response:
        return arm.bench.call(SetBool, "/arm/drag", SetBool.Request(data=on))

    arm.become_ready()
    assert "call /arm/enable with false" in drag(True).message
    assert arm.enable(False).success
    arm.expect(SafetyStatus.DISABLED)
    arm.bench.spin_until(lambda: drag(True).success, "drag mode")
    arm.bench.spin_until(lambda: "guided by hand" in arm.status().reason, "reason")
    answer = arm.enable()
    assert not answer.success and "/arm/drag with false" in answer.message
    arm.controller._motion._plant.set_joint_target(READY + 0.2)
    arm.bench.spin_until(lambda: arm.joints[-1].position[1] > READY[1] + 0.19, "the hand's motion")
    assert drag(False).success
    assert arm.controller.status == "idle"
    arm.become_ready()
    arm.expect(SafetyStatus.READY)


def test_a_chunk_for_other_joints_is_refused_and_counted(arm: Arm) -> None:
    arm.become_ready()
    arm.bench.spin_until(lambda: "refused chunks" in str(arm.bench.diagnosis("/arm")), "diagnosis")
    before = refused_chunks(arm)
    arm.chunks.publish(ActionChunkMessage(joint_names=["elbow"]))
    arm.bench.spin_until(lambda: refused_chunks(arm) == before + 1, "refusal")
    arm.expect(SafetyStatus.READY)


def refused_chunks(arm: Arm) -> int:
    diagnosis = arm.bench.diagnosis("/arm")
    assert diagnosis is not None
    return int(next(v.value for v in diagnosis.values if v.key == "refused chunks"))


def test_an_error_of_the_controller_is_a_fault_that_reset_clears(arm: Arm) -> None:
    arm.become_ready()
    arm.controller.joint_error(2, 0x4000)
    status = arm.expect(SafetyStatus.FAULTED, SafetyStatus.CONTROLLER_ERROR)
    assert status.joint == "joint2"
    arm.become_ready()
    arm.expect(SafetyStatus.READY)


def test_the_death_of_the_vendor_process_is_a_fault_and_the_connection_comes_back(
    arm: Arm,
) -> None:
    arm.become_ready()
    os.kill(child_of(arm.node._driver.pid), signal.SIGKILL)
    arm.expect(SafetyStatus.FAULTED, SafetyStatus.CONNECTION_LOST)
    arm.become_ready()
    arm.move_for(0.6)
    arm.bench.spin_until(
        lambda: SafetyStatus.MOVING in {s.state for s in arm.statuses[-10:]}, "motion"
    )


def test_a_second_node_for_the_same_arm_is_refused(arm: Arm) -> None:
    second = ArmNode()
    try:
        assert second.trigger_configure() == FAILURE
        assert "another arm node" in second._problem
        assert second.state == "unconfigured"
    finally:
        second.destroy_node()


def test_another_publisher_of_joint_targets_keeps_motion_disabled(arm: Arm) -> None:
    arm.become_ready()
    assert arm.enable(False).success
    arm.expect(SafetyStatus.DISABLED)
    other = arm.bench.client.create_publisher(JointState, "/kinevla/joint_targets", 1)
    arm.bench.spin_until(lambda: arm.node.count_publishers("/kinevla/joint_targets") > 1, "other")
    answer = arm.enable()
    assert not answer.success
    assert "second arm node" in answer.message
    arm.bench.client.destroy_publisher(other)


def test_deactivation_brings_a_moving_arm_to_rest_before_the_controller_is_stopped(
    arm: Arm,
) -> None:
    arm.become_ready()
    arm.move_for(0.6)
    assert arm.node.trigger_deactivate() == SUCCESS
    record = arm.controller.stream_record()
    assert record.targets[-1] == pytest.approx(record.targets[-2], abs=1e-3)
    names = [c.name for c in arm.controller.records.commands() if c.time > record.times[-1]]
    assert "set_arm_stop" in names
    assert arm.node.trigger_activate() == SUCCESS
    arm.expect(SafetyStatus.DISABLED)


def test_a_chunk_that_is_too_large_is_dropped_by_its_size_and_counted(arm: Arm) -> None:
    arm.become_ready()
    arm.bench.spin_until(lambda: "refused chunks" in str(arm.bench.diagnosis("/arm")), "diagnosis")
    before = refused_chunks(arm)
    arm.chunks.publish(ActionChunkMessage(joint_names=["a" * 200_000]))
    arm.bench.spin_until(lambda: "20004" in arm.status().reason, "reason")
    assert "bytes on /kinevla/action_chunk" in arm.status().reason
    arm.bench.spin_until(lambda: refused_chunks(arm) == before + 1, "refusal")
    arm.expect(SafetyStatus.READY)


def test_a_chunk_with_absurd_names_is_refused_in_a_short_reason(arm: Arm) -> None:
    arm.chunks.publish(ActionChunkMessage(joint_names=["elbow" * 2000]))
    arm.bench.spin_until(lambda: "characters cut" in arm.status().reason, "reason")
    assert "this arm has joint1" in arm.status().reason
    assert len(arm.status().reason.encode()) <= 200


def test_no_chunk_is_followed_while_ros_time_stands_still(
    arm: Arm, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm.become_ready()
    monkeypatch.setattr(arm.node.clock_watch, "problem", lambda: "/clock has stood still")
    arm.send(arm.joints[-1].position[0] + 0.3)
    arm.bench.spin_until(lambda: "stood still" in arm.status().reason, "reason")
    arm.expect(SafetyStatus.READY)
