"""Asks the controller over the stop line whether it is there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from kinevla_ros.robot.realman.stop_line import StopLine

SILENCE = 0.05
"""Without a state for so long (s) the controller is asked."""

CHECK_PERIOD = 1.0
"""How often it is asked while all is well, s: a line that is never used may be dead."""

POLL = 0.02


class StopLineWatch:
    """A thread that knows whether a stop would get through.

    While the controller answers, targets may go on although no state comes: the arm can be brought
    to rest inside its limits. When it does not, none must be sent that it might carry out much
    later, when it is back.

    Args:
        line: the stop line.
        state_at: gives the time of the newest state (monotonic, s).
        on_answer: called with the time of the question (s) when the controller answers although no
            state comes.
    """

    def __init__(
        self, line: StopLine, state_at: Callable[[], float], on_answer: Callable[[float], None]
    ) -> None:
        self._line, self._state_at, self._on_answer = line, state_at, on_answer
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stop-line", daemon=True)
        self.answers = True
        """Whether the controller answered when last asked."""

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        asked = time.monotonic()
        while not self._end.wait(POLL):
            now = time.monotonic()
            silent = now - self._state_at() > SILENCE
            if not silent and now - asked < CHECK_PERIOD:
                continue
            asked = now
            self.answers = self._line.answers()
            if silent and self.answers:
                self._on_answer(now)
