"""The arm's state machine: what is sent to it, and what happens when something is wrong.

It has no clock and no thread; every time, s, is handed in. What each event does:

| event                                    | what the arm does                    | until         |
| ---------------------------------------- | ------------------------------------ | ------------- |
| chunk fails a check, is old or reordered | finishes the motion under way, holds | next chunk    |
| chunk comes late                         | follows it more slowly               | next chunk    |
| no further chunk comes                   | slows to rest at the last target     | next chunk    |
| a person takes over                      | follows the person, takes no chunks  | 0.2 s silence |
| teleoperation target fails a check       | holds                                | next target   |
| speed below 100 %, pause                 | slows down on the same path          | changed       |
| arm's state older than 0.1 s             | fault, slows to rest                 | reset, enable |
| arm further than 0.1 rad from its path   | fault, slows to rest                 | reset, enable |
| a joint that is to move stands for 2 s   | fault, slows to rest                 | reset, enable |
| controller or joint reports an error     | fault, slows to rest                 | reset, enable |
| software stop, also while disabled       | fault, slows to rest                 | reset, enable |
| target fails a check                     | fault, slows to rest instead         | reset, enable |
| stream held up in motion for 0.1 s       | fault, rests where it was brought to | reset, enable |
| connection to the controller lost        | fault; slows to rest if targets get  | reset, enable |
|                                          | there another way, else sends no more |              |
| hand guiding begins while enabled        | fault, slows to rest                 | reset, enable |
| disable                                  | slows to rest                        | enable        |

A fault is latched: the first one keeps its name until `reset`, which needs a fresh state without
errors of an arm at rest and leaves the arm disabled. After a fault, and when disabled, targets
are sent only until the motion has come to rest; then the controller holds the last one by itself.
A target repeated longer could throw the arm back to it after somebody has moved it by hand or the
connection has come back. Motion begins only by `enable`, and at the measured position.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import STREAM_PERIOD
from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.robot.gate.arm_checks import MAX_STATE_AGE
from kinevla_ros.robot.gate.check_result import PASSED, CheckResult, Fault, refused
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.joint_target import JointTarget
from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.robot.motion.gated_stream import GatedStream
from kinevla_ros.robot.motion.measured_arm import MeasuredArm
from kinevla_ros.robot.motion.stream import StreamSample
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.status import SafetyState, Status

Array = NDArray[np.float64]

TAKEOVER = 0.2
"""A person leads until no target has come for so long (s)."""


class ArmStateMachine:
    """Decides at each tick what to send to the arm.

    Args:
        limits: limits of the joints.
        space: clearances of the arm.
        dt: time between ticks, s.
        gripper_lead: how much earlier than due the gripper's targets are given, s.
        max_state_age: oldest state of the arm, s; a real arm's is `MAX_STATE_AGE`.
    """

    def __init__(
        self,
        limits: JointLimits,
        space: CollisionModel,
        dt: float = STREAM_PERIOD,
        gripper_lead: float = 0.0,
        max_state_age: float = MAX_STATE_AGE,
    ) -> None:
        self._stream = GatedStream(limits, space, dt, gripper_lead)
        self._arm = MeasuredArm(max_state_age)
        self._state = SafetyState.DISABLED
        self._disabling = self._paused = False
        self._speed = 1.0
        self._fault, self._fault_time = PASSED, -math.inf
        self._refusal, self._refused_chunks = PASSED, 0
        self._led = -math.inf  # when the last chunk or target was taken
        self._takeover_ends = -math.inf

    def enable(self, now: float) -> CheckResult:
        """Take hold of the arm where it is; chunks are accepted from now on.

        Returns:
            Passed, or why not: it moves, its state is old, it has errors, is outside its limits or
            too near to something.
        """
        if self._state is SafetyState.FAULTED:
            return refused(self._fault.fault, f"{self._fault.reason}; call /arm/reset first")
        if self._disabling:
            return refused(Fault.NONE, "the arm is slowing down to be disabled; enable it at rest")
        if self._stream.sending:
            return PASSED
        if not (result := self._arm.fit(now, self._fault_time)).ok:
            return result
        assert self._arm.state is not None
        if not (result := self._stream.begin(np.array(self._arm.state.q))).ok:
            return replace(result, reason=f"{result.reason}; move the arm away by hand")
        self._state, self._refusal = SafetyState.READY, PASSED
        self._led = self._takeover_ends = -math.inf
        return PASSED

    def disable(self) -> None:
        """Slow down to rest, then send nothing more."""
        if self._active():
            self._stream.halt()
            self._disabling, self._state = True, SafetyState.HOLDING

    def stop(self, now: float) -> None:
        """Software stop: slow down to rest and stay there until `reset`, also when disabled."""
        self._latch(refused(Fault.SOFTWARE_STOP, "stopped by software; call /arm/reset"), now)

    def connection_lost(self, reason: str, now: float, reachable: bool = False) -> None:
        """Send nothing more: nobody listens, and whoever does later must not be surprised.

        Args:
            reason: what became of the connection.
            now: time, s.
            reachable: targets still get there another way: slow down to rest first.
        """
        if self._stream.sending:
            self._latch(refused(Fault.CONNECTION_LOST, reason), now)
            if not reachable:
                self._let_go()

    def give_up(self, reason: str, now: float) -> None:
        """Send nothing more: who ticks has failed."""
        self._latch(refused(Fault.CONNECTION_LOST, reason), now)
        self._let_go()

    def rests(self) -> CheckResult:
        """Whether nothing moves the arm, by targets or otherwise; passed, or what does."""
        if self._stream.sending:
            return refused(Fault.NONE, "the arm is slowing down; reset it at rest")
        return self._arm.rests()

    def reset(self, now: float) -> CheckResult:
        """Clear the fault of an arm that is at rest and well; it is disabled afterwards.

        Returns:
            Passed, or why not.
        """
        if self._state is not SafetyState.FAULTED:
            return PASSED
        if self._stream.sending:
            return self.rests()
        if not (result := self._arm.fit(now, self._fault_time)).ok:
            return result
        self._state, self._fault = SafetyState.DISABLED, PASSED
        return PASSED

    def may_be_dragged(self) -> CheckResult:
        """Whether a person may guide the arm by hand; passed, or why not."""
        if self._state not in (SafetyState.DISABLED, SafetyState.FAULTED):
            return refused(Fault.NONE, "the arm holds itself; call /arm/enable with false first")
        return self.rests()

    def set_speed(self, percent: float) -> CheckResult:
        """Move at 0 to 100 % of the speed on the same path, from now on until changed."""
        if not 0 <= percent <= 100:
            return refused(Fault.NONE, f"speed scaling cannot be {percent} %; give 0 to 100 %")
        self._speed = percent / 100
        self._stream.set_speed(self._asked)
        return PASSED

    def pause(self, paused: bool) -> None:
        """Come to rest on the path and stay there; or go on, with what is not too old by then."""
        self._paused = paused
        self._stream.set_speed(self._asked)

    def on_state(self, state: ArmState) -> None:
        """Take a measured state; one that is not newer than the last is ignored."""
        self._arm.measured(state)

    def follow(self, chunk: ActionChunk, now: float) -> CheckResult:
        """Follow the chunk from the next tick on.

        Returns:
            Passed, or why the chunk is refused; that leaves the motion under way as it is.
        """
        if not self._active() or self._arm.state is None:
            return refused(Fault.NONE, f"no motion: the arm is {self._state.name.lower()}")
        if now < self._takeover_ends:
            return refused(Fault.NONE, "a person has taken over")
        if chunk.stamp < self._takeover_ends:
            reason = f"chunk {chunk.sequence} is from before the end of the takeover"
            return self._refuse(refused(Fault.STALE_CHUNK, reason))
        result = self._stream.follow(chunk, self._arm.state, now)
        return self._accept(now) if result.ok else self._refuse(result)

    def lead(self, target: JointTarget, now: float) -> CheckResult:
        """Let a person lead: go to the target, and take no chunks until `TAKEOVER` after the last.

        A target that is refused because it would break a limit takes over as well: the arm holds.

        Returns:
            Passed, or why the target is refused.
        """
        if not self._active():
            return refused(Fault.NONE, f"no motion: the arm is {self._state.name.lower()}")
        result = self._stream.lead(target, now, TAKEOVER)
        if result.fault is not Fault.INVALID_TARGET:
            self._takeover_ends = now + TAKEOVER
        return self._accept(now) if result.ok else self._refuse(result)

    def refuse(self, fault: Fault, reason: str) -> CheckResult:
        """Count something that was to be a chunk or a target and is none."""
        return self._refuse(refused(fault, reason))

    def tick(self, now: float) -> StreamSample | None:
        """Return what to send now; None if nothing is to be sent."""
        self._watch(now)
        if not self._stream.sending or self._arm.state is None:
            return None
        if not self._active() and self._stream.at_rest:
            self._let_go()
            return None
        sample, result = self._stream.next(self._arm.state.q, now)
        if not result.ok:
            self._latch(result, now)
        if sample is None:
            self._let_go()
            return None
        self._arm.sent(sample, now)
        if self._active():
            self._state = self._state_of(sample, now)
        return sample

    def go_on_from(self, path: Array, velocity: Array, acceleration: Array, now: float) -> None:
        """Go on from where the arm was sent in the meantime; see `GatedStream.go_on_from`."""
        if self._stream.sending:
            self._stream.go_on_from(path, velocity, acceleration, now)
            self._arm.brought_to(path[-1], now)

    def status(self, now: float) -> Status:
        """Return what the arm is doing and why."""
        why = self._explain(now)
        return Status(
            self._state,
            self._fault.fault,
            why.reason,
            why.joint,
            why.margin,
            self._refused_chunks,
            self._asked,
            self._active() and now < self._takeover_ends,
        )

    @property
    def _asked(self) -> float:
        """Share of full speed that is asked for."""
        return 0.0 if self._paused else self._speed

    def _active(self) -> bool:
        """Whether chunks are accepted."""
        faulted = self._state is SafetyState.FAULTED
        return self._stream.sending and not faulted and not self._disabling

    def _watch(self, now: float) -> None:
        if self._stream.sending:
            result = self._arm.check(now)
            if not result.ok:
                self._latch(result, now)

    def _latch(self, result: CheckResult, now: float) -> None:
        if self._state is SafetyState.FAULTED:
            return
        self._state, self._fault, self._fault_time = SafetyState.FAULTED, result, now
        if self._stream.sending:
            self._stream.halt()

    def _let_go(self) -> None:
        self._stream.end()
        self._arm.let_go()
        self._disabling = False
        if self._state is not SafetyState.FAULTED:
            self._state = SafetyState.DISABLED

    def _accept(self, now: float) -> CheckResult:
        self._refusal, self._led = PASSED, now
        return PASSED

    def _refuse(self, result: CheckResult) -> CheckResult:
        self._refusal = result
        self._refused_chunks += 1
        return result

    def _state_of(self, sample: StreamSample, now: float) -> SafetyState:
        if self._led == -math.inf:
            return SafetyState.READY
        led = not sample.starved or now < self._takeover_ends
        return SafetyState.MOVING if led and self._asked > 0 else SafetyState.HOLDING

    def _explain(self, now: float) -> CheckResult:
        if self._state is SafetyState.FAULTED:
            return self._fault
        if self._state is SafetyState.DISABLED and self._arm.state and self._arm.state.dragged:
            return refused(Fault.NONE, "guided by hand until /arm/drag with false")
        if self._state is SafetyState.DISABLED:
            return refused(Fault.NONE, "call /arm/enable to allow motion")
        if self._disabling:
            return refused(Fault.NONE, "slowing down to be disabled")
        if self._paused:
            return refused(Fault.NONE, "paused; call /arm/pause with false to go on")
        if self._state is SafetyState.HOLDING:
            silence = f"holding: the last chunk came {now - self._led:.2f} s ago"
            reason = f"{silence}; {self._refusal.reason}" if self._refusal.reason else silence
            return replace(self._refusal, reason=reason)
        if self._refusal.ok and now < self._takeover_ends:
            return refused(Fault.NONE, "a person leads")
        return self._refusal
