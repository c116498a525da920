"""The RM75 through the vendor's own library, which runs in a process that can be killed."""

from __future__ import annotations

import contextlib
import json
import math
import select
import socket
import subprocess
import threading
import time
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np

from kinevla_ros.base.arm import ARM_PORT, STATE_PORT, STREAM_PERIOD
from kinevla_ros.robot.limits import RM75_LIMITS, JointLimits
from kinevla_ros.robot.motion.target_sender import Point, Target, TargetSender
from kinevla_ros.robot.realman.channel import (
    CLEAR_KIND,
    DRAG,
    DRAG_KIND,
    GRIPPER,
    GRIPPER_KIND,
    LIFE,
    LIFE_KIND,
    LONGEST_PACKET,
    SharedState,
    pack_target,
)
from kinevla_ros.robot.realman.requests import CLEARED, DRAGGED
from kinevla_ros.robot.realman.start import has_ended, start_realman_process
from kinevla_ros.robot.realman.stop_line import StopLine
from kinevla_ros.robot.realman.stop_line_watch import StopLineWatch
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.transport import ArmConnectionError, ArmInfo, checked_target, follows_high

__all__ = ["ArmConnectionError", "ArmInfo", "RealManArm"]

LOST_HEARTBEAT = 0.5
"""The process counts as hung after so long a silence, s."""

FRESH_HEARTBEAT = 0.15
"""It has ended in the middle of its work if its last heartbeat is younger, s."""

FRESH_STATE = 0.05
"""A controller that has sent a state so lately is there, s."""

CLEAR_TIMEOUT = 5.0
CLOSE_TIMEOUT = 1.0


class RealManArm:
    """The transport `api`; see `Transport`.

    Args:
        ip, port: the controller's address.
        udp_port: port on this computer to which the controller pushes its state; each arm needs one
            of its own.
        host_ip: this computer's address as the controller sees it; found from the route if None.
        period: between targets, s; see `follows_high`.
    """

    def __init__(
        self,
        ip: str,
        port: int = ARM_PORT,
        udp_port: int = STATE_PORT,
        host_ip: str | None = None,
        period: float = STREAM_PERIOD,
    ) -> None:
        self._address = (ip, port)
        self._udp_port = udp_port
        self._host_ip = host_ip
        self._period = period
        self._stop_line = StopLine(ip, port)
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._board: SharedState | None = None
        self._replies = threading.Lock()
        self._watch: StopLineWatch | None = None
        self._handed_over: Target | None = None
        self._sender: TargetSender | None = None  # of the stop line, past a process that has ended

    def connect(self, timeout: float = 10.0) -> ArmInfo:
        """Start the vendor library's process (again) and wait until the arm's state arrives.

        Raises:
            ArmConnectionError: says what failed and what to check.
        """
        self.close()
        self._handed_over = self._sender = None
        deadline = time.monotonic() + timeout
        try:
            self._stop_line.open(timeout)
            self._process, self._channel, self._board = start_realman_process(
                self._address, self._udp_port, self._host_ip, self._period
            )
            info = self._await_arm(deadline)
            self._watch = StopLineWatch(self._stop_line, self._state_at, self._tell_life)
            self._watch.start()
            return info
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect and end the process; the arm keeps its last target."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        self._stop_line.close()
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            try:
                self._process.wait(CLOSE_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def __enter__(self) -> RealManArm:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether the vendor library's process is there and takes targets."""
        if self._process is None or self._board is None or self._process.poll() is not None:
            return False
        beat = self._board.heartbeat.read()
        return beat is not None and time.monotonic() - beat[0] < LOST_HEARTBEAT

    @property
    def can_stop(self) -> bool:
        """Whether the controller answered over the stop line when last asked."""
        return self._watch is not None and self._watch.answers

    def send(self, target: Target) -> None:
        """See `Transport`."""
        checked_target(target.q)
        self._handed_over = target
        self._send(pack_target(target, time.monotonic()))

    def point(self) -> Point | None:
        """See `Transport`."""
        if self._sender is not None:
            return self._sender.point(time.monotonic())
        record = None if self._board is None else self._board.point.read()
        return None if record is None else Point(int(record[0]), int(record[1]), bool(record[2]))

    def can_brake(self) -> bool:
        """See `Transport`; not past a process that hung before it ended."""
        process, channel, board = self._process, self._channel, self._board
        if process is None or channel is None or board is None or self._handed_over is None:
            return False
        beat, point = board.heartbeat.read(), board.point.read()
        if beat is None or point is None or time.monotonic() - beat[0] > FRESH_HEARTBEAT:
            return False
        if not has_ended(process, channel):
            return False
        # A controller that was heard just now is there; asking takes time in which the arm stops.
        heard = time.monotonic() - self._state_at() < FRESH_STATE
        if not (self._stop_line.is_open() if heard else self._stop_line.answers()):
            return False
        # At most the very last target was lost with the process.
        self._sender = TargetSender(self._period)
        self._sender.offer(replace(self._handed_over, after=None), time.monotonic())
        self._sender.sent(point[3])
        return True

    def brake(self, target: Target) -> None:
        """See `Transport`."""
        now = time.monotonic()
        if self._sender is not None and self._sender.offer(target, now):
            self._stop_line.send_target(checked_target(target.q), follows_high(self._period))
            self._sender.sent(now)

    def send_gripper(self, opening: float) -> None:
        """See `Transport`."""
        if not math.isfinite(opening):
            raise ValueError(f"a gripper opening is a finite number of metres, not {opening!r}")
        self._send(GRIPPER.pack(GRIPPER_KIND, opening))

    def latest(self) -> ArmState | None:
        """See `Transport`."""
        board = self._board
        record = board.state.read() if board is not None else None
        if board is None or record is None:
            return None
        stamp, q, joint_errors = record[0], record[1:8], record[8:15]
        dragged, count, errors = bool(record[15]), int(record[16]), record[17:]
        opening = board.gripper.read()
        return ArmState(
            q=np.array(q),
            stamp=stamp,
            gripper=None if opening is None or math.isnan(opening[0]) else opening[0],
            controller_errors=tuple(int(code) for code in errors[:count] if code),
            joint_errors=tuple(int(bits) for bits in joint_errors) if any(joint_errors) else (),
            dragged=dragged,
        )

    def stop(self) -> None:
        """Stop the arm over a connection of its own, whatever state the process is in."""
        self._stop_line.stop()

    def clear_errors(self) -> None:
        """See `Transport`; enables the joints as well."""
        if (problem := self._request(CLEAR_KIND, CLEARED)) is not None:
            raise ArmConnectionError(f"the arm's errors are not cleared: {problem}")

    def drag(self, on: bool) -> None:
        """See `Transport`."""
        if (problem := self._request(DRAG.pack(DRAG_KIND, on), DRAGGED)) is not None:
            raise ArmConnectionError(problem)

    def _request(self, packet: bytes, what: str) -> str | None:
        """Send what is answered by `what`; returns what is wrong, if anything.

        Raises:
            ArmConnectionError: not connected, or no answer.
        """
        with self._replies:
            self._send(packet)
            deadline = time.monotonic() + CLEAR_TIMEOUT
            while what not in (reply := self._receive(deadline)):
                continue  # an answer to a request that was given up
            problem: str | None = reply[what]
            return problem

    def _await_arm(self, deadline: float) -> ArmInfo:
        reply = self._receive(deadline)
        try:
            limits = JointLimits(**reply["limits"], jerk=RM75_LIMITS.jerk)
        except ValueError as error:
            raise ArmConnectionError(f"{self._where} reports unusable limits: {error}") from error
        while self.latest() is None:
            if time.monotonic() > deadline:
                raise ArmConnectionError(
                    f"{self._where} is connected, but no state arrives on UDP port "
                    f"{self._udp_port}. Check the firewall, that no other program uses the port, "
                    "and host_ip if this computer has several addresses."
                )
            time.sleep(0.002)
        return ArmInfo(reply["model"], reply["firmware"], limits)

    def _state_at(self) -> float:
        state = self.latest()
        return -math.inf if state is None else state.stamp

    def _tell_life(self, now: float) -> None:
        with contextlib.suppress(ArmConnectionError):
            self._send(LIFE.pack(LIFE_KIND, now))

    @property
    def _where(self) -> str:
        return f"the arm at {self._address[0]}:{self._address[1]}"

    def _send(self, packet: bytes) -> None:
        channel = self._channel
        if channel is None:
            raise ArmConnectionError(f"{self._where} is not connected: call connect()")
        try:
            channel.send(packet)
        except BlockingIOError:
            # The process hangs and `alive` shows it; to wait for it would hang the caller as well.
            pass
        except OSError as error:
            raise ArmConnectionError(self._last_words()) from error

    def _receive(self, deadline: float) -> dict[str, Any]:
        channel = self._channel
        if channel is None:
            raise ArmConnectionError(f"{self._where} is not connected: call connect()")
        left = max(deadline - time.monotonic(), 0)
        if not select.select([channel], [], [], left)[0]:
            raise ArmConnectionError(
                f"{self._where} does not answer in time. Check that the controller is not busy "
                "and that its network is not overloaded."
            )
        packet = b""
        # A process that ends with targets unread leaves an error, and behind it its last words.
        for _ in range(2):
            with contextlib.suppress(OSError):
                packet = channel.recv(LONGEST_PACKET)
                break
        reply = json.loads(packet) if packet else {"error": "the process has ended, see the log"}
        if "error" in reply:
            raise ArmConnectionError(f"{self._where} is lost: {reply['error']}")
        return reply

    def _last_words(self) -> str:
        try:
            self._receive(0.0)
        except ArmConnectionError as error:
            return f"{error}; call connect() again"
        return f"{self._where} is lost; call connect() again"
