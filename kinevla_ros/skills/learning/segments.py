"""Where a demonstration is cut: by the gripper's opening, and there where the tool is slowest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.skills.learning.demonstration import LearningError, ShownEpisode
from kinevla_ros.skills.skill import NEARLY_OPEN

Array = NDArray[np.float64]

MOVED = 0.004
"""Pads that have travelled so far move (m); an opening is known to a tenth of a millimetre."""

LEFT = 0.005
"""A tool so far from where the gripper closed has left (m)."""

BEGUN = 0.002
"""A tool that has come so far has begun to move (m)."""

RESTING = 0.001
"""A tool is no slower that comes so much less far in a frame (m)."""

_BEFORE = 2
"""Frames: a gripper is read a fifth of a second late."""


class Cuts(NamedTuple):
    """Frames of a demonstration, in their order.

    Attributes:
        start: the tool begins to move.
        grasp: the tool is at the grasp, and the pads begin to close.
        leaving: the object is held and the tool leaves with it.
        release: the tool is at the release, and the pads begin to open.
        opened: the pads are open enough to leave.
        end: the tool has left.
    """

    start: int
    grasp: int
    leaving: int
    release: int
    opened: int
    end: int


def cut(shown: ShownEpisode) -> Cuts:
    """Cut a demonstration of one grasp and one release.

    Raises:
        LearningError: the gripper does not close and open again, or the tool stays in between.
    """
    opening = shown.opening
    widest = opening.max()
    closing = _first(opening < widest - MOVED, 0, shown, "the gripper never closes")
    at = shown.tool[closing, :3]
    away = np.linalg.norm(shown.tool[:, :3] - at, axis=1) > LEFT
    left = _first(away, closing, shown, "the tool stays where the gripper closes")
    held = np.minimum.accumulate(np.where(np.arange(len(opening)) < left, np.inf, opening))
    wider = opening > held + MOVED
    opens = _first(wider, left, shown, "the gripper never opens again")
    opened = _first(
        opening > widest - NEARLY_OPEN, opens, shown, "the gripper never opens wholly again"
    )
    grasp = _slowest(shown, closing - 1, left)
    release = _slowest(shown, max(left + 1, opens - _BEFORE), opens + 1)
    end = opened + int(np.argmax(shown.tool[opened:, 2]))
    begun = np.linalg.norm(shown.tool[:, :3] - shown.tool[0, :3], axis=1) > BEGUN
    start = max(0, int(np.argmax(begun)) - 1)
    return Cuts(start, grasp, left - 1, release, opened, max(end, opened))


def _first(found: NDArray[np.bool_], start: int, shown: ShownEpisode, otherwise: str) -> int:
    if not found[start:].any():
        raise LearningError(
            f"in episode {shown.index} {otherwise}; a skill is learnt from one grasp and one "
            "release, give another episode"
        )
    return start + int(np.argmax(found[start:]))


def _slowest(shown: ShownEpisode, first: int, after: int) -> int:
    """The first frame of a span at which the tool is about as slow as it gets there."""
    begin = max(0, first)
    speed = np.linalg.norm(np.gradient(shown.tool[:, :3], axis=0), axis=1)[begin:after]
    return begin + int(np.argmax(speed <= speed.min() + RESTING))
