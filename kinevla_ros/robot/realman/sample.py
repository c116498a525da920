"""Which of the vendor library's state samples can be true."""

from __future__ import annotations

import math
from collections.abc import Sequence

ARRIVAL_SPREAD = 0.05
"""Packets may bunch on their way by so much, s."""


LONGEST_REACH = 0.2
"""However old the last sound sample is, the joints are taken to have moved no longer than this, s.

Otherwise any wrong position would be believed after a while. An arm that was moved during a longer
silence needs a new connection.
"""


class SampleFilter:
    """Refuses broken packets: the library reports many of them as joints at zero.

    Args:
        velocity: largest joint speeds, rad/s.
        q: joint positions asked for over TCP, rad; None if the first sample is to be believed.
        stamp: when they were asked for, s.
    """

    def __init__(
        self, velocity: Sequence[float], q: Sequence[float] | None = None, stamp: float = 0.0
    ) -> None:
        self._velocity = velocity
        self._last, self._stamp = q, stamp

    def accepts(self, code: int, q: Sequence[float], stamp: float) -> bool:
        """Tell whether a sample is sound and within reach of the last sound one.

        Args:
            code: the library's parse error code, 0 if none.
            q: joint positions, rad.
            stamp: arrival time, s.
        """
        if code != 0 or not any(q) or not all(map(math.isfinite, q)):
            return False
        if self._last is not None:
            time = min(stamp - self._stamp, LONGEST_REACH) + ARRIVAL_SPREAD
            steps = zip(q, self._last, self._velocity, strict=True)
            if any(abs(new - old) > speed * time for new, old, speed in steps):
                return False
        self._last, self._stamp = q, stamp
        return True
