"""Messages of any size: what is too long is cut or dropped by name, before it is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rclpy")

from node_bench import Bench, bench
from rclpy.impl import rcutils_logger
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from kinevla_ros.msg import ActionChunk, Reasoning, SafetyStatus
from kinevla_ros.nodes.ros.logs.bounded_logger import BoundedLogger
from kinevla_ros.nodes.ros.logs.text import LINE, REASON, TEXT, bounded
from kinevla_ros.nodes.ros.messages import status_to_message
from kinevla_ros.nodes.ros.subscribe import SMALL, subscribe
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.robot.status import SafetyState, Status
from kinevla_ros.srv import OverrideReasoning

MEGABYTE = 1_000_000


@given(st.text(max_size=700), st.integers(64, 500))
def test_a_text_always_fits_and_a_short_one_stays_as_it_is(text: str, most: int) -> None:
    cut = bounded(text, most)
    assert len(cut.encode()) <= most
    if len(text.encode(errors="replace")) <= most:
        assert cut == text.encode(errors="replace").decode()
    else:
        assert "characters cut" in cut


def test_of_a_long_text_both_ends_are_kept_and_what_was_cut_is_counted() -> None:
    cut = bounded("begin " + "é" * 60 * MEGABYTE + " way out")
    assert cut.startswith("begin é") and cut.endswith("é way out")
    (count,) = [int(word) for word in cut.split() if word.isdigit()]
    assert count == 60 * MEGABYTE + 14 - len(cut.replace(f" … {count} characters cut … ", ""))


def bound(kind: Any, field: str) -> int:
    names = list(kind.get_fields_and_field_types())
    return int(kind.SLOT_TYPES[names.index(field)].maximum_size)


def test_the_messages_bound_what_the_nodes_cut_to() -> None:
    assert bound(SafetyStatus, "reason") == REASON
    texts = [(Reasoning, name) for name in ("detail", "instruction", "goal", "kinematics")]
    texts += [(OverrideReasoning.Request, name) for name in ("goal", "kinematics")]
    texts += [(OverrideReasoning.Response, "message")]
    assert {bound(*text) for text in texts} == {TEXT}
    # Full messages still pass `subscribe`.
    chunk = ActionChunk(
        joint_names=["j" * 64] * bound(ActionChunk, "joint_names"),
        positions=[0.0] * bound(ActionChunk, "positions"),
        gripper=[0.0] * bound(ActionChunk, "gripper"),
    )
    assert len(serialize_message(chunk)) < SMALL / 4
    assert deserialize_message(serialize_message(chunk), ActionChunk) == chunk


def test_a_reason_of_a_million_characters_does_not_reach_the_status() -> None:
    status = Status(SafetyState.FAULTED, Fault.INVALID_CHUNK, "é" * MEGABYTE, "j" * 500, 0.0, 1)
    message = status_to_message(status, Reasoning().header.stamp)
    assert len(message.reason.encode()) <= REASON
    assert len(message.joint) <= bound(SafetyStatus, "joint")


def test_a_log_line_is_cut_and_each_caller_is_throttled_on_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        rcutils_logger._rclpy, "rclpy_logging_rcutils_log", lambda *line: lines.append(line)
    )
    logger = BoundedLogger("long_lines")
    for _ in range(3):
        logger.error("x" * MEGABYTE, throttle_duration_sec=60.0)
    logger.error("another place", throttle_duration_sec=60.0)
    assert [len(line[2]) <= LINE for line in lines] == [True, True]
    assert lines[1][2] == "another place"
    assert {line[4] for line in lines} == {__file__}


@pytest.fixture(scope="module")
def node_bench() -> Iterator[Bench]:
    with bench({}) as node_bench:
        yield node_bench


@pytest.mark.parametrize(
    ("kind", "large"),
    [
        (String, lambda: String(data="a" * 8 * MEGABYTE)),
        (String, lambda: String(data="a" * 60 * MEGABYTE)),
        (JointState, lambda: JointState(name=["a"] * MEGABYTE)),
        # rosidl bounds neither strings on sending nor sequences on reception.
        (ActionChunk, lambda: ActionChunk(joint_names=["a" * 8 * MEGABYTE])),
        # As a peer sends it that was built without the bounds.
        (ActionChunk, lambda: bytes(8 * MEGABYTE)),
    ],
)
def test_a_large_message_is_dropped_by_its_size_and_the_next_one_comes(
    node_bench: Bench, kind: Any, large: Any, request: pytest.FixtureRequest
) -> None:
    topic = f"large_{abs(hash(request.node.name))}"
    taken: list[Any] = []
    dropped: list[str] = []
    subscribe(node_bench.client, kind, topic, taken.append, dropped.append)
    publisher = node_bench.publisher(kind, topic)
    publisher.publish(large())
    node_bench.spin_until(lambda: dropped, "drop")
    assert f"bytes on /{topic} is dropped" in dropped[0]
    publisher.publish(kind())
    node_bench.spin_until(lambda: taken, "next message")
    assert taken == [kind()]


def test_what_is_no_message_of_its_kind_is_dropped_and_the_next_one_comes(
    node_bench: Bench,
) -> None:
    taken: list[Any] = []
    dropped: list[str] = []
    subscribe(node_bench.client, JointState, "damaged", taken.append, dropped.append)
    publisher = node_bench.publisher(JointState, "damaged")
    publisher.publish(b"\x00\x01\x00\x00" + b"\xff" * 40)
    node_bench.spin_until(lambda: dropped, "drop")
    assert "damaged or from another version" in dropped[0]
    publisher.publish(JointState())
    node_bench.spin_until(lambda: taken, "next message")
