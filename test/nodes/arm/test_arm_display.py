"""What RViz shows of the arm node, and the frames it publishes where nobody else does."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rclpy")
pytest.importorskip("rosidl_generator_c")

import rclpy
from builtin_interfaces.msg import Time
from message_builds import message_package
from node_bench import Bench, bench
from std_msgs.msg import String
from visualization_msgs.msg import Marker, MarkerArray

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.nodes.arm import display as arm_display
from kinevla_ros.nodes.arm.frames import FramePublisher, transforms
from kinevla_ros.nodes.arm.safety_markers import chunk_markers, colour, safety_markers
from kinevla_ros.nodes.ros.messages import Stamps
from kinevla_ros.nodes.ros.poses import to_quaternion
from kinevla_ros.nodes.ros.qos import LATCHED
from kinevla_ros.robot.driver.tick import Tick
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE
from kinevla_ros.robot.kinematics import forward, link_poses, top_down_ik
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.status import SafetyState, Status
from kinevla_ros.sim.controller.plant import READY_POSE

READY = np.array(READY_POSE)
NOW = Time(sec=7)
SPACE = CollisionModel(DEFAULT_WORKSPACE)
MOVING = Status(SafetyState.MOVING, Fault.NONE, "", "", float("nan"), 0)


def chunk(end: np.ndarray, start: np.ndarray = READY) -> ActionChunk:
    return ActionChunk(0.0, 1, np.linspace(start, end, 5), np.full(5, 0.03))


def drawn(status: Status = MOVING, chunk: ActionChunk | None = None) -> dict[str, list[Marker]]:
    """Markers by namespace."""
    of_chunk = [] if chunk is None else chunk_markers(chunk, RM75_LIMITS, SPACE)
    found: dict[str, list[Marker]] = {}
    for marker in safety_markers(status, of_chunk, DEFAULT_WORKSPACE, NOW).markers:
        assert marker.header.frame_id == "base_link"
        assert marker.header.stamp == NOW
        found.setdefault(marker.ns, []).append(marker)
    return found


def place(marker: Marker) -> np.ndarray:
    p = marker.pose.position
    return np.array([p.x, p.y, p.z])


def test_the_ghost_stands_where_the_chunk_ends() -> None:
    end = READY + 0.2
    ghost = drawn(chunk=chunk(end))["chunk_end"]
    assert len(ghost) == 7
    poses = link_poses(end)
    # The upper arm's cylinder lies between shoulder and elbow.
    middle = (poses["link2"][0] + poses["link3"][0]) / 2
    assert place(ghost[1]) == pytest.approx(middle, abs=0.08)


def test_the_path_leads_the_tool_from_the_first_target_to_the_last() -> None:
    (path,) = drawn(chunk=chunk(READY + 0.2))["chunk_path"]
    assert len(path.points) == len(path.colors)
    for point, q in ((path.points[0], READY), (path.points[-1], READY + 0.2)):
        assert [point.x, point.y, point.z] == pytest.approx(forward(q)[0])


HIGH = top_down_ik(np.array([0.35, 0.0, 0.1]), 0.0)
ENDS = {
    "a joint's limit": np.where(np.arange(7) == 6, RM75_LIMITS.target_upper[6], READY),
    "the table": top_down_ik(np.array([0.35, 0.0, 0.011]), 0.0),
    "the arm itself": np.array([0.0, -0.4, 0.0, 2.24, 0.0, 1.4, 0.0]),
    "a wall": np.array([1.5, 1.09, 0.0, 0.2, 0.0, 0.0, 0.0]),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_the_path_turns_from_green_to_red_towards_whatever_limit_is_nearest(
    end: np.ndarray,
) -> None:
    start = HIGH if end is ENDS["the table"] else READY
    (path,) = drawn(chunk=chunk(end, start))["chunk_path"]
    first, last = path.colors[0], path.colors[-1]
    assert (first.r, first.g) == (0.0, 1.0)
    assert last.r == 1.0
    assert last.g < 0.2


@given(st.floats(allow_nan=False))
def test_every_room_has_a_colour(margin: float) -> None:
    shade = colour(margin)
    assert max(shade.r, shade.g) == 1.0
    assert (shade.r == 0.0) == (margin >= 1)


def test_a_fault_is_shown_by_its_name_and_reason() -> None:
    status = Status(SafetyState.FAULTED, Fault.STALE_STATE, "0.2 s old", "", float("nan"), 0)
    (text,) = drawn(status)["state"]
    assert text.text == "FAULTED: STALE_STATE\n0.2 s old"


def test_the_workspace_is_a_box_of_twelve_edges() -> None:
    (edges,) = drawn()["workspace"]
    corners = {(p.x, p.y, p.z) for p in edges.points}
    assert len(edges.points) == 24
    assert len(corners) == 8
    assert (-0.4, 0.7, 1.1) in corners


@given(st.lists(st.floats(-3, 3), min_size=7, max_size=7))
def test_quaternions_turn_as_the_rotation_does(q: list[float]) -> None:
    for _, rotation in link_poses(np.array(q)).values():
        found = to_quaternion(rotation)
        w, x, y, z = found.w, found.x, found.y, found.z
        assert w**2 + x**2 + y**2 + z**2 == pytest.approx(1)
        turned = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        )
        assert turned == pytest.approx(rotation, abs=1e-9)


def test_every_link_and_the_tool_have_a_frame() -> None:
    frames = {frame.child_frame_id: frame for frame in transforms(READY, NOW)}
    assert set(frames) == {*(f"link{i}" for i in range(1, 8)), "tool"}
    tool = frames["tool"].transform.translation
    assert [tool.x, tool.y, tool.z] == pytest.approx(forward(READY)[0])


@pytest.fixture
def node_bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    message_package("tf2_msgs", request.config)
    with bench({}) as node_bench:
        yield node_bench


def test_frames_and_description_come_where_no_robot_state_publisher_is(node_bench: Bench) -> None:
    from tf2_msgs.msg import TFMessage

    received = node_bench.record(TFMessage, "/tf")
    descriptions = node_bench.record(String, "/robot_description", LATCHED)
    frames = FramePublisher(node_bench.client)

    def published() -> bool:
        frames.update(READY, NOW)
        return bool(received and descriptions)

    node_bench.spin_until(published, "frames")
    assert len(received[-1].transforms) == 8
    assert descriptions[0].data.startswith("<?xml")


def test_frames_are_left_to_the_robot_state_publisher(node_bench: Bench) -> None:
    from tf2_msgs.msg import TFMessage

    other = rclpy.create_node("robot_state_publisher")
    try:
        node_bench.spin_until(
            lambda: "robot_state_publisher" in node_bench.client.get_node_names(), "publisher"
        )
        received = node_bench.record(TFMessage, "/tf")
        frames = FramePublisher(node_bench.client)
        for _ in range(20):
            frames.update(READY, NOW)
            node_bench.spin_for(0.01)
        assert not received
    finally:
        other.destroy_node()


def test_a_chunk_is_drawn_once_however_often_it_is_shown(
    node_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    monkeypatch.setattr(arm_display, "chunk_markers", lambda chunk, *_: drawn.append(chunk) or [])
    display = arm_display.ArmDisplay(node_bench.client, Stamps(node_bench.client.get_clock()))
    display.show(RM75_LIMITS, DEFAULT_WORKSPACE)
    display.follow(chunk(READY + 0.1))
    display.on_tick(Tick(0.0, None, None, MOVING))
    seen = node_bench.record(MarkerArray, "/kinevla/safety_markers")
    node_bench.spin_until(lambda: len(seen) >= 3, "markers")
    assert len(drawn) == 1
    display.follow(chunk(READY - 0.1))
    shown = len(seen)
    node_bench.spin_until(lambda: len(seen) >= shown + 2, "markers")
    assert len(drawn) == 2
