"""The reader that a task set needs."""

from __future__ import annotations

from kinevla_ros.language.reading.free_text import FreeTextReader
from kinevla_ros.language.reading.reader import Reader
from kinevla_ros.language.task_set import TaskSet

TaskReader = Reader | FreeTextReader


def reader_of(tasks: TaskSet) -> TaskReader:
    """Reads by slots where the set has them, and by the words of its free texts otherwise."""
    return Reader(tasks) if tasks.has_slots else FreeTextReader(tasks)
