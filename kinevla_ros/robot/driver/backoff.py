"""How long to wait before the next attempt to connect."""

from __future__ import annotations

import math

FIRST, LAST = 0.5, 8.0
"""Shortest and longest wait, s; doubled from one to the other."""

SETTLED = 2.0
"""A connection that has lasted so long (s) was a good one.

What dies sooner, each time, must not be started over and over without a pause.
"""


class BackOff:
    """Counts attempts; times are those of one clock, s."""

    def __init__(self) -> None:
        self._wait = 0.0
        self._connected_at = math.inf

    def connected(self, now: float) -> None:
        """An attempt has succeeded."""
        self._connected_at = now

    def wait(self, now: float) -> float:
        """Return how long to wait before the attempt that is due now, s.

        None after a connection that had settled, then longer and longer.
        """
        if now - self._connected_at >= SETTLED:
            self._wait = 0.0
        self._connected_at = math.inf
        wait, self._wait = self._wait, min(max(2 * self._wait, FIRST), LAST)
        return wait
