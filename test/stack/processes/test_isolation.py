"""A run of one's own: a domain that nobody uses, or a reason why there is none."""

from __future__ import annotations

import os
import socket

import pytest

pytest.importorskip("rclpy")

from kinevla_ros.stack.processes import isolation
from kinevla_ros.stack.processes.launcher import client_node


def test_a_domain_in_use_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "0")
    monkeypatch.setenv(isolation.DISCOVERY, "LOCALHOST")
    isolation.own_domain()
    first = int(os.environ["ROS_DOMAIN_ID"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", isolation.first_port(first)))
        isolation.own_domain()
        assert int(os.environ["ROS_DOMAIN_ID"]) > first


def test_whoever_joins_a_domain_is_a_neighbour_of_those_that_come_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "0")
    monkeypatch.setenv(isolation.DISCOVERY, "LOCALHOST")
    isolation.own_domain()
    assert not isolation.has_neighbours()
    with client_node("neighbour"):
        assert isolation.has_neighbours()
    assert not isolation.has_neighbours()


def test_with_every_domain_in_use_nothing_starts_and_the_reason_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "77")
    monkeypatch.setenv(isolation.DISCOVERY, "LOCALHOST")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        port = taken.getsockname()[1]
        monkeypatch.setattr(isolation, "first_port", lambda _: port)
        with pytest.raises(OSError, match="all DDS domains from 1 to 101 are in use"):
            isolation.own_domain()
    assert os.environ["ROS_DOMAIN_ID"] == "77"
