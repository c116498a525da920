"""The driver's process as its parent holds it: started, listened to, ended."""

from __future__ import annotations

import contextlib
import socket
import subprocess

from kinevla_ros.robot.driver.channel import LogRecord, create_pair, receive
from kinevla_ros.robot.driver.requests import DriverRequests
from kinevla_ros.robot.driver.tick import Tick
from kinevla_ros.robot.host.child_process import start_module


class DriverChild:
    """A process with a channel for requests and one on which it ticks; it may be started again.

    Args:
        module: full name of the module that runs as the process.

    Attributes:
        requests: to the process.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._ticks: socket.socket | None = None
        self.requests = DriverRequests()

    @property
    def pid(self) -> int | None:
        """Process id; None while there is no process."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process and open the channels to it."""
        calls, theirs = create_pair()
        ticks, their_ticks = create_pair()
        descriptors = theirs.fileno(), their_ticks.fileno()
        self._process = start_module(self._module, [str(d) for d in descriptors], descriptors)
        theirs.close()
        their_ticks.close()
        self.requests.open(calls)
        self._ticks = ticks

    def next_tick(self, silence: float) -> Tick | LogRecord | None:
        """Return what comes next; None if nothing comes for so long, s.

        Raises:
            EOFError, OSError: the process has ended.
        """
        ticks = self._ticks
        if ticks is None:
            raise EOFError
        ticks.settimeout(silence)
        try:
            content: Tick | LogRecord = receive(ticks)
        except TimeoutError:
            return None
        return content

    def end(self, timeout: float) -> None:
        """Wait until the process has ended, and kill it where that takes longer, s.

        It ends by itself once its channels are closed, and brings the arm to rest before.
        """
        self.requests.shut()
        if self._ticks is not None:
            with contextlib.suppress(OSError):
                self._ticks.shutdown(socket.SHUT_RDWR)
        if self._process is not None:
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self.requests.close()
        if self._ticks is not None:
            self._ticks.close()
        self._process = self._ticks = None
