"""A question waits for its answer, and not for ever."""

from __future__ import annotations

from shipped_tasks import READER

from kinevla_ros.language.reading.dialogue import Dialogue
from kinevla_ros.language.reading.readings import Question, Understood


def test_an_answer_in_time_completes_the_question_and_a_late_one_does_not() -> None:
    now = [0.0]
    dialogue = Dialogue(READER, patience=60.0, clock=lambda: now[0])
    for waited, kind in ((59.0, Understood), (61.0, Question)):
        dialogue.hear("put the carrot on the left side of the plate")
        assert dialogue.asked is not None and not dialogue.expire()
        now[0] += waited
        reading = dialogue.hear("the carrot by the upper end")
        assert isinstance(reading, kind)
        assert (dialogue.understood is not None) == (kind is Understood)
        dialogue.clear()


def test_a_question_that_has_expired_is_said_once() -> None:
    now = [0.0]
    dialogue = Dialogue(READER, patience=5.0, clock=lambda: now[0])
    dialogue.hear("put the carrot on the plate")
    now[0] = 6.0
    assert dialogue.expire() and dialogue.asked is None
    assert not dialogue.expire()
