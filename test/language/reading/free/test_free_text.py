"""A task set without slots: free texts in any language, and nothing guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinevla_ros.language.free_texts import tasks_of_texts
from kinevla_ros.language.reading.free.free_text import FreeTextReader
from kinevla_ros.language.reading.readings import (
    Question,
    Refused,
    Understood,
    UnknownReasoning,
)
from kinevla_ros.language.task_file import TaskSetError, load_tasks, save_tasks
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary

GOAL = "Tasse ins Regal"
TEXTS = [
    (f"Nimm die Tasse {hold} und stell sie {end} ab!", GOAL, f"{hold} greifen, {end} abstellen")
    for hold in ("am Henkel", "am Rand")
    for end in ("links", "rechts")
] + [("Bitte den Teller abwischen", "Teller wischen", "in Kreisen wischen")]
TASKS = tasks_of_texts("lab", TEXTS)
READER = FreeTextReader(TASKS)


def test_pairs_of_texts_are_ways_and_those_of_one_goal_are_siblings() -> None:
    assert [(c.goal, c.kinematics) for c in TASKS.commands] == [(g, k) for _, g, k in TEXTS]
    assert [len(c.siblings()) for c in TASKS.commands] == [3, 3, 3, 3, 0]


@pytest.mark.parametrize("text", TEXTS)
def test_what_was_said_is_understood_whatever_its_capitals(text: tuple[str, str, str]) -> None:
    for said in (text[0], text[0].upper(), text[0].replace("!", " ...")):
        reading = READER.read(said)
        assert isinstance(reading, Understood) and reading.command.kinematics == text[2]
    assert READER.reasoning(text[1].lower(), text[2].upper() + ".").kinematics == text[2]


def test_an_order_of_words_that_was_never_said_is_understood_where_it_names_one_way() -> None:
    reading = READER.read("stell die Tasse rechts ab, nimm sie am Rand")
    assert isinstance(reading, Understood)
    assert reading.command.kinematics == "am Rand greifen, rechts abstellen"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Nimm die Tasse am Deckel und stell sie links ab", "deckel"),
        ("Nimm die Tasse am Henkel und stell sie links und rechts ab", "no way joins"),
        ("Nimm die Tasse am Henkel und stell sie nicht links ab", "nicht"),
        ("把杯子放到左边", "把"),
        ("", "empty"),
        ("!!!", "empty"),
    ],
)
def test_unknown_and_mixed_words_are_refused_with_the_reason(said: str, reason: str) -> None:
    reading = READER.read(said)
    assert isinstance(reading, Refused) and reason in reading.reason


def test_a_negation_is_refused_although_demonstrations_have_it() -> None:
    tasks = tasks_of_texts("lab", [*TEXTS, ("nicht kippen", "halten", "nicht kippen")])
    reader = FreeTextReader(tasks)
    assert isinstance(reader.read("nicht kippen"), Understood)
    assert isinstance(reader.read("kippen nicht"), Refused)


def test_what_fits_several_ways_is_asked_about_and_the_answer_completes_it() -> None:
    asked = READER.read("Nimm die Tasse am Rand")
    assert isinstance(asked, Question) and len(asked.choices["way"]) == 2
    reading = READER.read("rechts", asked)
    assert isinstance(reading, Understood)
    assert reading.command.kinematics == "am Rand greifen, rechts abstellen"


def test_a_word_that_one_way_has_by_chance_does_not_choose_it() -> None:
    chance = [("hol die Tasse am Rand nach links", GOAL, "am Rand greifen, links abstellen")]
    reader = FreeTextReader(tasks_of_texts("lab", [*TEXTS, *chance]))
    # Only that way was ever fetched, and nobody says by what it is held.
    assert isinstance(reader.read("hol die Tasse links"), Question)


def test_an_instruction_that_names_the_goal_only_is_no_way() -> None:
    tasks = tasks_of_texts("lab", [("stell sie weg", g, k) for _, g, k in TEXTS[:4]])
    assert [c.say for c in tasks.commands] == [k for _, _, k in TEXTS[:4]]
    asked = FreeTextReader(tasks).read("stell sie weg")
    assert not isinstance(asked, Understood)


def test_texts_of_no_way_are_no_reasoning() -> None:
    with pytest.raises(UnknownReasoning, match="no way"):
        READER.reasoning(GOAL, "in Kreisen wischen")


@given(st.lists(st.sampled_from(sorted({w for t in TEXTS for w in t[0].split()})), max_size=12))
def test_what_is_understood_has_no_word_of_another_way(words: list[str]) -> None:
    reading = READER.read(" ".join(words))
    if isinstance(reading, Understood):
        own = " ".join((reading.command.say, reading.command.kinematics, reading.command.goal))
        assert {w.strip("!").lower() for w in words} <= {w.strip("!,").lower() for w in own.split()}


def test_its_file_and_its_vocabulary_hold_every_text(tmp_path) -> None:
    chinese = ("把杯子放到左边", "放杯子", "拿住把手,放到左边。")
    tasks = tasks_of_texts("lab", [*TEXTS, chinese])
    save_tasks(tasks, tmp_path)
    again = load_tasks(tmp_path / "tasks.yaml")
    assert again.texts() == tasks.texts()
    assert Vocabulary.from_tasks(tasks).writing(again) is not None
    assert isinstance(FreeTextReader(again).read(chinese[0]), Understood)


def test_goals_with_and_without_objects_do_not_mix(tmp_path) -> None:
    path = tmp_path / "tasks.yaml"
    path.write_text(
        "name: x\nobjects: {cup: [cup]}\ngoals:\n"
        "  - {text: a, ways: [{say: a, kinematics: b}]}\n"
        "  - {text: c, object: cup, ways: [{say: a, kinematics: d}]}\n"
    )
    with pytest.raises(TaskSetError, match="some goals have an object"):
        load_tasks(path)
