"""Who gets to the page: this computer's own browsers, or whoever has the token."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinevla_ros.nodes.console.web.access import Access, is_loopback

HERE, ELSEWHERE = Access.at("127.0.0.1"), Access.at("0.0.0.0")


@pytest.mark.parametrize("host", ["localhost", "localhost:8070", "127.0.0.1:8070", "[::1]:8070"])
def test_a_browser_on_this_computer_needs_no_token(host: str) -> None:
    assert HERE.refusal(host, None, False, "") == ""
    assert HERE.refusal(host, f"http://{host}", True, "") == ""


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8070", "192.168.1.5", "localhost.evil.example", "", "["]
)
def test_a_name_that_only_points_here_is_refused(host: str) -> None:
    assert "this computer alone" in HERE.refusal(host, f"http://{host}", True, "")


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:9999", "http://localhost:8070/", ""]
)
def test_a_page_of_another_origin_sets_nothing_in_motion(origin: str) -> None:
    assert "origin" in HERE.refusal("localhost:8070", origin, True, "")


def test_what_acts_has_to_say_where_it_comes_from() -> None:
    assert "origin" in HERE.refusal("localhost:8070", None, True, "")


@given(given=st.text())
def test_off_this_computer_nothing_but_the_token_opens_the_page(given: str) -> None:
    host = "robot.lab:8070"
    refusal = ELSEWHERE.refusal(host, f"http://{host}", True, given)
    assert bool(refusal) == (given != ELSEWHERE.token)
    assert ELSEWHERE.refusal(host, f"http://{host}", True, ELSEWHERE.token) == ""
    assert "origin" in ELSEWHERE.refusal(host, "http://evil.example", True, ELSEWHERE.token)


def test_each_start_has_a_long_token_of_its_own_that_is_not_printed_by_accident() -> None:
    other = Access.at("0.0.0.0")
    assert len(other.token) >= 32 and other.token != ELSEWHERE.token
    assert other.token not in repr(other)


def test_only_loopback_does_without_a_token() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.3.2.1", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.18", "10.0.0.1", "host", "")))
    assert not Access.at("localhost").token
