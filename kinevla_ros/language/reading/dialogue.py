"""What has been asked for so far: an instruction, a question about it, and the answer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from kinevla_ros.language.reading.reader_of import TaskReader
from kinevla_ros.language.reading.readings import Question, Reading, Understood


class Dialogue:
    """Hears one sentence after the other.

    Args:
        reader: of the sentences.
        patience: a question is open for so long; what is said later stands alone (s).
        clock: monotonic time (s).

    Attributes:
        asked: the question that is open, if there is one.
        understood: what is to be done, if it is known.
        instruction: it in words: what was said, or, where an answer completed it, a plain sentence
            for it.
    """

    def __init__(
        self,
        reader: TaskReader,
        patience: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.reader, self._patience, self._clock = reader, patience, clock
        self.clear()

    def clear(self) -> None:
        """Forget what was said."""
        self.asked: Question | None = None
        self._asked_at = math.inf
        self.understood: Understood | None = None
        self.instruction = ""

    def expire(self) -> bool:
        """Forget a question that nobody has answered in time; whether there was one."""
        late = self.asked is not None and self._clock() - self._asked_at > self._patience
        if late:
            self.clear()
        return late

    def hear(self, text: str) -> Reading:
        """Take an instruction, or the answer to the open question; ends what was before."""
        self.expire()
        reading = self.reader.read(text, self.asked)
        answers = self.asked is not None and reading != self.reader.read(text)
        self.clear()
        if isinstance(reading, Question):
            self.asked, self._asked_at = reading, self._clock()
        elif isinstance(reading, Understood):
            self.understood = reading
            self.instruction = reading.command.say if answers else text
        return reading
