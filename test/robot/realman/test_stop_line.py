"""The stop's own connection: nothing else that is done with it may hold a stop up."""

from __future__ import annotations

import socket
import threading

import pytest

from kinevla_ros.robot.realman import stop_line
from kinevla_ros.robot.realman.stop_line import StopLine
from kinevla_ros.robot.transport import ArmConnectionError


def test_a_stop_does_not_wait_for_a_connection_attempt_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, given_up = threading.Event(), threading.Event()

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        if timeout > stop_line.REPLY_TIMEOUT:
            asked.set()
            given_up.wait(30.0)
        raise TimeoutError("nobody there")

    monkeypatch.setattr(socket, "create_connection", connect)
    line = StopLine("192.0.2.1", 8080)
    errors: list[ArmConnectionError] = []

    def attempt() -> None:
        try:
            line.open(5.0)
        except ArmConnectionError as error:
            errors.append(error)

    attempting = threading.Thread(target=attempt)
    attempting.start()
    assert asked.wait(5.0)
    with pytest.raises(ArmConnectionError, match=r"192\.0\.2\.1"):
        line.stop()
    assert attempting.is_alive()
    given_up.set()
    attempting.join(5.0)
    assert "nobody there" in str(errors[0])
