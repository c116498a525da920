"""Connects to the arm, again whenever that is lost, ever more rarely if it does not last."""

from __future__ import annotations

import logging
import threading
import time

from kinevla_ros.robot.driver.backoff import BackOff
from kinevla_ros.robot.transport import ArmConnectionError, ArmInfo, Transport

POLL = 0.05

logger = logging.getLogger(__name__)


class Reconnection:
    """A thread that connects again once the connection is said to be lost.

    Args:
        arm: the way to the arm, not connected.

    Attributes:
        lost: set by who finds the connection lost, cleared when it is there again.
        connected_at: when the last connection was made (monotonic, s).
    """

    def __init__(self, arm: Transport) -> None:
        self._arm = arm
        self.lost = threading.Event()
        self.connected_at = 0.0
        self._info: ArmInfo | None = None
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def connect(self) -> ArmInfo:
        """Connect for the first time.

        Raises:
            ArmConnectionError: says what failed and what to check.
        """
        self._info = self._arm.connect()
        self.connected_at = time.monotonic()
        return self._info

    def start(self) -> None:
        """Watch from now on, with a connection that is there."""
        self._end.clear()
        self.lost.clear()
        self._thread = threading.Thread(target=self._run, name="reconnect", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """End the thread."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        back_off = BackOff()
        back_off.connected(self.connected_at)
        while not self._end.wait(POLL):
            if not self.lost.is_set() or self._end.wait(back_off.wait(time.monotonic())):
                continue
            try:
                self._connect_again()
            except ArmConnectionError as error:
                logger.warning("%s", error)
            else:
                logger.warning("connected again; call /arm/reset")
                self.connected_at = time.monotonic()
                back_off.connected(self.connected_at)
                self.lost.clear()

    def _connect_again(self) -> None:
        info = self._arm.connect()
        # Motion is planned inside the limits of before.
        if self._info is None or not info.limits.equal(self._info.limits):
            self._arm.close()
            raise ArmConnectionError(
                "the arm reports other limits than before; deactivate and activate the arm node"
            )
