"""Nodes as processes, and what a test sees of the arm among them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typed_command import LONG

from kinevla_ros.stack.arm_link import ArmLink
from kinevla_ros.stack.processes.launcher import Launcher, client_node, parameter_file


@contextmanager
def running(nodes: dict[str, dict[str, Any]]) -> Iterator[ArmLink]:
    with (
        client_node("teleop_test") as (node, interrupted),
        Launcher(node, interrupted, parameter_file(None), nodes) as launcher,
    ):
        link = ArmLink(node, interrupted, launcher)
        launcher.bring_up()
        assert link.wait_for(link.enabled, LONG)
        yield link


def leads(link: ArmLink) -> bool:
    return link.status is not None and bool(link.status.takeover)


def take_hold(command: Any, link: ArmLink) -> bool:
    """Press the space bar until the arm is led; a first try may find an old place of the arm."""
    for _ in range(10):
        command.press(" ")
        if link.wait_for(lambda: leads(link), LONG / 10):
            return True
    return False


def rests(link: ArmLink) -> bool:
    """Whether the arm stands, after nobody leads any more."""
    assert link.wait_for(lambda: not leads(link), LONG)
    link.spin_until(time.monotonic() + 0.5)
    place = link.q
    assert place is not None
    link.spin_until(time.monotonic() + 0.5)
    return bool(link.away(place).max() < 2e-3)
