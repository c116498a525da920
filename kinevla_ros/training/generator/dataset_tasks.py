"""What was said and written in datasets, and the task set that it is of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.data.checks.labels import check_order
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import GOAL, KINEMATICS, DatasetError
from kinevla_ros.language.command import Command
from kinevla_ros.language.free_texts import tasks_of_texts
from kinevla_ros.language.reading.reader_of import reader_of
from kinevla_ros.language.reading.readings import Understood, UnknownReasoning
from kinevla_ros.language.task_file import FILE_NAME, TaskSetError, load_tasks
from kinevla_ros.language.task_set import TaskSet

COLUMNS = "docs/tutorials/own-task.md describes them"


@dataclass(frozen=True)
class Spoken:
    """The texts of one dataset.

    Attributes:
        reader: of the dataset.
        tasks: the task set that it carries; None where it carries none.
    """

    reader: DatasetReader
    tasks: TaskSet | None

    @cached_property
    def texts(self) -> dict[tuple[str, str, str], None]:
        """Instruction, goal text and kinematics text, each that occurs once, in order."""
        columns = self.reader.frames
        return dict.fromkeys(zip(columns["task"], columns[GOAL], columns[KINEMATICS], strict=True))

    def ways(self, tasks: TaskSet) -> NDArray[np.int64]:
        """For each frame the index of the command that its texts name, (N,).

        Raises:
            DatasetError: texts name no way of the task set.
        """
        index = {pair: c.task_number - 1 for pair, c in self._commands(tasks).items()}
        columns = self.reader.frames
        pairs = zip(columns[GOAL], columns[KINEMATICS], strict=True)
        return np.array([index[pair] for pair in pairs], np.int64)

    def instructions(self, tasks: TaskSet) -> dict[Command, list[str]]:
        """For each command what was said and means it, as the task set's reader reads it.

        What means another way than was shown, as after an operator's override, what the reader
        asks about and what it refuses teaches nothing and is left out.
        """
        reader, commands = reader_of(tasks), self._commands(tasks)
        found: dict[Command, list[str]] = {command: [] for command in tasks.commands}
        for said, *pair in self.texts:
            shown, reading = commands[(pair[0], pair[1])], reader.read(said)
            if isinstance(reading, Understood) and reading.command == shown:
                found[shown].append(said)
        return found

    def _commands(self, tasks: TaskSet) -> dict[tuple[str, str], Command]:
        """Goal and kinematics text to the command that they name."""
        reader = reader_of(tasks)
        try:
            return {(g, k): reader.reasoning(g, k) for _, g, k in self.texts}
        except UnknownReasoning as problem:
            raise DatasetError(f"{self.reader.root}, with the tasks {tasks.name}: {problem}") from (
                problem
            )


def read_spoken(dataset: Path) -> Spoken:
    """Open a dataset and its task set.

    Raises:
        DatasetError: it is missing or damaged, holds no reasoning, or its task set is none.
    """
    reader = DatasetReader(dataset)
    if missing := {GOAL, KINEMATICS} - set(reader.info["features"]):
        raise DatasetError(f"{dataset} lacks the columns {sorted(missing)}; {COLUMNS}")
    file = dataset / FILE_NAME
    for finding in check_order(reader):
        raise DatasetError(f"{dataset}: {finding}")
    try:
        return Spoken(reader, load_tasks(file) if file.is_file() else None)
    except TaskSetError as problem:
        raise DatasetError(str(problem)) from problem


def task_set_of(spoken: Sequence[Spoken]) -> TaskSet:
    """The one task set of datasets: the file that they carry, or, without one, their texts.

    Raises:
        DatasetError: they carry different ones, or some carry one and some none.
    """
    carried = [own.tasks for own in spoken]
    first = carried[0]
    names = ", ".join(str(own.reader.root) for own in spoken)
    if first is None and not any(carried):
        episodes = (texts for own in spoken for texts in own.texts)
        try:
            return tasks_of_texts(spoken[0].reader.root.name, episodes)
        except ValueError as problem:
            raise DatasetError(f"{names}: no task set can be made of the texts: {problem}") from (
                problem
            )
    if first is None or any(own is None or own.texts() != first.texts() for own in carried):
        raise DatasetError(
            f"{names} have not the same {FILE_NAME}: a model has one task set; put the same file "
            "into each, or train on each alone"
        )
    return first
