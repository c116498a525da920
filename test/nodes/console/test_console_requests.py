"""What a page may ask for, and what is no request."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinevla_ros.nodes.console.web.requests import (
    LARGEST,
    OverrideRequest,
    Say,
    Speed,
    read_request,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


def test_what_a_page_sends_is_read() -> None:
    assert read_request('{"id": 1, "do": "stop"}').do == "stop"
    assert read_request('{"id": 2, "do": "speed", "percent": 40}') == Speed(
        id=2, do="speed", percent=40.0
    )
    said = read_request('{"id": 3, "do": "say", "text": "stop"}')
    assert isinstance(said, Say) and said.text == "stop"
    words = read_request('{"id": 4, "do": "override", "kinematics": "left"}')
    assert isinstance(words, OverrideRequest) and words.goal == ""


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("", "JSON"),
        ("{", "JSON"),
        ("[" * 8000, "JSON"),
        ("[]", "object"),
        ('{"id": 1}', "do"),
        ('{"id": 1, "do": "dance"}', "dance"),
        ('{"do": "stop"}', "id"),
        ('{"id": -1, "do": "stop"}', "id"),
        ('{"id": 1, "do": "stop", "really": true}', "really"),
        ('{"id": 1, "do": "enable", "on": "yes"}', "on"),
        ('{"id": 1, "do": "speed", "percent": 101}', "percent"),
        ('{"id": 1, "do": "speed", "percent": NaN}', "percent"),
        ('{"id": 1, "do": "say", "text": 5}', "text"),
        (json.dumps({"id": 1, "do": "say", "text": "a" * 501}), "text"),
        ("a" * (LARGEST + 1), "characters"),
    ],
)
def test_what_is_no_request_is_refused_with_the_place(message: str, named: str) -> None:
    with pytest.raises(ValueError, match=named) as refusal:
        read_request(message)
    assert len(str(refusal.value)) < 300


@given(value=VALUES, text=st.text())
def test_nothing_that_can_be_sent_does_more_than_be_refused(value: object, text: str) -> None:
    for message in (text, json.dumps(value), json.dumps({"id": 1, "do": value})):
        with suppress(ValueError):
            read_request(message)
