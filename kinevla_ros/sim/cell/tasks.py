"""The tasks whose things lie in the cell, and which its judge and demonstrator know."""

from __future__ import annotations

from kinevla_ros.language.command import Command
from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.language.task_set import TaskSet

CELL_TASKS = kine_realman()
TASKS = CELL_TASKS.commands


def command(object: str, **slots: str) -> Command:
    """The command of an object and its slots. Raises ValueError when they make no way."""
    return CELL_TASKS.command({"object": object, **slots})


def require_cell(tasks: TaskSet) -> None:
    """Raise ValueError for tasks that the cell has neither things nor a judge for."""
    if tasks.texts() != CELL_TASKS.texts():
        raise ValueError(
            f"the cell has no world for the tasks {tasks.name}, only for {CELL_TASKS.name}; "
            "compare the model with demonstrations instead: kinevla evaluate --open-loop DATASET"
        )
