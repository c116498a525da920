"""Sentences about sets with several goals for one object, as those of LIBERO."""

from __future__ import annotations

import numpy as np
import pytest

from kinevla_ros.language.grammar import Split, instruction
from kinevla_ros.language.reading.free.template_reader import TemplateReader
from kinevla_ros.language.reading.reader_of import reader_of
from kinevla_ros.language.reading.readings import Question, Refused, Understood
from kinevla_ros.sim.libero.tasks import libero_tasks

TASKS = libero_tasks("libero")
READER = reader_of(TASKS)


def test_a_set_whose_goals_share_an_object_is_read_by_templates() -> None:
    assert isinstance(READER, TemplateReader)


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_each_phrasing_of_a_way_is_read_as_that_way(split: Split) -> None:
    rng = np.random.default_rng(0)
    for command in TASKS.commands:
        for _ in range(5):
            said = instruction(command, rng, split)
            assert READER.read(said) == Understood(command), said


def test_capitals_and_punctuation_change_nothing() -> None:
    command = TASKS.commands[0]
    assert READER.read(f"{command.say.upper()}!") == Understood(command)


def test_a_goal_alone_leaves_the_way_open() -> None:
    reading = READER.read("put the bowl on the stove")
    assert isinstance(reading, Question)
    assert len(reading.choices["way"]) == 2


def test_what_no_template_says_is_refused() -> None:
    assert isinstance(READER.read("throw the bowl out of the window"), Refused)


def test_what_is_not_to_be_done_is_refused() -> None:
    assert isinstance(READER.read(f"do not {TASKS.commands[0].say}"), Refused)


def test_the_reasoning_of_a_way_names_it() -> None:
    for command in TASKS.commands:
        assert READER.reasoning(command.goal, command.kinematics) == command
