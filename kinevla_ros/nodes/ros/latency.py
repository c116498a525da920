"""Latency figures over the last thousand values."""

from __future__ import annotations

from collections import deque

import numpy as np

KEPT = 1000


class Latency:
    """Collects durations; one thread adds, another reads."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=KEPT)

    def add(self, seconds: float) -> None:
        """Take one duration, s."""
        self._seconds.append(seconds)

    def clear(self) -> None:
        """Forget everything."""
        self._seconds.clear()

    def tail(self) -> float:
        """99th percentile, s; 0 before the first value."""
        values = list(self._seconds)
        return float(np.percentile(values, 99)) if values else 0.0

    def summary(self) -> str:
        """Median, tail and number of values, in milliseconds; a dash before the first value."""
        values = list(self._seconds)
        if not values:
            return "-"
        p50, p95, p99 = np.percentile(values, (50, 95, 99)) * 1000
        return f"p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f} ms (n = {len(values)})"
