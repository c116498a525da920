"""A replay without an arm: the same gate and stream, and an arm that does what it is sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.arm import STREAM_PERIOD
from kinevla_ros.base.chunk import CHUNK_DT, HORIZON
from kinevla_ros.evaluation.replay.recorded_motion import RecordedMotion
from kinevla_ros.robot.gate.check_result import CheckResult
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.workspace import Workspace
from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.robot.motion.approach import approach
from kinevla_ros.sim.lagging_arm import HOME, LaggingArm

Array = NDArray[np.float64]

STEPS = 2
"""Targets after which the next chunk is sent, as a policy does."""

BEGIN = 1.0
"""Time, s, at which a rehearsal begins; nothing has a stamp before zero."""


@dataclass
class Rehearsal:
    """What the gate says.

    Attributes:
        approach: targets to the start, shape (n, 7), rad.
        chunks: how many there are.
        refused: why chunks were refused, with how many.
        fault: what ended it; empty if nothing did.
        verdicts: of the chunks of the motion itself: its first target, and why it is refused or an
            empty text.
    """

    approach: Array
    chunks: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    fault: str = ""
    verdicts: list[tuple[int, str]] = field(default_factory=list)

    @property
    def passes(self) -> bool:
        """Whether all of it may be sent."""
        return not self.refused and not self.fault


def approach_motion(targets: Array, opening: float) -> RecordedMotion:
    """An approach as a motion with the gripper as it is.

    Args:
        targets: shape (n, 7), rad.
        opening: m.
    """
    rows = np.column_stack([targets, np.full(len(targets), opening)])
    return RecordedMotion("", rows[0], rows)


def rehearse(
    motion: RecordedMotion, q: Array, limits: JointLimits, workspace: Workspace
) -> Rehearsal:
    """Send the approach and the whole motion through gate and stream, without an arm.

    Args:
        motion: what was recorded.
        q: where the arm is, shape (7,), rad.
        limits: of the arm.
        workspace: where links and gripper may be.

    Raises:
        NoApproach: no checked way leads to the start.
    """
    space = CollisionModel(workspace)
    targets = approach(q, motion.start[:-1], limits, space, (HOME,))
    stage = _Stage(q, limits, workspace)
    found = Rehearsal(targets)
    if not (ready := stage.begin()).ok:
        found.fault = ready.reason
        return found
    stage.play(approach_motion(targets, float(motion.start[-1])), found)
    found.verdicts = stage.play(motion, found)
    return found


class _Stage:
    """An arm that is where it was sent, and simulated time."""

    def __init__(self, q: Array, limits: JointLimits, workspace: Workspace) -> None:
        self._arm = LaggingArm(limits=limits, workspace=workspace)
        self._arm.place(q)
        self._now, self._sequence = BEGIN, 0

    def begin(self) -> CheckResult:
        self._now = self._arm.rest(self._now)
        return self._arm.enable(self._now)

    def play(self, motion: RecordedMotion, found: Rehearsal) -> list[tuple[int, str]]:
        """Send the chunks of a motion; notes what is refused and what ends it."""
        begin, verdicts = self._now, []
        for step in range(0, len(motion.targets), STEPS):
            self._sequence += 1
            found.chunks += 1
            chunk = motion.chunk(step, begin + step * CHUNK_DT, self._sequence)
            result = self._arm.core.follow(chunk, self._now)
            reason = plain_reason(result.reason, chunk.sequence)
            verdicts.append((step, reason))
            if not result.ok:
                found.refused[reason] += 1
            self._run(STEPS * CHUNK_DT)
        self._run(HORIZON * CHUNK_DT)
        if not self._arm.enabled and not found.fault:
            found.fault = self._arm.core.status(self._now).reason
        return verdicts

    def _run(self, seconds: float) -> None:
        for _ in range(round(seconds / STREAM_PERIOD)):
            self._now += STREAM_PERIOD
            self._arm.tick(self._now)


def plain_reason(reason: str, number: int) -> str:
    """A reason without the number of the chunk, so that reasons can be counted."""
    return reason.replace(f"chunk {number} ", "a chunk ")
