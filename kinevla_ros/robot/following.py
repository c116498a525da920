"""How the arm follows what it is sent: where it may be by now, how far it has come, if it rests."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.robot.state import ArmState

Array = NDArray[np.float64]

TRAIL = 0.2
"""The arm is where it was sent within this time (s)."""

STRIDE = 0.5
"""Over this time it is seen whether the arm moves at all (s)."""

REST_BAND = 0.005
"""A joint that stays within this band is at rest (rad) ..."""

REST_TIME = 0.1
"""... once it has done so for this long (s)."""


class Following:
    """Remembers what was sent and measured for as long as it matters."""

    def __init__(self) -> None:
        self._sent, self._measured = _Way(), _Way()
        self._still: ArmState | None = None  # first of the states that have not moved since

    def restart(self) -> None:
        """Forget what was sent."""
        self._sent = _Way()

    def sent(self, target: Array, now: float) -> None:
        """Remember a target, shape (7,), rad."""
        self._sent.add(now, target)

    def measured(self, state: ArmState) -> None:
        """Remember a measured state."""
        self._measured.add(state.stamp, state.q)
        if self._still is None or not (abs(state.q - self._still.q) <= REST_BAND).all():
            self._still = state

    def band(self, stamp: float) -> tuple[Array, Array] | None:
        """Least and greatest joint positions that were sent, from `TRAIL` before `stamp` on."""
        if self._sent.empty:
            return None
        places = self._sent.since(stamp - TRAIL)
        return places.min(axis=0), places.max(axis=0)

    def ways(self, now: float) -> tuple[Array, Array] | None:
        """How far each joint was sent and how far it went, there and back added, shape (7,), rad.

        The arm has `TRAIL` longer for its way than was taken to send it there.
        """
        if self._sent.empty or self._measured.empty:
            return None
        sent = self._sent.length(now - TRAIL - STRIDE, now - TRAIL)
        return sent, self._measured.length(now - TRAIL - STRIDE, now)

    def at_rest(self, state: ArmState) -> bool:
        """Whether the arm has been at rest for `REST_TIME` up to `state`, the newest."""
        return self._still is not None and state.stamp - self._still.stamp >= REST_TIME


class _Way:
    """Joint positions of the last moments and how long the way through them is."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, Array, Array]] = deque()

    @property
    def empty(self) -> bool:
        return not self._points

    def add(self, time: float, place: Array) -> None:
        length = np.zeros(len(place))
        if self._points:
            _, last, before = self._points[-1]
            length = before + abs(place - last)
        self._points.append((time, place, length))
        # One older point stays: it is where the oldest that matters was left.
        while len(self._points) > 2 and self._points[1][0] < time - 2 * (TRAIL + STRIDE):
            self._points.popleft()

    def since(self, time: float) -> Array:
        """Places from the last one at or before `time` on, shape (n, 7)."""
        places = []
        for at, place, _ in reversed(self._points):
            places.append(place)
            if at <= time:
                break
        return np.array(places)

    def length(self, begin: float, end: float) -> Array:
        """Length of the way between two times, shape (7,)."""
        return self._length_at(end) - self._length_at(begin)

    def _length_at(self, time: float) -> Array:
        for at, _, length in reversed(self._points):
            if at <= time:
                return length
        return self._points[0][2]
