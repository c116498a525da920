"""The process in which the driver runs: state machine, gate and stream, apart from ROS.

Nothing that happens in the arm node (a huge message, a busy interpreter, a crash, a debugger)
reaches the stream. A node that is silent is no further chunk; one that has gone is the end: the arm
slows to rest, then this process disconnects and ends.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from kinevla_ros.robot.driver.channel import Connected, DriverSettings, LogRecord, receive, send
from kinevla_ros.robot.driver.driver import ArmDriver
from kinevla_ros.robot.driver.tick import Tick
from kinevla_ros.robot.host.priority import SWITCH_INTERVAL, take_priority
from kinevla_ros.robot.host.single_instance import SingleInstance
from kinevla_ros.robot.realman.transport import RealManArm
from kinevla_ros.robot.transport import ArmConnectionError, Transport

SERVICES = ("start", "finish", "enable", "disable", "stop", "reset", "pause", "drag")
MESSAGES = ("follow", "lead", "refuse", "set_speed")
LATE_AS_WELL = ("stop", "disable", "finish")
"""What is carried out even when nobody waits for its answer any more."""

MakeTransport = Callable[[DriverSettings], Transport]


class DriverServer:
    """Serves one arm node over two channels, see `channel`.

    Args:
        calls: requests of the node.
        ticks: takes what the driver sees; never waits.
        make_transport: makes the way to the arm, not connected.
    """

    def __init__(
        self, calls: socket.socket, ticks: socket.socket, make_transport: MakeTransport
    ) -> None:
        self._calls, self._ticks = calls, ticks
        ticks.setblocking(False)
        self._make_transport = make_transport
        self._driver: ArmDriver | None = None
        self._instance: SingleInstance | None = None
        self._prompt = take_priority()

    def serve(self) -> None:
        """Carry out requests until the node closes its end or is gone."""
        # A node that was killed leaves requests unanswered.
        with contextlib.suppress(EOFError, OSError):
            while True:
                number, name, arguments, deadline = receive(self._calls)
                send(self._calls, (number, self._answer(name, arguments, deadline)))
        if self._driver is not None:
            self._driver.finish()
            self._driver.close()

    def tell(self, content: Tick | LogRecord) -> None:
        """Hand over what happened, unless the node does not listen."""
        with contextlib.suppress(OSError):
            send(self._ticks, content)

    def _answer(self, name: str, arguments: tuple[Any, ...], deadline: float) -> Any:
        """Return what the request gives, or the exception that it raises."""
        try:
            if time.monotonic() > deadline and name not in LATE_AS_WELL:
                # The person who asked has been answered that it failed.
                raise RuntimeError(f"the request {name} came too late")
            if name == "connect":
                return self._connect(*arguments)
            if self._driver is None or name not in SERVICES + MESSAGES:
                raise RuntimeError(f"the driver's process takes no request {name} now")
            return getattr(self._driver, name)(*arguments)
        except (ArmConnectionError, ValueError) as error:
            return error
        except RuntimeError as error:
            return RuntimeError(str(error))
        except Exception as error:
            logging.getLogger(__name__).exception("request %s failed", name)
            return RuntimeError(f"{name} failed in the driver's process: {error!r}; see its log")

    def _connect(self, settings: DriverSettings) -> Connected:
        if self._instance is None:
            self._instance = SingleInstance(settings.arm)
        driver = ArmDriver(
            self._make_transport(settings),
            settings.rate,
            settings.limits,
            settings.workspace,
            self.tell,
            settings.max_state_age,
        )
        info = driver.connect()
        driver.set_speed(settings.speed)
        driver.pause(settings.paused)
        if settings.stopped:
            driver.stop()
        elif settings.fault:
            driver.give_up(settings.fault)
        self._driver = driver
        return Connected(info, driver.limits, self._prompt)


class ChannelLog(logging.Handler):
    """Hands what is logged to the node."""

    def __init__(self, tell: Callable[[LogRecord], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """Send level and text."""
        self._tell(LogRecord(record.levelno, self.format(record)))


def run(make_transport: MakeTransport) -> None:
    """Serve the node whose ends of the channels are named on the command line."""
    # Ctrl-C and a stopped launch are the node's business, which ends this process in order.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.setswitchinterval(SWITCH_INTERVAL)
    calls, ticks = (socket.socket(fileno=int(word)) for word in sys.argv[1:3])
    server = DriverServer(calls, ticks, make_transport)
    logger = logging.getLogger("kinevla_ros")
    logger.setLevel(logging.INFO)
    logger.addHandler(ChannelLog(server.tell))
    server.serve()


def realman_arm(settings: DriverSettings) -> RealManArm:
    """Return the arm behind the vendor's library."""
    return RealManArm(**settings.transport, period=1 / settings.rate)


if __name__ == "__main__":
    run(realman_arm)
