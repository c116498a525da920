"""The targets that were handed over of late, and the motion at any point of their ways to rest."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.robot.gate.braking import WayToRest
from kinevla_ros.robot.motion.stream import StreamSample
from kinevla_ros.robot.motion.target_sender import Point, Target

Array = NDArray[np.float64]

KEPT = 64
"""Targets that are remembered; the arm's point is never so many behind without a fault."""

LOST = 5
"""So many targets after the arm's point do not come any more: one between was dropped."""


class MotionState(NamedTuple):
    """How the arm was sent.

    Attributes:
        path: the last three points, shape (3, 7), rad.
        velocity: at the last of them, shape (7,), rad/s.
        acceleration: there, shape (7,), rad/s^2.
    """

    path: Array
    velocity: Array
    acceleration: Array


class SentTargets:
    """Numbers the targets of a motion, and knows which point each follows."""

    def __init__(self) -> None:
        self._number = 0
        self._sent: deque[tuple[int, Array, WayToRest]] = deque(maxlen=KEPT)
        self.clear()

    def clear(self) -> None:
        """Begin a new motion, from rest."""
        self._after: Point | None = None
        self._joined: Point | None = None
        self._path: Array | None = None
        self._sent.clear()

    def next(self, sample: StreamSample) -> Target:
        """Return the gated sample as the target that goes out next."""
        assert sample.way is not None
        before = np.tile(sample.position, (3, 1)) if self._path is None else self._path
        self._path = np.vstack([before[1:], sample.position])
        self._number += 1
        target = Target(sample.position, self._number, self._after, sample.way.positions[1:])
        self._sent.append((self._number, self._path, sample.way))
        self._after = Point(self._number)
        return target

    def missed(self, point: Point | None) -> MotionState | None:
        """Return the motion to go on from if the arm was not sent what was meant, else None.

        Args:
            point: the one that went out to the arm last.
        """
        if point is None or point == self._joined:
            return None
        if not (point.step or point.standing or self._number - point.number > LOST):
            return None
        found = [(path, way) for number, path, way in self._sent if number == point.number]
        if not found:
            return None
        (path, way), step = found[0], point.step
        self._after = self._joined = point
        self._path = np.vstack([path, way.positions[1 : step + 1]])[-3:]
        if point.standing:
            self._path = np.tile(way.positions[step], (3, 1))
            return MotionState(self._path, np.zeros(7), np.zeros(7))
        return MotionState(self._path, way.velocities[step], way.accelerations[step])
