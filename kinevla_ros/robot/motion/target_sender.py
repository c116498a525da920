"""What goes out to the arm, and when: the last decision before the wire.

Every target carries the way on which the joints come to rest from it, already checked by the gate.
Whoever hands targets to the arm keeps to three rules, so that nothing that holds up or ends another
process leaves the arm in motion, or makes it jump afterwards:

- A target goes out only if it follows the point that went out last.
- When the next target does not come in time, the way to rest goes out in its place, step by step.
- After so long a gap in motion that the arm must have stopped, it stands: what was planned for a
  moving arm does not go out any more, and the motion begins again from rest.

Whoever plans the targets reads which point went out last and goes on from there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LATE = 1.5
"""A target that has not come after so many periods is late: the way to rest begins."""

STANDING = 2.5
"""After so many periods without a point an arm that was in motion has stopped."""

SPACING = 0.75
"""Two points are at least this share of a period apart, however they arrive."""

_NO_STEPS = np.zeros((0, 7))


class Point(NamedTuple):
    """Where the arm was sent last.

    Attributes:
        number: of the target.
        step: how many steps of its way to rest went out after it.
        standing: nothing went out for so long after it that the arm stopped there.
    """

    number: int
    step: int = 0
    standing: bool = False


@dataclass(frozen=True, eq=False)
class Target:
    """Where to send the arm next.

    Attributes:
        q: joint positions, shape (7,), rad.
        number: counts the targets.
        after: the point that it follows; None where a motion begins, which is taken at rest only.
        way: where the joints go from it to come to rest, a period apart, shape (n, 7), rad; none
            if it is at rest.
    """

    q: Array
    number: int = 0
    after: Point | None = None
    way: Array = field(default_factory=lambda: _NO_STEPS)


class TargetSender:
    """Decides what goes out; it has no clock, every time (s) is handed in.

    Args:
        period: between targets, s.

    Attributes:
        sent_at: when the last point went out, s.
    """

    def __init__(self, period: float) -> None:
        self._period = period
        self._way, self._step = _NO_STEPS, 0
        self.sent_at = -math.inf
        self._point: Point | None = None

    def point(self, now: float) -> Point | None:
        """Return the point that went out last; None before the first."""
        if self._point is not None and self._held_up(now):
            self._way, self._step = _NO_STEPS, 0
            self._point = self._point._replace(standing=True)
        return self._point

    def offer(self, target: Target, now: float) -> bool:
        """Take a target that is to go out at `earliest`; False if it must not go out."""
        last = self.point(now)
        if self.moving if target.after is None else target.after != last:
            return False
        self._way, self._step = target.way, 0
        self._point = Point(target.number)
        return True

    def overdue(self, now: float) -> Array | None:
        """Return the next step of the way to rest, shape (7,), rad, if it has to go out now."""
        if self.point(now) is None or now < self.due:
            return None
        assert self._point is not None
        step = self._way[self._step]
        self._step += 1
        self._point = self._point._replace(step=self._step)
        return np.array(step)

    def sent(self, now: float) -> None:
        """Note when a point went out."""
        self.sent_at = now

    @property
    def moving(self) -> bool:
        """Whether the arm is not yet at rest after what went out."""
        return self._step < len(self._way)

    @property
    def earliest(self) -> float:
        """When the next point may go out, s."""
        return self.sent_at + SPACING * self._period

    @property
    def due(self) -> float:
        """When the next step of the way to rest goes out, s; infinite if there is none."""
        if not self.moving:
            return math.inf
        return self.sent_at + (1.0 if self._step else LATE) * self._period

    def _held_up(self, now: float) -> bool:
        return self.moving and now - self.sent_at > STANDING * self._period
