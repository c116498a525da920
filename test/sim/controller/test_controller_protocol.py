from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kinevla_ros.sim.controller.protocol import LineReader, angles_from_wire

message_lists = st.lists(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3),
    max_size=5,
)


@given(message_lists, st.lists(st.integers(0, 400), max_size=8))
def test_messages_survive_any_cutting(messages: list[dict], cuts: list[int]) -> None:
    stream = b"".join(json.dumps(message).encode() + b"\r\n" for message in messages)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = LineReader()
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    assert [message for piece in pieces for message in reader.feed(piece)] == messages


@given(st.binary(max_size=200))
def test_garbage_does_not_hide_the_next_message(garbage: bytes) -> None:
    reader = LineReader()
    reader.feed(garbage)
    assert reader.feed(b'\r\n{"command":"x"}\r\n')[-1:] == [{"command": "x"}]


def test_a_line_without_end_is_dropped() -> None:
    reader = LineReader()
    for _ in range(20):
        assert reader.feed(b"x" * 10_000) == []
    reader.feed(b"\r\n")
    assert reader.feed(b'{"a":1}\r\n') == [{"a": 1}]


@given(st.recursive(st.none() | st.floats() | st.integers() | st.text(), st.lists))
def test_joint_lists_are_seven_finite_numbers_or_nothing(joint: object) -> None:
    angles = angles_from_wire(joint)
    assert angles is None or (angles.shape == (7,) and np.isfinite(angles).all())
