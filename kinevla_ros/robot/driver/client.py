"""The arm node's side of the driver's process: requests to it, ticks from it, its restart."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.robot.driver.backoff import BackOff
from kinevla_ros.robot.driver.channel import Connected, DriverSettings, LogRecord
from kinevla_ros.robot.driver.child import DriverChild
from kinevla_ros.robot.driver.driver import REST_TIMEOUT
from kinevla_ros.robot.driver.requests import ENDED, DriverGone
from kinevla_ros.robot.driver.tick import Tick
from kinevla_ros.robot.gate.check_result import CheckResult, Fault
from kinevla_ros.robot.joint_target import JointTarget
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.status import SafetyState, Status
from kinevla_ros.robot.transport import ArmInfo

CONNECT_TIMEOUT = 30.0
"""Starting the process and connecting to the arm, s."""

SERVICE_TIMEOUT = 8.0
"""The controller may take five seconds to clear its errors, s."""

END_TIMEOUT = REST_TIMEOUT + SERVICE_TIMEOUT
FROZEN_TIMEOUT = 3.0
"""A process that does not tick is waited for so long before it is killed, s."""

TARGET_TIMEOUT = 0.2
"""A chunk whose check takes longer is as good as lost, s."""

SILENCE = 0.3
"""Without a tick for so long the process is frozen or starved, s."""

logger = logging.getLogger(__name__)


class DriverClient:
    """Drives one arm through a process of its own; every method may be called from any thread.

    Args:
        module: full name of the module that runs as the process.
        settings: what it drives.
        on_tick: called from a thread of this object for each tick, and when the process is silent
            or ends.
        stop_past_it: stops the arm by another way, for a process that does not answer.
    """

    def __init__(
        self,
        module: str,
        settings: DriverSettings,
        on_tick: Callable[[Tick], None],
        stop_past_it: Callable[[], None],
    ) -> None:
        self._child, self._settings = DriverChild(module), settings
        self._on_tick, self._stop_past_it = on_tick, stop_past_it
        self._requests = self._child.requests
        self._end, self._started = threading.Event(), False
        self._listener: threading.Thread | None = None
        self._last: Tick | None = None
        self._state: ArmState | None = None
        self._heard_at = -math.inf
        self.limits = settings.limits
        """Those that hold: the stricter ones once connected."""
        self.prompt = False
        """Whether the process has real-time priority."""

    def connect(self) -> ArmInfo:
        """Start the process and connect to the arm.

        Raises:
            ArmConnectionError: says what failed and what to check.
            RuntimeError: another process drives the arm.
        """
        self.close()
        try:
            info = self._open()
        except BaseException:
            self.close()
            raise
        self._end.clear()
        self._listener = threading.Thread(target=self._listen, name="driver-ticks", daemon=True)
        self._listener.start()
        return info

    def close(self) -> None:
        """Bring the arm to rest, disconnect and end the process."""
        self._end.set()
        self._started = False
        self._end_process()
        if self._listener is not None:
            self._listener.join()
            self._listener = None

    @property
    def arm(self) -> str:
        """The arm's name."""
        return self._settings.arm

    @property
    def pid(self) -> int | None:
        """Process id; None while there is no process."""
        return self._child.pid

    @property
    def connected(self) -> bool:
        """Whether the arm is there, as far as is known."""
        return self._is_heard() and self._last is not None and self._last.connected

    @property
    def can_stop(self) -> bool:
        """Whether a stop would get through past everything else, as far as is known."""
        return self._is_heard() and self._last is not None and self._last.can_stop

    @property
    def failed(self) -> bool:
        """Whether the stream has died."""
        return self._last is not None and self._last.failed

    def latest(self) -> ArmState | None:
        """Return the arm's last state, however old."""
        return self._state

    def start(self) -> None:
        """See `ArmDriver.start`."""
        if self._child.pid is None:
            self.connect()
        self._requests.ask("start", timeout=CONNECT_TIMEOUT)
        self._heard_at, self._started = time.monotonic(), True

    def finish(self) -> None:
        """See `ArmDriver.finish`; a process that does not answer is left to end by itself."""
        self._started = False
        try:
            # It does not tick any more while it stops the controller.
            timeout = END_TIMEOUT if self._is_heard() else SILENCE
            self._requests.ask("finish", timeout=timeout)
        except DriverGone as error:
            logger.warning("%s", error)

    def enable(self) -> CheckResult:
        """See `ArmStateMachine.enable`."""
        return self._ask("enable")

    def disable(self) -> None:
        """See `ArmStateMachine.disable`."""
        self._requests.ask("disable", timeout=SERVICE_TIMEOUT, alive=self._is_heard)

    def stop(self) -> None:
        """See `ArmDriver.stop`; past the process when that does not answer.

        Raises:
            ArmConnectionError: the controller did not confirm; use the emergency button.
        """
        self._settings = replace(self._settings, stopped=True)
        try:
            # A frozen process finds the request when it goes on.
            timeout = SERVICE_TIMEOUT if self._is_heard() else 0.0
            self._requests.ask("stop", timeout=timeout, alive=self._is_heard)
        except DriverGone:
            self._stop_past_it()

    def reset(self) -> CheckResult:
        """See `ArmDriver.reset`."""
        result = self._ask("reset")
        if result.ok:
            self._settings = replace(self._settings, stopped=False)
        return result

    def drag(self, on: bool) -> CheckResult:
        """See `ArmDriver.drag`."""
        return self._ask("drag", on)

    def follow(self, chunk: ActionChunk) -> CheckResult:
        """See `ArmDriver.follow`."""
        return self._ask("follow", chunk, timeout=TARGET_TIMEOUT)

    def lead(self, target: JointTarget) -> CheckResult:
        """See `ArmDriver.lead`."""
        return self._ask("lead", target, timeout=TARGET_TIMEOUT)

    def refuse(self, fault: Fault, reason: str) -> CheckResult:
        """See `ArmDriver.refuse`."""
        return self._ask("refuse", fault, reason, timeout=TARGET_TIMEOUT)

    def set_speed(self, percent: float) -> CheckResult:
        """See `ArmDriver.set_speed`."""
        result = self._ask("set_speed", percent)
        if result.ok:
            self._settings = replace(self._settings, speed=percent)
        return result

    def pause(self, paused: bool) -> None:
        """See `ArmDriver.pause`."""
        self._requests.ask("pause", paused, timeout=SERVICE_TIMEOUT, alive=self._is_heard)
        self._settings = replace(self._settings, paused=paused)

    def _is_heard(self) -> bool:
        """Whether the process ticks; who waits for one that does not keeps a stop waiting."""
        return time.monotonic() - self._heard_at < SILENCE

    def _open(self) -> ArmInfo:
        self._child.start()
        connected: Connected = self._requests.ask(
            "connect", self._settings, timeout=CONNECT_TIMEOUT
        )
        self.limits, self.prompt = connected.limits, connected.prompt
        return connected.info

    def _end_process(self) -> None:
        """Wait until the process has brought the arm to rest and has ended."""
        # One that is frozen does not end; the vendor library's process rests without it.
        self._child.end(END_TIMEOUT if self._is_heard() else FROZEN_TIMEOUT)

    def _ask(self, name: str, *arguments: Any, timeout: float = SERVICE_TIMEOUT) -> CheckResult:
        result: CheckResult = self._requests.ask(
            name, *arguments, timeout=timeout, alive=self._is_heard
        )
        return result

    def _listen(self) -> None:
        """Hand on what the process sees until this object is closed."""
        back_off, silent = BackOff(), False
        back_off.connected(time.monotonic())
        while not self._end.is_set():
            if self._child.pid is None:
                if not self._end.wait(back_off.wait(time.monotonic())):
                    self._restart(back_off)
                continue
            try:
                content = self._child.next_tick(SILENCE)
            except (EOFError, OSError):
                if not self._end.is_set():
                    logger.error(ENDED)
                    self._end_process()
                    self._tell(Fault.CONNECTION_LOST, ENDED)
                continue
            if content is None:
                if self._started and not silent:
                    silent = True
                    reason = f"the driver's process has been silent for {SILENCE} s"
                    self._tell(Fault.STREAM_INTERRUPTED, reason)
                continue
            silent = False
            self._hand_on(content)

    def _hand_on(self, content: Tick | LogRecord) -> None:
        if isinstance(content, LogRecord):
            logger.log(content.level, "%s", content.text)
            return
        self._heard_at, self._last = time.monotonic(), content
        self._state = content.state or self._state
        try:
            self._on_tick(content)
        except Exception:
            logger.exception("a tick could not be shown")

    def _tell(self, fault: Fault, reason: str) -> None:
        """Say what is wrong in the process's place."""
        last = self._last.status if self._last else None
        refused = last.refused_chunks if last else 0
        status = Status(SafetyState.FAULTED, fault, reason, "", math.nan, refused)
        self._last = Tick(time.monotonic(), None, None, status, False, False, False)
        self._on_tick(self._last)

    def _restart(self, back_off: BackOff) -> None:
        self._settings = replace(self._settings, fault="the driver's process had ended")
        try:
            self._open()
            if self._started:
                self._requests.ask("start", timeout=CONNECT_TIMEOUT)
        except (RuntimeError, OSError) as error:
            logger.warning("%s", error)
            self._end_process()
            return
        back_off.connected(time.monotonic())
        logger.warning("the driver's process runs again; call /arm/reset")
