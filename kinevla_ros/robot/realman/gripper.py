"""The EG2-4C2 as the vendor commands it: positions 1 (closed) to 1000 (open), 24 V at the tool."""

from __future__ import annotations

import threading

from kinevla_ros.base.arm import GRIPPER_STROKE

SUPPLY_24V = 3
"""The tool voltage's type that the gripper needs."""

FULL_POSITION = 1000

PERIOD = 0.1
"""The gripper's serial line takes no more than ten requests a second, s."""

LINE_PERIOD = PERIOD + 0.01
"""A request on the line, with its reply, and the pause after it, s."""

RETRY = 1.0
"""Pause before a silent gripper is asked or commanded again, s; drivers log each failure."""

DELAY = 0.1
"""So late, about, a target gets to the gripper, s."""

STEP = 0.001
"""A target so near (m) to the one sent last is not worth a request: decoded targets are never
twice the same."""


class Turns:
    """Whose turn it is on the gripper's line: a target's that waits, or a reading's.

    One after the other: a gripper that gets a new target with every request would never be read,
    and a policy that sees it open for as long as it closes does not know what it does.
    """

    def __init__(self) -> None:
        self._commanded = False

    def tells(self, waiting: bool) -> bool:
        """Whether the next request sends the target that is `waiting`, if one is; else it reads."""
        self._commanded = waiting and not self._commanded
        return self._commanded


class GripperLine:
    """What goes over the gripper's line next: the newest target, or a reading.

    Targets may come from another thread than the one that uses the line.
    """

    def __init__(self) -> None:
        self._turns, self._lock = Turns(), threading.Lock()
        self._waiting: int | None = None

    @property
    def waiting(self) -> int | None:
        """The vendor's position that was not sent yet."""
        return self._waiting

    def move(self, opening: float) -> None:
        """Move to `opening`, m; replaces an opening that was not sent yet."""
        with self._lock:
            self._waiting = position_of(opening)

    def next(self) -> int | None:
        """The vendor's position to send now; None if it is a reading's turn."""
        waiting = self._waiting
        return waiting if self._turns.tells(waiting is not None) else None

    def sent(self, position: int) -> None:
        """Forget what was sent, unless something newer has come."""
        with self._lock:
            if self._waiting == position:
                self._waiting = None

    def failed(self, position: int) -> None:
        """Send again what did not arrive, unless something newer waits."""
        with self._lock:
            if self._waiting is None:
                self._waiting = position


def is_new(target: float, commanded: float | None) -> bool:
    """Whether a target (m) has to be sent after the one sent last (m), if there is one."""
    return commanded is None or abs(target - commanded) > STEP


def position_of(opening: float) -> int:
    """The vendor's position of an opening, m; the nearest one there is."""
    share = min(max(opening / GRIPPER_STROKE, 0.0), 1.0)
    return 1 + round(share * (FULL_POSITION - 1))


def opening_of(position: float) -> float:
    """The opening, m, at one of the vendor's positions."""
    return (position - 1) / (FULL_POSITION - 1) * GRIPPER_STROKE
