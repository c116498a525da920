"""Timed joint paths of the emulated controller: a planned move and a braking ramp."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class TimedPath(Protocol):
    """Joint positions over time."""

    @property
    def end(self) -> float:
        """Time of the last position, s."""
        ...

    def at(self, now: float) -> Array:
        """Joint positions, shape (7,), rad; constant before the start and after the end."""
        ...


class PlannedMove:
    """Straight line in joint space with a trapezoidal speed profile, all joints in step.

    Args:
        start, goal: joint positions, shape (7,), rad.
        velocity, acceleration: largest values per joint, shape (7,), rad/s and rad/s^2.
        now: time of the start, s.
    """

    def __init__(
        self, start: Array, goal: Array, velocity: Array, acceleration: Array, now: float
    ) -> None:
        self._start, self._step, self._begin = start, goal - start, now
        distance = np.maximum(np.abs(self._step), 1e-9)
        self._acceleration = float((acceleration / distance).min())
        speed = float((velocity / distance).min())
        self._speed = min(speed, self._acceleration**0.5)
        self._ramp = self._speed / self._acceleration
        self.end = now + 1 / self._speed + self._ramp

    def at(self, now: float) -> Array:
        t, left = now - self._begin, self.end - now
        if t <= 0:
            share = 0.0
        elif left <= 0:
            share = 1.0
        elif t < self._ramp:
            share = self._acceleration * t**2 / 2
        elif left < self._ramp:
            share = 1 - self._acceleration * left**2 / 2
        else:
            share = self._speed * (t - self._ramp / 2)
        return self._start + share * self._step


class BrakedPath:
    """From a velocity to rest along its direction, no joint above its deceleration."""

    def __init__(self, start: Array, velocity: Array, deceleration: Array, now: float) -> None:
        self._start, self._velocity, self._begin = start, velocity, now
        self._duration = float((np.abs(velocity) / deceleration).max())
        self.end = now + self._duration

    def at(self, now: float) -> Array:
        t = min(max(now - self._begin, 0.0), self._duration)
        slowed = t - t**2 / (2 * self._duration) if self._duration > 0 else 0.0
        return self._start + slowed * self._velocity
