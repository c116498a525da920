"""Poses from one observation to the next: things lie still unless they are seen to have moved."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.angles import wrapped

Array = NDArray[np.float64]

SAME_PLACE, SAME_TURN = 0.015, math.radians(15)
"""A pose so near to what is known is the same one, seen with its errors (m, rad)."""

MOVED, TURNED_OVER = 3, 10
"""Observations in a row that agree on another pose before it is believed; and those that agree on
the same place with another yaw, which is how a half hidden object is misread."""

_AROUND = 0.03
_NEWEST = 0.3
"""Least share of the newest observation in the mean."""

FORGOTTEN = 1.0
"""After so long without an observation nothing is known any more (s)."""


@dataclass
class _Known:
    pose: Array
    times: int = 1
    other: Array | None = None
    others: int = 0


class SteadyPoses:
    """Means of poses that agree, and no jump to one that nothing confirms."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._stamp = -math.inf

    def follow(self, stamp: float, seen: Mapping[str, Array]) -> dict[str, Array]:
        """The poses to go by; of the objects that are seen now alone.

        Args:
            stamp: of the observation, s; one that is no later than the last begins anew.
            seen: (x, y, yaw) by name, m and rad.
        """
        if not 0.0 < stamp - self._stamp <= FORGOTTEN:
            self._known.clear()
        self._stamp = stamp
        for name, pose in seen.items():
            if name in self._known:
                _update(self._known[name], pose)
            else:
                self._known[name] = _Known(pose.copy())
        return {name: self._known[name].pose.copy() for name in seen}


def _update(known: _Known, pose: Array) -> None:
    if _agree(known.pose, pose):
        known.times += 1
        known.pose = _towards(known.pose, pose, max(1.0 / known.times, _NEWEST))
        known.other, known.others = None, 0
        return
    if known.other is None or not _agree(known.other, pose):
        known.other, known.others = pose.copy(), 1
    else:
        known.others += 1
        known.other = _towards(known.other, pose, 0.5)
    stayed = np.hypot(*(pose - known.pose)[:2]) < _AROUND
    turned = abs(wrapped(pose[2] - known.pose[2])) > 3 * SAME_TURN
    if known.others >= (TURNED_OVER if stayed and turned else MOVED):
        known.pose, known.times, known.other, known.others = known.other, 1, None, 0


def _agree(one: Array, other: Array) -> bool:
    near = np.hypot(*(one - other)[:2]) < SAME_PLACE
    return bool(near and abs(wrapped(one[2] - other[2])) < SAME_TURN)


def _towards(pose: Array, other: Array, share: float) -> Array:
    step = other - pose
    step[2] = wrapped(step[2])
    return np.asarray(pose + share * step)
