"""A recording at any rate as parts at 10 Hz; nothing is filled in.

Each frame is one frame of the recording, pictures and state together. An action is what was
commanded for the time of the next frame, so it is read between the recording's own actions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.chunk import CHUNK_DT
from kinevla_ros.base.interpolation import at_times

SHORTEST = 10
"""Frames of a part; in a second nothing is done."""

SLACK, ONE_DROPPED = 1.5, 0.75 * CHUNK_DT
"""A step so many times as long as usual is a gap, if it is longer than one frame left out (s)."""

SLOWEST = 0.9 / CHUNK_DT
"""Frames a second below which a recording has too few, some dropped ones allowed for."""


@dataclass(frozen=True)
class ResampledPart:
    """A stretch of a recording without a gap.

    Attributes:
        rows: which frames of the recording are taken, shape (n,).
        actions: targets for the time of the next frame, shape (n, 8).
    """

    rows: NDArray[np.int64]
    actions: NDArray[np.float64]


class TooSlow(ValueError):
    """The recording has fewer frames than are needed."""


def resample(
    stamps: NDArray[np.float64], actions: NDArray[np.float64]
) -> tuple[list[ResampledPart], list[str]]:
    """Cut a recording at its gaps and take ten frames a second of each part.

    Args:
        stamps: time of each frame, s, shape (n,).
        actions: what was commanded for the time of the next frame, shape (n, 8).

    Returns:
        The parts, and what was left out and why, in words.

    Raises:
        TooSlow: there are fewer than ten frames a second.
    """
    steps = np.diff(stamps)
    if not len(steps):
        return [], ["one frame is no episode"]
    usual = float(np.median(steps))
    if usual <= 0:
        raise TooSlow("its frames have no times of their own: stamps stand still")
    if 1 / usual < SLOWEST:
        raise TooSlow(f"{1 / usual:.3g} frames a second are too few, and nothing is filled in")
    broken = np.flatnonzero((steps > max(SLACK * usual, ONE_DROPPED)) | (steps <= 0))
    stated = [
        f"cut at {stamps[row] - stamps[0]:.2f} s ({steps[row]:.2f} s to the next frame)"
        for row in broken
    ]
    parts = []
    for first, last in zip([0, *(broken + 1)], [*(broken + 1), len(stamps)], strict=True):
        rows, read = _thin(stamps[first:last], actions[first:last], usual)
        if len(rows) < SHORTEST:
            stated.append(f"{stamps[last - 1] - stamps[first]:.2f} s left out: too short")
        else:
            parts.append(ResampledPart(rows + first, read))
    return parts, stated


def _thin(
    stamps: NDArray[np.float64], actions: NDArray[np.float64], usual: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Ten frames a second of a stretch without a gap: which, and their actions."""
    if len(stamps) < SHORTEST or abs(usual / CHUNK_DT - 1) < 0.1:
        return np.arange(len(stamps)), actions
    ticks = stamps[0] + CHUNK_DT * np.arange(int((stamps[-1] - stamps[0]) / CHUNK_DT + 1.01))
    after = np.clip(np.searchsorted(stamps, ticks), 1, len(stamps) - 1)
    nearer = np.abs(stamps[after - 1] - ticks) <= np.abs(stamps[after] - ticks)
    rows = np.where(nearer, after - 1, after)
    # An action is due when the recording's own next frame is.
    due = np.append(stamps[1:], stamps[-1] + usual)
    wanted = ticks + CHUNK_DT
    within = wanted <= due[-1] + CHUNK_DT / 2
    rows, wanted = rows[within], wanted[within]
    return rows.astype(np.int64), at_times(wanted, due, actions)
