"""How far a policy departs from what it said just before: large where it is out of its depth.

A chunk lasts longer than the time until the next one, so both say where the arm is to be at the
same times. A policy that knows its way says nearly the same twice (STAC of Agia et al. 2024, who
draw many chunks of a stochastic policy; of a deterministic one, one is enough). No further pass.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from kinevla_ros.base.chunk import ActionChunk

WINDOW = 5
"""Pairs of chunks over which it is averaged, about one second."""

JOINTS, GRIPPER = 0.03, 0.005
"""What counts as 1: about the means of good runs of the shipped policy (rad, m)."""


class Disagreement:
    """Compares each chunk of a run with the one before."""

    def __init__(self) -> None:
        self._before: ActionChunk | None = None
        self._recent: deque[float] = deque(maxlen=WINDOW)

    def reset(self) -> None:
        """Begin another run."""
        self._before = None
        self._recent.clear()

    def __call__(self, chunk: ActionChunk) -> float:
        """How far the last chunks are from each other where they overlap in time.

        Returns:
            Mean of `overlap_distance`; NaN until `WINDOW` pairs of chunks have been compared, and
            again after a gap.
        """
        before, self._before = self._before, chunk
        distance = math.nan if before is None else overlap_distance(before, chunk)
        if math.isnan(distance):
            self._recent.clear()
            return math.nan
        self._recent.append(distance)
        return float(np.mean(self._recent)) if len(self._recent) == WINDOW else math.nan


def overlap_distance(before: ActionChunk, after: ActionChunk) -> float:
    """Mean absolute difference of targets due at the same times, in units; NaN without any.

    Returns:
        Of the joints in `JOINTS`, and of the gripper in `GRIPPER`, together.
    """
    times, known = after.times(), before.times()
    due = times[(times >= known[0] - 1e-6) & (times <= known[-1] + 1e-6)]
    if after.stamp < before.stamp or not len(due):
        return math.nan
    expected = np.stack([np.interp(due, known, joint) for joint in before.positions.T], axis=1)
    joints = np.abs(after.positions[: len(due)] - expected).mean() / JOINTS
    opening = np.abs(after.gripper[: len(due)] - np.interp(due, known, before.gripper))
    return float(joints + opening.mean() / GRIPPER)
