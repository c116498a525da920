"""Ticks at a fixed rate."""

from __future__ import annotations

import time
from collections.abc import Callable


class FixedRate:
    """Deadlines that lie a period apart, counted from the first.

    A tick that comes late does not shift the next ones, and those that were missed are not made up
    for.

    Args:
        period: time from deadline to deadline, s.
        clock: monotonic time, s.
        sleep: waits for some seconds.
    """

    def __init__(
        self,
        period: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._period, self._clock, self._sleep = period, clock, sleep
        self._start: float | None = None
        self._number = 0

    def wait(self) -> float:
        """Wait for the next deadline, the first time not at all; returns the time, s."""
        now = self._clock()
        if self._start is None:
            self._start = now
            return now
        missed = int((now - self._start) / self._period) - self._number
        self._number += max(missed, 1)
        due = self._start + self._number * self._period
        while (ahead := due - now) > 0:
            self._sleep(ahead)
            now = self._clock()
        return now
