"""Real-time priority is taken where it is permitted, and missed aloud where it is not."""

from __future__ import annotations

import os
from typing import Any

import pytest

from kinevla_ros.robot.host.priority import STREAM_PRIORITY, promptly, take_priority


def test_the_stream_runs_first_in_first_out_where_that_is_permitted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[int, int]] = []

    def permit(_: int, policy: int, parameters: Any) -> None:
        asked.append((policy, parameters.sched_priority))

    monkeypatch.setattr(os, "sched_setscheduler", permit)
    assert take_priority()
    assert asked == [(os.SCHED_FIFO, STREAM_PRIORITY)]


def test_where_it_is_not_permitted_the_caller_learns_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", forbid)
    assert not take_priority()


def test_priority_for_a_while_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(os, "sched_setscheduler", lambda _, policy, __: asked.append(policy))
    before = os.sched_getscheduler(0)
    with promptly() as prompt:
        assert prompt
    assert asked == [os.SCHED_FIFO, before]
