"""The tasks whose things lie in the cell, and which its judge and demonstrator know."""

from __future__ import annotations

from kinevla_ros.base.resources import resource_path
from kinevla_ros.language.command import Command
from kinevla_ros.language.reading.reader_of import reader_of
from kinevla_ros.language.reading.readings import Understood, problem_of
from kinevla_ros.language.task_file import kine_realman, load_tasks
from kinevla_ros.language.task_set import TaskSet

CELL_TASKS = kine_realman()
TASKS = CELL_TASKS.commands

LAY_TASKS = load_tasks(resource_path("config", "carrot_lay.yaml"))
"""No shipped model knows them: what a task of one's own is tried with."""

SUITES = {tasks.name: tasks for tasks in (CELL_TASKS, LAY_TASKS)}
"""Name to tasks."""


def command(object: str, **slots: str) -> Command:
    """The command of an object and its slots. Raises ValueError when they make no way."""
    return CELL_TASKS.command({"object": object, **slots})


def command_of(instruction: str) -> Command:
    """The way that an instruction names. Raises ValueError where it names none clearly."""
    problems = []
    for tasks in SUITES.values():
        reading = reader_of(tasks).read(instruction)
        if isinstance(reading, Understood):
            return reading.command
        problems.append(problem_of(reading))
    raise ValueError(f'"{instruction}" names no way that the cell knows: {problems[0]}')


def require_cell(tasks: TaskSet, suite: str = CELL_TASKS.name) -> None:
    """Raise ValueError for tasks that are not the suite's: no world, no judge, or another suite."""
    found = next((name for name, own in SUITES.items() if own.texts() == tasks.texts()), "")
    if found and found != suite:
        raise ValueError(f"the tasks are those of another suite: --suite {found}")
    if not found:
        raise ValueError(
            f"the cell has no world for the tasks {tasks.name}, only for {' and '.join(SUITES)}; "
            "compare the model with demonstrations instead: kinevla evaluate --open-loop DATASET"
        )
