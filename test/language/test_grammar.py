from __future__ import annotations

import json
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shipped_tasks import TASKS, goal_text, kinematics_text, siblings

from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import grammar_words, instruction, phrasings
from kinevla_ros.language.task_file import kine_realman

PAPER_WORDING = (
    "pick up the bread and move it to the left front",
    "pick up the bread and move it to the right front",
    "pick up the bread and move it to the front",
    "hold the carrot by the upper part and place it on the right side of the plate",
    "hold the carrot by the upper part and place it on the left side of the plate",
    "hold the carrot by the lower part and place it on the left side of the plate",
    "hold the carrot by the lower part and place it on the right side of the plate",
)
commands = st.sampled_from(TASKS)
seeds = st.integers(0, 2**32 - 1)


def test_the_tasks_are_numbered_in_paper_order() -> None:
    assert [task.task_number for task in TASKS] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(("command", "wording"), list(zip(TASKS, PAPER_WORDING, strict=True)))
def test_the_wording_of_the_paper_is_a_train_phrasing(command: Command, wording: str) -> None:
    assert wording in set(phrasings(command, "train"))
    assert wording not in set(phrasings(command, "held_out"))


@pytest.mark.parametrize("command", TASKS)
def test_a_command_has_dozens_of_phrasings_in_both_splits(command: Command) -> None:
    assert len(set(phrasings(command, "train"))) > 100
    assert len(set(phrasings(command, "held_out"))) > 100


def test_no_phrasing_belongs_to_two_commands_or_two_splits() -> None:
    texts = list(chain(*(phrasings(t, split) for t in TASKS for split in ("train", "held_out"))))
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("command", TASKS)
def test_held_out_phrasings_use_only_words_known_from_training(command: Command) -> None:
    known = set(" ".join(phrasings(command, "train")).replace(",", "").split())
    assert set(" ".join(phrasings(command, "held_out")).replace(",", "").split()) <= known
    assert known <= grammar_words(kine_realman())


@given(commands, seeds, st.sampled_from(["train", "held_out"]))
def test_a_drawn_instruction_is_lower_case_and_depends_only_on_the_seed(
    command: Command, seed: int, split: str
) -> None:
    first = instruction(command, np.random.default_rng(seed), split)
    assert first == instruction(command, np.random.default_rng(seed), split)
    assert first == first.lower().strip()
    assert not first.endswith(".")


def test_a_drawn_held_out_instruction_is_no_train_phrasing() -> None:
    rng = np.random.default_rng(0)
    for command in TASKS:
        train = set(phrasings(command, "train"))
        assert all(instruction(command, rng, "held_out") not in train for _ in range(50))
        assert all(instruction(command, rng) in train for _ in range(50))


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(ValueError, match="held_out"):
        instruction(TASKS[0], np.random.default_rng(0), "test")


@given(commands)
def test_siblings_share_the_goal_and_differ_in_the_kinematics(command: Command) -> None:
    others = siblings(command)
    assert command not in others
    assert len(others) == (2 if command.object == "bread" else 3)
    assert {goal_text(other) for other in others} == {goal_text(command)}
    assert kinematics_text(command) not in {kinematics_text(other) for other in others}


def test_each_command_has_its_own_kinematics_text() -> None:
    assert len({kinematics_text(task) for task in TASKS}) == len(TASKS)
    assert {goal_text(task) for task in TASKS} == {
        "move the bread",
        "place the carrot in the plate",
    }


@pytest.mark.parametrize(
    "slots",
    [
        {"object": "knife"},
        {"object": "bread"},
        {"object": "bread", "direction": "back"},
        {"object": "bread", "direction": "front", "side": "left"},
        {"object": "carrot", "part": "upper"},
        {"object": "carrot", "part": "middle", "side": "left"},
    ],
)
def test_slots_that_make_no_task_are_refused(slots: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="no task has the slots"):
        kine_realman().command(slots)


def test_the_slots_of_a_command_are_plain_data() -> None:
    assert json.dumps(TASKS[3].slots()) == '{"object": "carrot", "part": "upper", "side": "right"}'
