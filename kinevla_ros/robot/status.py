"""What the arm is doing and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from kinevla_ros.robot.gate.check_result import Fault


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
        joint: joint or link concerned; empty when none is.
        margin: distance to the limit concerned, negative beyond it; NaN when there is none.
        refused_chunks: number of chunks and teleoperation targets refused since the start.
        speed: share of full speed that is asked for, 0 to 1; 0 while paused.
        takeover: whether a person leads the arm.
    """

    state: SafetyState
    fault: Fault
    reason: str
    joint: str
    margin: float
    refused_chunks: int
    speed: float = 1.0
    takeover: bool = False
