"""Rates and gaps of a topic, by the stamps of its messages."""

from __future__ import annotations

from collections import deque
from statistics import median

WINDOW = 2 * 10**9
"""Rates and skews are those of the last two seconds, ns."""

KEPT = 512
LEARNT = 8
"""So many steps between stamps say how long one usually is."""

SLACK, JITTER = 1.5, 10**7
"""A step so many times as long as usual, and so much longer (ns), is a gap."""


class StreamWatch:
    """Looks at every message of a topic.

    Attributes:
        messages: how many came since `begin`.
        gaps: between their stamps.
        missing: messages that would have filled them.
        longest: of the gaps, ns.
        last: when the newest message came, ns; minus infinity before the first.
    """

    def __init__(self) -> None:
        self._steps: deque[int] = deque(maxlen=4 * LEARNT)
        self._received: deque[int] = deque(maxlen=KEPT)
        self.stamps: deque[int] = deque(maxlen=KEPT)
        self.last = float("-inf")
        self.begin()

    def begin(self) -> None:
        """Count from here."""
        self.messages = self.gaps = self.missing = self.longest = 0

    def take(self, stamp: int | None, at: int) -> None:
        """Look at a message.

        Args:
            stamp: in its header, ns; None where the topic has no steady rate.
            at: when it came, ns.
        """
        self.messages += 1
        self.last = at
        self._received.append(at)
        if stamp is None:
            return
        if self.stamps:
            self._step(stamp - self.stamps[-1])
        self.stamps.append(stamp)

    def silence(self, now: int) -> float:
        """How long nothing has come, s; infinite before the first message."""
        return (now - self.last) / 1e9

    def rate(self, now: int) -> float:
        """Messages a second in the last two, Hz."""
        recent = [at for at in self._received if now - at <= WINDOW]
        span = recent[-1] - recent[0] if recent else 0
        return (len(recent) - 1) * 1e9 / span if span > 0 else 0.0

    def _step(self, step: int) -> None:
        if len(self._steps) >= LEARNT:
            usual = median(self._steps)
            if step > max(SLACK * usual, usual + JITTER):
                self.gaps += 1
                self.missing += round(step / usual) - 1 if usual > 0 else 0
                self.longest = max(self.longest, step)
                return
        self._steps.append(step)


def skew(first: StreamWatch, second: StreamWatch) -> float:
    """How far pictures of two cameras that belong together are apart at most, s; 0 without any.

    Of the last two seconds; the newest picture of each still waits for its partner.
    """
    if len(first.stamps) < 2 or len(second.stamps) < 2:
        return 0.0
    others = list(second.stamps)
    newest = min(first.stamps[-1], others[-1])
    recent = [stamp for stamp in first.stamps if newest - WINDOW <= stamp < newest]
    return max((min(abs(stamp - o) for o in others) for stamp in recent), default=0) / 1e9
