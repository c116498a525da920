"""How the arm follows what it is sent: where it may be by now, if it obeys, if it rests."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.robot.state import ArmState

Array = NDArray[np.float64]

TRAIL = 0.2
"""The arm is where it was sent within this time (s)."""

PATIENCE = 2.0
"""So long it may take until a joint moves that is to move (s)."""

REST_BAND = 0.005
"""A joint that stays within this band is at rest (rad) ..."""

REST_TIME = 0.1
"""... once it has done so for this long (s)."""


class TrackingMonitor:
    """Remembers what was sent and measured for as long as it matters."""

    def __init__(self) -> None:
        self._sent: deque[tuple[float, Array]] = deque()
        self._wanted: deque[tuple[float, Array, Array]] = deque()
        self._newest: ArmState | None = None
        self._still: ArmState | None = None  # first of the states that have not moved since

    def restart(self) -> None:
        """Forget what was sent."""
        self._sent.clear()
        self._wanted.clear()

    def sent(self, target: Array, goal: Array, now: float) -> None:
        """Remember a target and where the path it is on is to end, shape (7,), rad."""
        self._sent.append((now, target))
        # One older target stays: from there the oldest that matters was left.
        while len(self._sent) > 2 and self._sent[1][0] < now - 2 * TRAIL:
            self._sent.popleft()
        if self._newest is not None:
            self._wanted.append((now, goal - self._newest.q, self._newest.q))
        while len(self._wanted) > 1 and self._wanted[1][0] <= now - PATIENCE:
            self._wanted.popleft()

    def measured(self, state: ArmState) -> None:
        """Remember a measured state."""
        self._newest = state
        if self._still is None or not (abs(state.q - self._still.q) <= REST_BAND).all():
            self._still = state

    def band(self, stamp: float) -> tuple[Array, Array] | None:
        """Least and greatest joint positions that were sent, from `TRAIL` before `stamp` on."""
        places = []
        for time, target in reversed(self._sent):
            places.append(target)
            if time <= stamp - TRAIL:
                break
        return (np.min(places, axis=0), np.max(places, axis=0)) if places else None

    def obedience(self) -> tuple[Array, Array] | None:
        """How far each joint was to go all the time of `PATIENCE`, and how far it went.

        Returns:
            Both of shape (7,), rad; None while motion has not lasted so long.
        """
        if not self._wanted or self._wanted[-1][0] - self._wanted[0][0] < PATIENCE:
            return None
        ways, places = (np.array(values) for values in list(zip(*self._wanted, strict=True))[1:])
        steadily = np.maximum(ways.min(axis=0), -ways.max(axis=0))
        return steadily, np.ptp(places, axis=0)

    def at_rest(self, state: ArmState) -> bool:
        """Whether the arm has been at rest for `REST_TIME` up to `state`, the newest."""
        return self._still is not None and state.stamp - self._still.stamp >= REST_TIME
