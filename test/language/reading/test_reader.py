"""What people say is understood, asked about or refused."""

from __future__ import annotations

import re
import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentences import FIXTURES, kind, sentences
from shipped_tasks import READER, TASKS

from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import instruction
from kinevla_ros.language.reading.dialogue import Dialogue
from kinevla_ros.language.reading.reader import Reader
from kinevla_ros.language.reading.readings import Question, Reading, Refused, Understood
from kinevla_ros.language.task_file import load_tasks

SENTENCES = {
    name: sentences(name)
    for name in (
        "open",
        "closed",
        "spoken",
        "grammars",
        "dangerous",
        "fair",
        "fair_second",
        "fair_third",
        "blind_development",
        "blind_held_out",
        "blind_second",
        "survey_held_out",
        "study_held_out",
    )
}
CONFIG = Path(__file__).parents[3] / "config"
commands = st.sampled_from(TASKS)
seeds = st.integers(0, 2**32 - 1)


def outcome(reading: Reading) -> str:
    if isinstance(reading, Understood):
        return " ".join(
            value for name, value in reading.command.slots().items() if name != "object"
        )
    return f"ask: {', '.join(reading.choices)}" if isinstance(reading, Question) else "refuse"


def is_meant(sentence: str, meaning: str) -> bool:
    got = outcome(READER.read(sentence))
    return any(got == a or (got == "refuse" and a.startswith(got)) for a in meaning.split(" or "))


# Of what strangers said less is understood; what must hold in full holds for them too.
ACCEPTED = {
    "open": 0.98,
    "closed": 0.98,
    "spoken": 0.95,
    "grammars": 0.93,
    "dangerous": 1.0,
    "fair": 0.98,
    "fair_second": 0.98,
    "fair_third": 0.98,
    "blind_development": 0.98,
    "blind_held_out": 0.80,
    "blind_second": 0.93,
    "survey_held_out": 0.92,
    "study_held_out": 0.92,
}
ASKED = {"survey_held_out": 0.96, "study_held_out": 0.93}


@pytest.mark.parametrize("name", SENTENCES)
@pytest.mark.parametrize("wanted", ["way", "ask", "refuse"])
def test_sentences_that_no_template_wrote_are_taken_as_they_are_meant(
    name: str, wanted: str
) -> None:
    found = [(s, m) for s, m in SENTENCES[name] if kind(m) == wanted]
    wrong = [(s, m, READER.read(s)) for s, m in found if not is_meant(s, m)]
    least = {"way": ACCEPTED[name], "ask": ASKED.get(name, 1.0), "refuse": 1.0}[wanted]
    # What is held out stays unread, also where the test fails.
    shown = len(wrong) if name.endswith("held_out") else wrong
    assert len(wrong) <= (1 - least) * len(found), shown


@pytest.mark.parametrize("name", SENTENCES)
def test_no_sentence_is_taken_for_another_way(name: str) -> None:
    for number, (sentence, meaning) in enumerate(SENTENCES[name], 1):
        reading = READER.read(sentence)
        assert not isinstance(reading, Understood) or is_meant(sentence, meaning), number


@given(commands, seeds, st.sampled_from(["", ".", "!!!", " , please", "?"]), st.booleans())
def test_capitals_spaces_and_punctuation_change_nothing(
    command: Command, seed: int, end: str, loud: bool
) -> None:
    said = instruction(command, np.random.default_rng(seed))
    text = f"  {(said.upper() if loud else said.capitalize()).replace(' ', '   ')}{end} "
    reading = READER.read(text)
    assert isinstance(reading, Understood) and reading.command.slots() == command.slots()


@given(commands, seeds, st.data())
def test_a_wrong_letter_never_makes_another_way(
    command: Command, seed: int, data: st.DataObject
) -> None:
    said = instruction(command, np.random.default_rng(seed))
    at = data.draw(st.integers(0, len(said) - 1))
    letter = data.draw(st.sampled_from(string.ascii_lowercase))
    reading = READER.read(f"{said[:at]}{letter}{said[at + 1 :]}")
    assert not isinstance(reading, Understood) or reading.command.slots() == command.slots()


@given(commands, seeds, st.sampled_from(["not", "never", "don't", "or", "except"]), st.data())
def test_a_word_that_says_no_or_leaves_a_choice_is_refused_wherever_it_stands(
    command: Command, seed: int, word: str, data: st.DataObject
) -> None:
    words = instruction(command, np.random.default_rng(seed)).split()
    words.insert(data.draw(st.integers(0, len(words))), word)
    assert isinstance(READER.read(" ".join(words)), Refused)


@pytest.mark.parametrize("command", TASKS)
def test_whatever_the_words_the_model_is_given_the_same(command: Command) -> None:
    rng = np.random.default_rng(0)
    said = {READER.read(instruction(command, rng, "held_out")).command.prompt for _ in range(20)}  # type: ignore[union-attr]
    assert len(said) == 1
    reading = READER.read(said.pop())
    assert isinstance(reading, Understood) and reading.command.slots() == command.slots()


@pytest.mark.parametrize(
    ("said", "answers", "values"),
    [
        ("put the carrot on the plate", ["upper, on the left"], "upper left"),
        ("put the carrot on the plate", ["the upper part", "left"], "upper left"),
        ("put the carrot on the plate", ["left", "by its top, please"], "upper left"),
        ("put the carrot on the plate", ["bottom right"], "lower right"),
        ("pick up the carrot by the top", ["on the right side"], "upper right"),
        ("pick up the bread", ["to the front"], "front"),
        ("move the bread right", ["right front"], "right_front"),
        ("move it to the left front", ["the bread"], "left_front"),
        ("pick up the bread", ["hold the carrot by the top and put it on the left"], "upper left"),
    ],
)
def test_an_answer_completes_what_was_said(said: str, answers: list[str], values: str) -> None:
    reading = READER.read(said)
    for answer in answers:
        assert isinstance(reading, Question)
        reading = READER.read(answer, reading)
    assert outcome(reading) == values


@pytest.mark.parametrize("answer", ["front", "the carrot", "not the left", "push it", ""])
def test_what_does_not_decide_a_question_moves_nothing(answer: str) -> None:
    asked = READER.read("move the bread right")
    assert isinstance(asked, Question)
    assert not isinstance(READER.read(answer, asked), Understood)


def test_an_instruction_that_an_answer_completed_is_a_sentence_of_its_own() -> None:
    dialogue = Dialogue(READER)
    dialogue.hear("put the carrot on the plate")
    assert dialogue.asked and not dialogue.understood
    dialogue.hear("upper, on the left")
    assert dialogue.understood and not dialogue.asked
    assert READER.read(dialogue.instruction) == dialogue.understood
    dialogue.hear("move the bread forward, please")
    assert dialogue.instruction == "move the bread forward, please"
    dialogue.hear("dance")
    assert not dialogue.understood and not dialogue.instruction


def test_a_question_names_its_choices() -> None:
    asked = READER.read("put the carrot on the plate")
    assert isinstance(asked, Question)
    assert asked.choices == {"part": ("upper part", "lower part"), "side": ("right", "left")}
    assert asked.text == (
        "By which part: upper part or lower part? On which side of the plate: right or left?"
    )


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("Could you take that mug by its ear and put it on the shelf's left half?", "handle left"),
        ("put the cup on the right end of the board, held by the rim", "rim right"),
        ("take the coffee cup by the hanlde and put it onto the left side", "handle left"),
        ("put the mug on the shelf", "ask: hold, end"),
        ("take the cup by the left rim and put it on the shelf", "refuse"),
        ("take the carrot by the rim and put it on the left side of the shelf", "refuse"),
        ("pour the cup onto the left side of the shelf by the rim", "refuse"),
    ],
)
def test_a_lab_reads_its_own_tasks_from_a_file(said: str, values: str) -> None:
    assert outcome(Reader(load_tasks(FIXTURES / "cup.yaml")).read(said)) == values


@pytest.mark.parametrize(
    "text",
    [
        "Move the bread to one side at the front.",
        "Put the bread to the side in front.",
        "The bread needs to be moved forward and to the side.",
        "Bring the bread to a front corner.",
        "Move the bread diagonally forward.",
    ],
)
def test_a_side_that_is_left_open_is_asked_for_and_not_taken_as_straight_ahead(text: str) -> None:
    asked = READER.read(text)
    assert isinstance(asked, Question)
    assert set(asked.choices) == {"direction"}
    for answer in ("left front", "front"):
        found = READER.read(answer, asked)
        assert isinstance(found, Understood)
        assert found.command.slots()["direction"] == answer.replace(" ", "_")


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("Move the bread to the front side.", "front"),
        ("bring the bread to the front edge of the table", "front"),
        ("move the bread to the front right corner", "right_front"),
        ("move the bread diagonally to the front left", "left_front"),
        ("put the bread in front, on the left hand side", "left_front"),
    ],
)
def test_a_side_that_is_named_is_taken(text: str, direction: str) -> None:
    found = READER.read(text)
    assert isinstance(found, Understood)
    assert found.command.slots()["direction"] == direction


@pytest.mark.parametrize(
    ("text", "forbidden"),
    [
        ("do not push the bread to the left front", "left front"),
        ("never move the bread straight ahead", "to the front"),
        ("don't put the carrot on the left side of the plate, hold it by the top", "left side"),
        ("don't touch the bread", "bread"),
    ],
)
def test_what_is_forbidden_is_not_what_is_suggested(text: str, forbidden: str) -> None:
    reading = READER.read(text)
    assert isinstance(reading, Refused)
    assert forbidden not in reading.nearest


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("take the carrot by the tip no sorry by the top, put it left on the plate", "upper left"),
        ("move the bread to the front right uh no wait I mean the front left", "left_front"),
        ("bread to the front, actually to the front left", "left_front"),
        ("move the bread to the left front, sorry, I mean right", "ask: direction"),
        ("move the bread to the left front, no", "refuse"),
        ("move the bread to the left front, no sorry, forget it", "refuse"),
        ("move the bread to the left front, I mean the carrot", "refuse"),
        ("move the bread to the left front or I mean the right front", "refuse"),
    ],
)
def test_the_last_word_counts_where_somebody_corrects_himself(said: str, values: str) -> None:
    assert outcome(READER.read(said)) == values


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("mvoe the bread to teh frnt lft", "left_front"),
        ("old the carrot by its top and put it on the right sied of the plaet", "upper right"),
        ("move the bred fwd", "front"),
        ("nevr move the bread to the front", "refuse"),
        ("move the beard to the front", "refuse"),
    ],
)
def test_typing_errors_are_put_right_by_where_they_stand(said: str, values: str) -> None:
    assert outcome(READER.read(said)) == values


@pytest.mark.parametrize("verb", ["push", "nudge", "shove", "throw"])
def test_another_motion_is_refused_with_the_nearest_sentence_that_works(verb: str) -> None:
    reading = READER.read(f"{verb} the bread to the left front")
    assert isinstance(reading, Refused) and verb in reading.reason
    assert reading.nearest == "pick up the bread and move it to the left front"


@pytest.mark.parametrize("said", ["straight, to neither side", "straight, neither left nor right"])
def test_ruling_out_all_other_sides_denies_nothing(said: str) -> None:
    assert outcome(READER.read(f"move the bread to the front, {said}")) == "front"
    assert outcome(READER.read("move the bread, not to the left")) == "refuse"


def test_what_is_dangerous_is_refused_in_another_task_set_too() -> None:
    reader = Reader(load_tasks(FIXTURES / "cup.yaml"))
    words = {"carrot": "cup", "plate": "shelf", "tip": "handle", "bottom": "handle", "top": "rim"}
    said = [s for s, _ in SENTENCES["dangerous"] if "carrot" in s]
    others = [re.sub(r"\w+", lambda m: words.get(m[0], m[0]), s) for s in said]
    assert len(others) > 40
    assert [s for s in others if isinstance(reader.read(s), Understood)] == []


def test_a_thing_whose_every_word_is_two_is_read() -> None:
    reader = Reader(load_tasks(CONFIG / "kine_libero.yaml"))
    reading = reader.read("pull the middle cabinet drawer halfway, holding the handle vertically")
    assert not isinstance(reading, Refused) or "middle" not in reading.reason
