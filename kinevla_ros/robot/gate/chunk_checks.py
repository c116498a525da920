"""What must hold for an action chunk before the stream may follow it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import STREAM_PERIOD
from kinevla_ros.base.chunk import CHUNK_DT, ActionChunk
from kinevla_ros.robot.gate.check_result import PASSED, CheckResult, Fault, refused, worst
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.command_checks import (
    CLOCK_TOLERANCE,
    clear,
    inside_limits,
    within_stroke,
)
from kinevla_ros.robot.gate.delay import speed_share
from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.robot.state import ArmState

MAX_AGE = 0.4
"""At this age one target of a chunk still lies ahead (s)."""

SPEED_TOLERANCE = 1.1
"""So much faster than a joint may go a chunk may be: a decoder rounds. The stream keeps the limit
and takes longer."""


@dataclass(frozen=True, eq=False)
class ChunkCase:
    """A chunk to be judged, with what it is judged by.

    Attributes:
        chunk: the chunk.
        state: the newest measured state.
        start: where the motion under way is, shape (7,), rad.
        limits: limits of the joints.
        space: clearances of the arm.
        now: the time, s.
    """

    chunk: ActionChunk
    state: ArmState
    start: NDArray[np.float64]
    limits: JointLimits
    space: CollisionModel
    now: float

    @property
    def name(self) -> str:
        """What refusals call the chunk."""
        return f"chunk {self.chunk.sequence}"


def period(case: ChunkCase) -> CheckResult:
    """Targets come at the period that the arm is watched with."""
    chunk = case.chunk
    if abs(chunk.dt - CHUNK_DT) < 1e-6:
        return PASSED
    reason = f"{case.name} has a target every {chunk.dt:g} s instead of {CHUNK_DT} s"
    return refused(Fault.INVALID_CHUNK, reason)


def age(case: ChunkCase) -> CheckResult:
    """The observation is recent and not from the future."""
    name, seconds = case.name, case.now - case.chunk.stamp
    if seconds > MAX_AGE:
        reason = f"{name} is {seconds:.3f} s old; allowed are {MAX_AGE} s. Is the policy too slow?"
        return refused(Fault.STALE_CHUNK, reason, margin=MAX_AGE - seconds)
    if seconds < -CLOCK_TOLERANCE:
        reason = f"{name} is from {-seconds:.3f} s in the future. Do the machines' clocks differ?"
        return refused(Fault.STALE_CHUNK, reason, margin=CLOCK_TOLERANCE + seconds)
    return PASSED


def position(case: ChunkCase) -> CheckResult:
    """Every target keeps the margin to the position limits."""
    return inside_limits(case.name, case.chunk.positions, case.limits)


def speed(case: ChunkCase) -> CheckResult:
    """No joint has to exceed its speed between two targets by more than the tolerance."""
    speeds = abs(np.diff(case.chunk.positions, axis=0)) / case.chunk.dt
    allowed = SPEED_TOLERANCE * case.limits.velocity
    step, column, joint, margin = worst(allowed - speeds)
    if margin >= 0:
        return PASSED
    reason = (
        f"{case.name} moves {joint} at {speeds[step, column]:.2f} rad/s to target "
        f"{step + 2}; allowed are {allowed[column]:.2f} rad/s"
    )
    return refused(Fault.VELOCITY_LIMIT, reason, joint, margin)


def begins_at_the_arm(case: ChunkCase) -> CheckResult:
    """No joint has to exceed its speed from where it was measured to the next target.

    One period is added to the time left, for the way by which a moving arm trails. A late chunk is
    followed more slowly, see `delay`, and has more time.
    """
    chunk = case.chunk
    ahead = chunk.times() > case.now + STREAM_PERIOD / 2  # a target due now is never headed for
    if not ahead.any():
        return refused(Fault.STALE_CHUNK, f"no target of {case.name} lies ahead")
    step = int(ahead.argmax())
    left = float(chunk.times()[step]) - case.now
    seconds = left / speed_share(case.now - chunk.stamp) + chunk.dt
    ways = abs(chunk.positions[step] - case.state.q)
    allowed = SPEED_TOLERANCE * case.limits.velocity
    _, column, joint, margin = worst(allowed - ways / seconds)
    if margin >= 0:
        return PASSED
    reason = (
        f"{case.name} begins {ways[column]:.3f} rad from where {joint} is; in "
        f"{seconds:.2f} s that takes more than {allowed[column]:.2f} rad/s"
    )
    return refused(Fault.VELOCITY_LIMIT, reason, joint, margin)


def gripper_stroke(case: ChunkCase) -> CheckResult:
    """The gripper is sent to openings it has."""
    return within_stroke(case.name, case.chunk.gripper)


def clearance(case: ChunkCase) -> CheckResult:
    """Nothing comes too near on the whole way from the motion under way to the last target."""
    ahead = case.chunk.times() > case.now
    path = np.vstack([case.start, case.chunk.positions[ahead]])
    return clear(case.name, path, case.space)
