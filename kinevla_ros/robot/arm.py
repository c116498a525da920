"""The arm's state machine: what is sent to it, and what happens when something is wrong.

It has no clock and no thread; every time, s, is handed in. What each event does:

| event                                    | what the arm does                    | until         |
| ---------------------------------------- | ------------------------------------ | ------------- |
| chunk fails a check, is old or reordered | finishes the motion under way, holds | next chunk    |
| no further chunk comes                   | slows to rest at the last target     | next chunk    |
| arm's state older than 0.1 s             | fault, slows to rest                 | reset, enable |
| arm further than 0.2 rad from its target | fault, slows to rest                 | reset, enable |
| controller or joint reports an error     | fault, slows to rest                 | reset, enable |
| software stop, also while disabled       | fault, slows to rest                 | reset, enable |
| connection to the controller lost        | fault; slows to rest if targets get  | reset, enable |
|                                          | there another way, else sends no more |              |
| target fails a check                     | fault, stays at the target before it | reset, enable |
| disable                                  | slows to rest                        | enable        |

A fault is latched: the first one keeps its name until `reset`, which needs a fresh state without
errors of an arm at rest and leaves the arm disabled. After a fault, and when disabled, targets
are sent only until the motion has come to rest; then the controller holds the last one by itself.
A target repeated longer could throw the arm back to it after somebody has moved it by hand or the
connection has come back. Motion begins only by `enable`, and at the measured position.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.codec.chunk import ActionChunk
from kinevla_ros.robot.gate import check_arm, check_chunk, check_target
from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.robot.state import ArmState
from kinevla_ros.robot.stream import JointStream, StreamSample
from kinevla_ros.robot.verdict import PASSED, Fault, Verdict, refused

Array = NDArray[np.float64]

REST_BAND = 0.005
"""A joint that stays within this band is at rest (rad) ..."""

REST_TIME = 0.1
"""... once it has done so for this long (s)."""


class SafetyState(IntEnum):
    """States of the arm; values as in `SafetyStatus.msg`."""

    DISABLED = 0
    READY = 1
    MOVING = 2
    HOLDING = 3
    FAULTED = 4


@dataclass(frozen=True)
class Status:
    """What the arm is doing and why.

    Attributes:
        state: state of the arm.
        fault: why the state is FAULTED; NONE otherwise.
        reason: in words, with figures and the way out; empty when all is well.
        joint: joint concerned; empty when none is.
        margin: distance to the limit concerned, negative beyond it; NaN when there is none.
        refused_chunks: number of chunks refused since the start.
    """

    state: SafetyState
    fault: Fault
    reason: str
    joint: str
    margin: float
    refused_chunks: int


class ArmCore:
    """Decides at each tick what to send to the arm.

    Args:
        limits: limits of the joints.
        dt: time between ticks, s.
        gripper_lead: how much earlier than due the gripper's targets are given, s.
    """

    def __init__(self, limits: JointLimits, dt: float = 0.02, gripper_lead: float = 0.0) -> None:
        self._limits, self._dt = limits, dt
        self._stream = JointStream(limits, dt, gripper_lead)
        self._state = SafetyState.DISABLED
        self._sent: Array | None = None  # last target; None while nothing is sent
        self._disabling = False
        self._fault, self._fault_time = PASSED, -math.inf
        self._refusal, self._refused_chunks = PASSED, 0
        self._chunk_time = math.nan
        self._arm: ArmState | None = None
        self._still: ArmState | None = None  # first of the states that have not moved since

    def enable(self, now: float) -> Verdict:
        """Take hold of the arm where it is; chunks are accepted from now on.

        Returns:
            Passed, or why not: it moves, its state is old, has errors or is outside the limits.
        """
        if self._state is SafetyState.FAULTED:
            return refused(self._fault.fault, f"{self._fault.reason}; call /arm/reset first")
        if self._disabling:
            return refused(Fault.NONE, "the arm is slowing down to be disabled; enable it at rest")
        if self._sent is not None:
            return PASSED
        if not (verdict := self._fit(now)).ok:
            return verdict
        q = self._measured_q()
        if not (verdict := check_target(q, q, self._limits, self._dt)).ok:
            reason = f"{verdict.joint} is outside its limits; move it back by hand"
            return replace(verdict, reason=reason)
        self._stream.reset(q)
        self._sent, self._state = q, SafetyState.READY
        self._refusal = PASSED
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
        if self._sent is not None:
            self._latch(refused(Fault.CONNECTION_LOST, reason), now)
            if not reachable:
                self._sent = None

    def reset(self, now: float) -> Verdict:
        """Clear the fault of an arm that is at rest and well; it is disabled afterwards.

        Returns:
            Passed, or why not.
        """
        if self._state is not SafetyState.FAULTED:
            return PASSED
        if self._sent is not None:
            return refused(Fault.NONE, "the arm is slowing down; reset it at rest")
        if not (verdict := self._fit(now)).ok:
            return verdict
        self._state, self._fault = SafetyState.DISABLED, PASSED
        return PASSED

    def on_state(self, state: ArmState, now: float) -> None:
        """Take a measured state; one that is not newer than the last is ignored."""
        if self._arm is not None and state.stamp <= self._arm.stamp:
            return
        self._arm = state
        if self._still is None or not (abs(state.q - self._still.q) <= REST_BAND).all():
            self._still = state
        self._watch(now)

    def on_chunk(self, chunk: ActionChunk, now: float) -> Verdict:
        """Follow the chunk from the next tick on.

        Returns:
            Passed, or why the chunk is refused; that leaves the motion under way as it is.
        """
        if not self._active() or self._arm is None:
            return refused(Fault.NONE, f"no motion: the arm is {self._state.name.lower()}")
        verdict = check_chunk(chunk, self._arm, self._limits, now)
        if verdict.ok and (ignored := self._stream.add(chunk, now)) is not None:
            verdict = refused(Fault.STALE_CHUNK, ignored)
        if verdict.ok:
            self._refusal, self._chunk_time = PASSED, now
            return PASSED
        return self._refuse(verdict)

    def on_malformed_chunk(self, reason: str) -> Verdict:
        """Count something that was to be a chunk and is none."""
        return self._refuse(refused(Fault.INVALID_CHUNK, reason))

    def tick(self, now: float) -> StreamSample | None:
        """Return what to send now; None if nothing is to be sent."""
        self._watch(now)
        if self._sent is None:
            return None
        if not self._active() and self._stream.at_rest:
            self._let_go()
            return None
        sample = self._stream.step(now)
        verdict = check_target(sample.position, self._sent, self._limits, self._dt)
        if not verdict.ok:
            self._stream.reset(self._sent)
            self._latch(verdict, now)
            sample = self._stream.step(now)
        self._sent = sample.position
        if self._active():
            self._state = _state_of(sample)
        return sample

    def status(self, now: float) -> Status:
        """Return what the arm is doing and why."""
        why = self._explain(now)
        return Status(
            self._state, self._fault.fault, why.reason, why.joint, why.margin, self._refused_chunks
        )

    def _active(self) -> bool:
        """Whether chunks are accepted."""
        faulted = self._state is SafetyState.FAULTED
        return self._sent is not None and not faulted and not self._disabling

    def _watch(self, now: float) -> None:
        if self._sent is not None:
            verdict = check_arm(self._arm, self._sent, now)
            if not verdict.ok:
                self._latch(verdict, now)

    def _latch(self, verdict: Verdict, now: float) -> None:
        if self._state is SafetyState.FAULTED:
            return
        self._state, self._fault, self._fault_time = SafetyState.FAULTED, verdict, now
        if self._sent is not None:
            self._stream.halt()

    def _let_go(self) -> None:
        self._sent = None
        self._disabling = False
        if self._state is not SafetyState.FAULTED:
            self._state = SafetyState.DISABLED

    def _refuse(self, verdict: Verdict) -> Verdict:
        self._refusal = verdict
        self._refused_chunks += 1
        return verdict

    def _measured_q(self) -> Array:
        return np.zeros(7) if self._arm is None else np.array(self._arm.q)

    def _fit(self, now: float) -> Verdict:
        """Return whether the arm is well and at rest."""
        if not (verdict := check_arm(self._arm, self._measured_q(), now)).ok:
            return verdict
        assert self._arm is not None
        assert self._still is not None
        if self._arm.stamp <= self._fault_time:
            return refused(Fault.STALE_STATE, "the arm has sent no state since the fault")
        if self._arm.stamp - self._still.stamp < REST_TIME:
            return refused(Fault.NONE, f"the arm has not been at rest for {REST_TIME} s")
        return PASSED

    def _explain(self, now: float) -> Verdict:
        if self._state is SafetyState.FAULTED:
            return self._fault
        if self._state is SafetyState.DISABLED:
            return refused(Fault.NONE, "call /arm/enable to allow motion")
        if self._disabling:
            return refused(Fault.NONE, "slowing down to be disabled")
        if self._state is SafetyState.HOLDING:
            silence = f"holding: the last chunk came {now - self._chunk_time:.2f} s ago"
            reason = f"{silence}; {self._refusal.reason}" if self._refusal.reason else silence
            return replace(self._refusal, reason=reason)
        return self._refusal


def _state_of(sample: StreamSample) -> SafetyState:
    if sample.chunk_sequence is None:
        return SafetyState.READY
    return SafetyState.HOLDING if sample.starved else SafetyState.MOVING
