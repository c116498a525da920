from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shipped_tasks import (
    TASKS,
    goal_text,
    kinematics_text,
    parse_instruction,
    parse_reasoning,
    siblings,
    slots,
)

from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import instruction, phrasings
from kinevla_ros.language.parse import UnknownInstruction
from kinevla_ros.language.reading.readings import UnknownReasoning

commands = st.sampled_from(TASKS)
bread_left_front = TASKS[0]
carrot_upper_right = TASKS[3]


@given(commands, st.integers(0, 2**32 - 1), st.sampled_from(["train", "held_out"]))
def test_every_instruction_reads_back_as_its_command(
    command: Command, seed: int, split: str
) -> None:
    text = instruction(command, np.random.default_rng(seed), split)
    assert parse_instruction(text) == command
    assert slots(text) == command.slots()


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("  Pick up the Bread, and move it left-front!  ", bread_left_front),
        ("pick up the bread and move it to the left front.", bread_left_front),
        ("move the loaf diagonally forward to the left", bread_left_front),
        ("I would like you to carry the bread to the left front of the table", bread_left_front),
        ("move bread forward", TASKS[2]),
        ("bread left front", bread_left_front),
        ("Grab the carrot by its top and set it down on the plate’s right-hand side",
         carrot_upper_right),
        ("put the carrot on the right of the plate, holding it by the thick end",
         carrot_upper_right),
        ("lift the carrot at the bottom and put it onto the left side", TASKS[5]),
    ],
)  # fmt: skip
def test_phrasings_beyond_the_grammar_are_read(text: str, command: Command) -> None:
    assert parse_instruction(text) == command


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no known object"),
        ("make me a coffee", "make, coffee"),
        ("pick up the knife", "knife"),
        ("the bread", "no direction"),
        ("pick up the bread", "no direction"),
        ("pick up the bread and move it to the left", "no direction"),
        ("pick up the bread and move it to the back", "back"),
        ("pick up the bread and move it to the left right front", "front and left and right"),
        ("do not move the bread to the front", "not"),
        ("don't move the bread to the front", "don't"),
        ("pick up the bread and throw it to the front", "throw"),
        ("move the bread and the carrot to the front", "bread and carrot"),
        ("grasp the upper part of the bread and move it forward", "upper part of the bread"),
        ("move the bread to the front of the plate", "names a plate"),
        ("hold the carrot by the upper part", "no side"),
        ("place the carrot on the right side of the plate", "no part"),
        ("hold the carrot by the upper or the lower end, put it on the left side", "or"),
        ("hold the upper lower part of the carrot, put it on the left side", "lower and upper"),
        ("hold the carrot and place it on the upper right side of the plate", "does not have"),
        ("hold the carrot by the left end, upper part, put it on the plate", "left end"),
        ("hold the carrot by the upper part and place it on top of the plate", "no side"),
        ("hold the carrot by the top and place it beside the plate", "no side"),
        ("hold the carrot by the top and place it on the front left side", "names a direction"),
    ],
)
def test_an_instruction_that_is_no_task_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(UnknownInstruction, match=reason) as refusal:
        parse_instruction(text)
    assert "for example" in str(refusal.value)


def test_the_example_of_a_refusal_is_a_valid_instruction_close_to_the_text() -> None:
    with pytest.raises(UnknownInstruction) as refusal:
        parse_instruction("hold the carrot by the lower end")
    example = str(refusal.value).split('"')[-2]
    assert parse_instruction(example).slot("part") == "lower"


@given(st.text())
def test_any_text_is_a_command_or_a_refusal(text: str) -> None:
    slots(text)
    try:
        assert parse_instruction(text) in TASKS
    except UnknownInstruction as refusal:
        assert len(str(refusal)) < 600


@given(commands)
def test_reasoning_reads_back_as_its_command(command: Command) -> None:
    assert parse_reasoning(goal_text(command), kinematics_text(command)) == command
    assert slots(kinematics_text(command)) == command.slots()


@given(commands, commands)
def test_reasoning_that_mixes_two_goals_is_refused(first: Command, second: Command) -> None:
    if second == first or second in siblings(first):
        assert parse_reasoning(goal_text(first), kinematics_text(second)) == second
    else:
        with pytest.raises(UnknownReasoning, match="same object"):
            parse_reasoning(goal_text(first), kinematics_text(second))


@pytest.mark.parametrize(
    ("goal", "kinematics"),
    [
        ("", kinematics_text(bread_left_front)),
        ("move the bread", ""),
        ("move the bread", "grasp the bread first, then lift it"),
        ("move the bread", "carry the bread to the left front, then to the right front"),
    ],
)
def test_incomplete_or_contradictory_reasoning_is_refused(goal: str, kinematics: str) -> None:
    with pytest.raises(UnknownReasoning):
        parse_reasoning(goal, kinematics)


def test_a_contradictory_slot_is_left_out_of_the_slots() -> None:
    text = "hold the carrot by the upper part of its lower part, put it on the left side"
    assert slots(text) == {"object": "carrot", "side": "left"}
    assert slots("nothing of this") == {}


@pytest.mark.parametrize("command", TASKS)
def test_the_wording_of_the_paper_is_read(command: Command) -> None:
    assert parse_instruction(next(phrasings(command))) == command
