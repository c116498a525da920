"""The arm state machine joined to the way to the arm: a thread that streams."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.robot.driver.reconnection import Reconnection
from kinevla_ros.robot.driver.tick import Tick
from kinevla_ros.robot.gate.arm_checks import HAND, MAX_STATE_AGE
from kinevla_ros.robot.gate.check_result import PASSED, CheckResult, Fault, refused
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.workspace import Workspace
from kinevla_ros.robot.joint_target import JointTarget
from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.robot.motion.fixed_rate import FixedRate
from kinevla_ros.robot.motion.sent_targets import SentTargets
from kinevla_ros.robot.motion.state_machine import ArmStateMachine
from kinevla_ros.robot.motion.stream import StreamSample
from kinevla_ros.robot.realman import gripper
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.transport import ArmConnectionError, ArmInfo, Transport

LONGEST_SILENCE = 1.0
"""An arm is connected again after so long without a state, s."""

REST_TIMEOUT = 2.0
"""From full speed to rest takes a fraction of it, s."""

STREAM_FAILED = "the stream has failed, see the log; deactivate and activate the arm node"

logger = logging.getLogger(__name__)


class ArmDriver:
    """Streams to one arm; every method may be called from any thread.

    Args:
        arm: the way to the arm, not connected.
        rate: targets a second, Hz.
        limits: limits of the joints; the arm may have stricter ones.
        workspace: where links and gripper may be.
        on_tick: called after each tick from the streaming thread; must not block.
        max_state_age: see `ArmStateMachine`.
    """

    def __init__(
        self,
        arm: Transport,
        rate: float,
        limits: JointLimits,
        workspace: Workspace,
        on_tick: Callable[[Tick], None],
        max_state_age: float = MAX_STATE_AGE,
    ) -> None:
        self._max_state_age = max_state_age
        self._arm, self._period, self._on_tick = arm, 1 / rate, on_tick
        self._given, self._workspace = limits, workspace
        self.limits = limits
        """Those that hold: the stricter ones once connected."""
        self._core: ArmStateMachine | None = None
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._idle = threading.Event()
        self._connection = Reconnection(arm)
        self._braking = False  # the link has ended, and targets go past it until the arm rests
        self._thread: threading.Thread | None = None
        self._enabled_once = self._dragging = False
        self._opening: float | None = None
        self._last_stamp = 0.0
        self._sent = SentTargets()
        # What a person has set stays when the arm is connected again.
        self._percent, self._paused, self._stopped = 100.0, False, False
        self.failed = False
        """Whether the stream has died: nothing is sent any more, and only `start` begins again."""

    def connect(self) -> ArmInfo:
        """Connect; the stricter ones of the given limits and of the arm's hold.

        Raises:
            ArmConnectionError: says what failed and what to check.
        """
        info = self._connection.connect()
        self.limits, space = self._given.stricter(info.limits), CollisionModel(self._workspace)
        core = ArmStateMachine(self.limits, space, self._period, gripper.DELAY, self._max_state_age)
        core.set_speed(self._percent)
        core.pause(self._paused)
        if self._stopped:
            core.stop(time.monotonic())
        self._core = core
        return info

    def close(self) -> None:
        """Disconnect."""
        self._arm.close()
        self._core = None

    @property
    def connected(self) -> bool:
        """Whether the arm is there, as far as is known."""
        return self._core is not None and not self._connection.lost.is_set()

    @property
    def can_stop(self) -> bool:
        """Whether a stop would get through past everything else, as far as is known."""
        return self._arm.can_stop

    def latest(self) -> ArmState | None:
        """Return the arm's last state, however old."""
        return self._arm.latest()

    def start(self) -> None:
        """Tick from now on; connects first if the connection has been lost in the meantime.

        Raises:
            ArmConnectionError: see `connect`.
        """
        if not self._arm.alive:
            self.connect()
        self._end.clear()
        self._braking = self.failed = False
        self._connection.start()
        self._thread = threading.Thread(target=self._stream, name="stream", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Slow down to rest, stop the controller, end the threads."""
        if self._core is not None and self._thread is not None:
            with self._lock:
                self._core.disable()
            self._idle.clear()
            self._idle.wait(REST_TIMEOUT)
        self._end.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._connection.finish()
        if self._dragging:
            self._end_dragging()
        if self._enabled_once:
            # Only an arm that was ours: somebody else may be moving it with the teach pendant.
            self._stop_controller()
            self._enabled_once = False

    def enable(self) -> CheckResult:
        """See `ArmStateMachine.enable`."""
        with self._lock:
            if self._dragging:
                return refused(Fault.NONE, HAND)
            result = self._ready.enable(time.monotonic())
            self._enabled_once |= result.ok
            if result.ok:
                # Somebody may have moved the gripper in the meantime.
                self._opening = None
            return result

    def disable(self) -> None:
        """See `ArmStateMachine.disable`."""
        with self._lock:
            self._ready.disable()

    def stop(self) -> None:
        """Slow down to rest until `reset`; past the vendor's process when that does not live.

        Raises:
            ArmConnectionError: the controller did not confirm; use the emergency button.
        """
        with self._lock:
            if self._core is not None:
                self._core.stop(time.monotonic())
                self._stopped = True
        if self._dragging:
            self._end_dragging()
        if not self.connected or self.failed or not self._arm.alive:
            self._arm.stop()

    def reset(self) -> CheckResult:
        """Clear a fault, in the controller as well if it reports errors.

        Raises:
            ArmConnectionError: the controller's errors are not cleared.
        """
        if self.failed:
            return refused(Fault.CONNECTION_LOST, STREAM_FAILED)
        state = self._arm.latest()
        if state is not None and (state.controller_errors or state.joint_errors):
            with self._lock:
                if not (result := self._ready.rests()).ok:
                    return result
            self._arm.clear_errors()
            self._wait_for_state(time.monotonic())
        with self._lock:
            result = self._ready.reset(time.monotonic())
            self._stopped &= not result.ok
            return result

    def drag(self, on: bool) -> CheckResult:
        """Let the joints give way to a hand, or hold them where they are.

        Returns:
            Passed, or why a disabled arm at rest is needed first.

        Raises:
            ArmConnectionError: the controller does not do it.
        """
        with self._lock:
            if on and not (result := self._ready.may_be_dragged()).ok:
                return result
            # Before its state says so: nobody may enable it in between.
            before, self._dragging = self._dragging, True
        try:
            self._arm.drag(on)
        except ArmConnectionError:
            self._dragging = before
            raise
        self._dragging = on
        return PASSED

    def follow(self, chunk: ActionChunk) -> CheckResult:
        """See `ArmStateMachine.follow`."""
        with self._lock:
            return self._ready.follow(chunk, time.monotonic())

    def lead(self, target: JointTarget) -> CheckResult:
        """See `ArmStateMachine.lead`."""
        with self._lock:
            return self._ready.lead(target, time.monotonic())

    def give_up(self, reason: str) -> None:
        """See `ArmStateMachine.give_up`."""
        with self._lock:
            self._ready.give_up(reason, time.monotonic())

    def refuse(self, fault: Fault, reason: str) -> CheckResult:
        """See `ArmStateMachine.refuse`."""
        with self._lock:
            return self._ready.refuse(fault, reason)

    def set_speed(self, percent: float) -> CheckResult:
        """See `ArmStateMachine.set_speed`."""
        with self._lock:
            result = self._ready.set_speed(percent)
            if result.ok:
                self._percent = percent
            return result

    def pause(self, paused: bool) -> None:
        """See `ArmStateMachine.pause`."""
        with self._lock:
            self._ready.pause(paused)
            self._paused = paused

    @property
    def _ready(self) -> ArmStateMachine:
        if self._core is None:
            raise ArmConnectionError("the arm is not connected")
        return self._core

    def _stream(self) -> None:
        ticks = FixedRate(self._period)
        try:
            while not self._end.is_set():
                self._on_tick(self._tick(ticks.wait()))
        except Exception:
            logger.exception("the stream has failed; the arm is stopped")
            self._fail()
            raise
        finally:
            self._idle.set()

    def _fail(self) -> None:
        """Stop the controller, and let everybody know that nothing will be sent any more."""
        self._stop_controller()
        now = time.monotonic()
        with self._lock:
            self._ready.give_up(STREAM_FAILED, now)
            self.failed = True
            last = self._seen(now, None, None)
        self._on_tick(last)

    def _tick(self, now: float) -> Tick:
        lost = self._connection.lost.is_set()
        state = None if lost else self._arm.latest()
        fresh = state is not None and state.stamp > self._last_stamp
        with self._lock:
            if state is not None and fresh:
                self._last_stamp = state.stamp
                self._ready.on_state(state)
            elif not lost and not self._braking:
                self._check_connection(now)
            if (motion := self._sent.missed(self._arm.point())) is not None:
                self._ready.go_on_from(*motion, now)
            sample = self._ready.tick(now)
            if sample is not None:
                self._send(sample, now)
            else:
                self._sent.clear()
                self._idle.set()
                self._end_braking()
            return self._seen(now, state if fresh else None, sample)

    def _seen(self, now: float, state: ArmState | None, sample: StreamSample | None) -> Tick:
        status = self._ready.status(now)
        return Tick(now, state, sample, status, self.connected, self.can_stop, self.failed)

    def _check_connection(self, now: float) -> None:
        if not self._arm.alive:
            self._lose("the vendor library's process has ended or hangs", now)
        elif now - max(self._last_stamp, self._connection.connected_at) > LONGEST_SILENCE:
            self._lose(f"the arm has been silent for {LONGEST_SILENCE:g} s", now)

    def _send(self, sample: StreamSample, now: float) -> None:
        target = self._sent.next(sample)
        if not self._braking:
            try:
                self._arm.send(target)
                if sample.gripper is not None and gripper.is_new(sample.gripper, self._opening):
                    self._arm.send_gripper(sample.gripper)
                    self._opening = sample.gripper
                return
            except ArmConnectionError as error:
                self._lose(str(error), now)
        if self._braking:
            try:
                self._arm.brake(target)
            except ArmConnectionError as error:
                self._ready.connection_lost(str(error), now)
                self._end_braking()

    def _lose(self, reason: str, now: float) -> None:
        self._braking = self._arm.can_brake()
        reason = f"{reason}; connecting again, then call /arm/reset"
        self._ready.connection_lost(reason, now, self._braking)
        self._opening = None
        if not self._braking:
            self._connection.lost.set()

    def _end_braking(self) -> None:
        if self._braking:
            self._braking = False
            self._connection.lost.set()

    def _wait_for_state(self, since: float) -> None:
        deadline = since + LONGEST_SILENCE
        while time.monotonic() < deadline:
            state = self._arm.latest()
            if state is not None and state.stamp > since + self._period:
                return
            time.sleep(self._period)

    def _end_dragging(self) -> None:
        """Hold an arm that we let go of; where that fails its own button is left."""
        try:
            self._arm.drag(False)
            self._dragging = False
        except ArmConnectionError as error:
            logger.error("%s", error)

    def _stop_controller(self) -> None:
        try:
            self._arm.stop()
        except ArmConnectionError as error:
            logger.error("%s", error)
