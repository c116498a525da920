"""Words against words: reasoning texts, the task set, and the instruction of each episode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np

from kinevla_ros.base.files.damage import one_line
from kinevla_ros.data.checks.finding import FaultPlace, Finding, place
from kinevla_ros.data.checks.rows import Columns
from kinevla_ros.data.lerobot.metadata import TASKS_PATH, read_tasks
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import TEXTS, DatasetError
from kinevla_ros.language.free_texts import tasks_of_texts
from kinevla_ros.language.reading.reader import Reader
from kinevla_ros.language.reading.reader_of import TaskReader, reader_of
from kinevla_ros.language.reading.readings import UnknownReasoning, shortened
from kinevla_ros.language.task_file import FILE_NAME, TaskSetError, kine_realman, load_tasks


def dataset_reader(dataset: DatasetReader, columns: Columns) -> TaskReader:
    """Reads sentences about the dataset's own task set; without a file, about that of its texts.

    Raises:
        DatasetError: its file is no task set, or its texts make none.
    """
    path = dataset.root / FILE_NAME
    try:
        if path.is_file():
            return reader_of(load_tasks(path))
        texts = (
            (entry.instruction, *pair)
            for entry in dataset.episodes
            for pair in zip(*(columns[name][entry.span] for name in TEXTS), strict=True)
        )
        return reader_of(tasks_of_texts(dataset.root.name, texts))
    except (TaskSetError, ValueError) as problem:
        raise DatasetError(str(problem)) from problem


def slot_reader(dataset: DatasetReader) -> Reader:
    """Reads sentences about the dataset's own task set, or about the shipped one.

    Raises:
        DatasetError: its file is no task set, or one without slots, which motion cannot show.
    """
    path = dataset.root / FILE_NAME
    try:
        tasks = load_tasks(path) if path.is_file() else kine_realman()
    except TaskSetError as problem:
        raise DatasetError(str(problem)) from problem
    if not tasks.has_slots:
        raise DatasetError(f"{path} has no slots, and so nothing that a motion could show")
    return Reader(tasks)


def check_tasks(dataset: DatasetReader, columns: Columns) -> Iterator[Finding]:
    """Yield a task's number that has no text, or another one than the episode list has.

    Raises:
        DatasetError: the list of tasks is damaged.
    """
    numbers = columns.get("task_index", np.zeros(0, np.int64))
    texts = {number: text for text, number in read_tasks(dataset.root).items()}
    foreign = ~np.isin(numbers, list(texts))
    if foreign.any():
        row = int(np.argmax(foreign))
        problem = f"task_index {numbers[row]} is none of {TASKS_PATH}"
        yield Finding("task_index", problem, "add its text there", place(dataset, row))
    elif len(numbers):
        for entry in dataset.episodes:
            if (text := texts[numbers[entry.start]]) != entry.instruction:
                problem = f'{TASKS_PATH} says "{shortened(text)}", and the episode list says '
                problem += f'"{shortened(entry.instruction)}"'
                cure = "write the one that is right into both"
                yield Finding("task_index", problem, cure, FaultPlace(entry.index))


def check_texts(dataset: DatasetReader, columns: Columns) -> Iterator[Finding]:
    """Yield texts that are empty, unknown to the task set, or contradict each other."""
    if any(name not in columns for name in TEXTS):
        return
    empty = False
    for name in TEXTS:
        for row, text in enumerate(columns[name]):
            if not text.strip():
                empty = True
                cure = f"write it: kinevla annotate {dataset.root}"
                yield Finding(name, "it is empty", cure, place(dataset, row))
                break
    if empty:
        return
    try:
        words = dataset_reader(dataset, columns)
    except DatasetError as problem:
        yield Finding(FILE_NAME, one_line(problem), "put it right")
        return
    known: dict[tuple[str, str], Mapping[str, str] | None] = {}
    said = cache(words.slots)
    for entry in dataset.episodes:
        pairs = list(zip(*(columns[name][entry.span] for name in TEXTS), strict=True))
        for pair in dict.fromkeys(pairs):
            if pair not in known:
                try:
                    known[pair] = words.reasoning(*pair).slots()
                except UnknownReasoning as problem:
                    known[pair] = None
                    yield _unknown(problem, FaultPlace(entry.index, pairs.index(pair)))
            slots = known[pair]
            named = said(entry.instruction)
            if slots and (wrong := [n for n in named if n in slots and named[n] != slots[n]]):
                yield _contradiction(entry.index, entry.instruction, wrong[0], named, slots)
                break


def _unknown(problem: Exception, at: FaultPlace) -> Finding:
    cure = f"say it in words of the task set, or put the task's own {FILE_NAME} into the folder"
    return Finding("reasoning", one_line(problem), cure, at)


def _contradiction(
    episode: int, said: str, slot: str, named: Mapping[str, str], slots: Mapping[str, str]
) -> Finding:
    return Finding(
        "task",
        f'it says "{shortened(said)}", {slot} {named[slot]}, and the reasoning {slots[slot]}',
        "correct the one that is wrong: kinevla annotate --from-task goes by the task",
        FaultPlace(episode),
    )
