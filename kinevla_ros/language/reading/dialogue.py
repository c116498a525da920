"""What has been asked for so far: an instruction, a question about it, and the answer."""

from __future__ import annotations

from kinevla_ros.language.reading.reader import Question, Reader, Reading, Understood


class Dialogue:
    """Hears one sentence after the other.

    Attributes:
        asked: the question that is open, if there is one.
        understood: what is to be done, if it is known.
        instruction: it in words: what was said, or, where an answer completed it, the sentence
            that the model is given for it.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.clear()

    def clear(self) -> None:
        """Forget what was said."""
        self.asked: Question | None = None
        self.understood: Understood | None = None
        self.instruction = ""

    def hear(self, text: str) -> Reading:
        """Take an instruction, or the answer to the open question; ends what was before."""
        reading = self.reader.read(text, self.asked)
        answers = self.asked is not None and reading != self.reader.read(text)
        self.clear()
        if isinstance(reading, Question):
            self.asked = reading
        elif isinstance(reading, Understood):
            self.understood = reading
            self.instruction = reading.say if answers else text
        return reading
