"""Which tasks the cell has a world and a judge for."""

from __future__ import annotations

import pytest
from sentences import FIXTURES

from kinevla_ros.language.grammar import phrasings
from kinevla_ros.language.task_file import load_tasks
from kinevla_ros.sim.cell.tasks import CELL_TASKS, LAY_TASKS, SUITES, command_of, require_cell


@pytest.mark.parametrize("tasks", SUITES.values(), ids=SUITES)
def test_a_sentence_means_the_same_whether_one_set_or_all_are_known(tasks) -> None:
    for command in tasks.commands:
        assert command_of(command.say) == command
        held_out = next(phrasings(command, "held_out"))
        assert command_of(held_out) == command


def test_what_no_set_knows_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="names no way that the cell knows"):
        command_of("dance")


def test_tasks_without_a_world_and_tasks_of_another_suite_are_refused() -> None:
    require_cell(CELL_TASKS)
    require_cell(LAY_TASKS, "carrot_lay")
    with pytest.raises(ValueError, match="--suite carrot_lay"):
        require_cell(LAY_TASKS)
    with pytest.raises(ValueError, match="no world for the tasks cup"):
        require_cell(load_tasks(FIXTURES / "cup.yaml"))
