"""The cell node: pictures, judge, reset, and a port that is taken."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("mujoco")

from node_bench import FAILURE, SUCCESS, Bench, bench, free_port
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import Trigger

from kinevla_ros.data.synchronisation.images import to_array
from kinevla_ros.msg import Reasoning
from kinevla_ros.nodes.cell.node import CellNode
from kinevla_ros.nodes.ros.qos import image_qos

HOST = "127.0.0.4"
CARROT = "hold the carrot by the upper part and place it on the right side of the plate"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port(socket.SOCK_STREAM, HOST)


@pytest.fixture(scope="module")
def cell(port: int) -> Iterator[Bench]:
    with bench({"host": HOST, "port": port}) as cell:
        node = cell.add(CellNode)
        with socket.create_server((HOST, port)):
            assert node.trigger_configure() == FAILURE
            problem = f"TCP port {port} of {HOST}"
            cell.spin_until(lambda: problem in str(cell.diagnosis("/cell")), "diagnosis")
        # The port is free now: the node did not crash and can be configured.
        assert node.trigger_configure() == SUCCESS
        assert node.trigger_activate() == SUCCESS
        yield cell


def test_the_state_is_that_of_the_simulator(cell: Bench) -> None:
    from kinevla_ros.robot.kinematics import forward
    from kinevla_ros.sim.cell.cell import HOME
    from kinevla_ros.stack.teleop.player import cell_state

    answer = cell.call(Trigger, "/cell/state", Trigger.Request())
    assert answer.success
    state = cell_state(answer.message)
    assert state.q == pytest.approx(HOME, abs=0.02)
    assert state.tool == pytest.approx(forward(state.q)[0], abs=1e-3)
    assert set(state.poses) == {"bread", "carrot", "plate"}


def test_pictures_come_with_intrinsics_and_frames_like_those_of_a_realsense(cell: Bench) -> None:
    for name in ("front", "wrist"):
        images = cell.record(Image, f"/camera/{name}/color/image_raw", image_qos(False))
        infos = cell.record(CameraInfo, f"/camera/{name}/color/camera_info", image_qos(True))
        cell.spin_until(lambda i=images, c=infos: len(i) > 3 and len(c) > 3, "pictures")
        image, info = images[-1], infos[-1]
        assert image.header.frame_id == info.header.frame_id
        assert image.header.frame_id == f"camera_{name}_color_optical_frame"
        assert (info.width, info.height) == (image.width, image.height) == (320, 240)
        assert info.k[0] == info.k[4] > 100
        assert to_array(image).std() > 10
        stamps = [i.header.stamp.sec + 1e-9 * i.header.stamp.nanosec for i in images]
        assert np.median(np.diff(stamps)) == pytest.approx(1 / 15, abs=0.04)


def judge(cell: Bench) -> Trigger.Response:
    return cell.call(Trigger, "/cell/judge", Trigger.Request())


def test_the_judge_watches_what_the_policy_carries_out(cell: Bench) -> None:
    policy = cell.publisher(Reasoning, "/kinevla/reasoning")
    assert not judge(cell).success
    policy.publish(Reasoning(status=Reasoning.ACCEPTED, instruction=CARROT))
    cell.spin_until(lambda: judge(cell).success, "judgement")
    judgement = json.loads(judge(cell).message)
    assert judgement["instruction"] == CARROT
    assert judgement["goal"] is False
    assert set(judgement["constraints"]) == {"part", "side", "order"}
    assert judgement["stream"]["points"] == 0
    policy.publish(Reasoning(status=Reasoning.NOT_UNDERSTOOD, instruction="dance"))
    cell.spin_until(lambda: not judge(cell).success, "end of judging")


def test_a_reset_makes_a_new_scene_and_leaves_the_arm_alone(cell: Bench) -> None:
    views = cell.record(Image, "/camera/front/color/image_raw", image_qos(True))
    cell.spin_until(lambda: views, "picture")
    before = to_array(views[-1]).astype(int)
    reset = cell.call(Trigger, "/cell/reset", Trigger.Request())
    assert reset.success, reset.message
    views.clear()
    cell.spin_until(lambda: len(views) > 2, "pictures")
    assert np.abs(to_array(views[-1]) - before).mean() > 1


def test_a_reset_is_refused_while_the_arm_moves(cell: Bench) -> None:
    world = cell.nodes[0]._cell
    away = world.joint_positions() + 0.5
    world.set_joint_target(away)
    cell.spin_for(0.05)
    reset = cell.call(Trigger, "/cell/reset", Trigger.Request())
    assert not reset.success
    assert "moves" in reset.message


def test_an_inactive_cell_sends_no_pictures_and_says_so_in_diagnostics(cell: Bench) -> None:
    node = cell.nodes[0]
    assert node.trigger_deactivate() == SUCCESS
    views = cell.record(Image, "/camera/front/color/image_raw", image_qos(True))
    cell.diagnoses.clear()
    cell.spin_until(lambda: "inactive" in str(cell.diagnosis("/cell")), "diagnosis")
    assert not views
    assert node.trigger_activate() == SUCCESS
    cell.spin_until(lambda: views, "picture")
