"""What a check says: passed, or which limit is broken, where and by how much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.chunk import JOINT_NAMES


class Fault(IntEnum):
    """Names of what can be wrong; values as in `SafetyStatus.msg`."""

    NONE = 0
    STALE_STATE = 1
    STALE_CHUNK = 2
    INVALID_CHUNK = 3
    POSITION_LIMIT = 4
    VELOCITY_LIMIT = 5
    TRACKING_ERROR = 6
    CONTROLLER_ERROR = 7
    CONNECTION_LOST = 8
    SOFTWARE_STOP = 9
    INVALID_TARGET = 10
    ACCELERATION_LIMIT = 11
    JERK_LIMIT = 12
    WORKSPACE_LIMIT = 13
    TABLE_COLLISION = 14
    SELF_COLLISION = 15
    STREAM_INTERRUPTED = 16


@dataclass(frozen=True)
class CheckResult:
    """Outcome of a check or of a request.

    Attributes:
        ok: whether it passed.
        fault: limit broken; NONE when passed or when a request merely came at the wrong time.
        reason: in words, with figures and the way out; empty when passed.
        joint: joint, link or part of the gripper concerned; empty when none is.
        margin: distance to the limit in its unit, negative beyond it; NaN when there is none.
    """

    ok: bool
    fault: Fault = Fault.NONE
    reason: str = ""
    joint: str = ""
    margin: float = math.nan


PASSED = CheckResult(True)


def refused(fault: Fault, reason: str, joint: str = "", margin: float = math.nan) -> CheckResult:
    """Return the result that something must not happen."""
    return CheckResult(False, fault, reason, joint, margin)


def worst(margins: NDArray[np.float64]) -> tuple[int, int, str, float]:
    """Return row, column, joint name and value of the smallest margin, shape (rows, 7) or (7,)."""
    row, column = divmod(int(margins.argmin()), len(JOINT_NAMES))
    return row, column, JOINT_NAMES[column], float(margins.min())
