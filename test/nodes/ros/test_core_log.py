"""What the core logs reaches the node's log, and never ends the thread that logs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("rclpy")

from rclpy.impl import rcutils_logger

from kinevla_ros.nodes.ros.logs.bounded_logger import BoundedLogger
from kinevla_ros.nodes.ros.logs.core_log import RosLog


@pytest.fixture
def core() -> Iterator[logging.Logger]:
    logger, handler = logging.Logger("core"), RosLog(BoundedLogger("core_log"))
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)


def test_the_core_logs_at_every_severity_in_any_order(
    core: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(
        rcutils_logger._rclpy, "rclpy_logging_rcutils_log", lambda *line: lines.append(line[2])
    )
    # As the arm node does when its driver's process has ended and runs again.
    for log in (core.error, core.warning, core.info, core.warning, core.error):
        log(log.__name__)
    assert lines == ["error", "warning", "info", "warning", "error"]


def test_a_line_that_cannot_be_logged_does_not_end_the_thread_that_logs_it(
    core: logging.Logger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("no log")

    monkeypatch.setattr(rcutils_logger._rclpy, "rclpy_logging_rcutils_log", fail)
    core.error("the driver's process has ended")
    assert "no log" in capsys.readouterr().err
