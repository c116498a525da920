"""The reader that a task set needs."""

from __future__ import annotations

from kinevla_ros.language.reading.free.free_text import FreeTextReader
from kinevla_ros.language.reading.free.template_reader import TemplateReader
from kinevla_ros.language.reading.reader import Reader
from kinevla_ros.language.task_set import TaskSet

TaskReader = Reader | FreeTextReader


def reader_of(tasks: TaskSet) -> TaskReader:
    """Reads by slots where each object has one goal, by templates where one has several.

    A set without slots is read by the words of its free texts.
    """
    if not tasks.has_slots:
        return FreeTextReader(tasks)
    objects = [goal.object for goal in tasks.goals]
    return Reader(tasks) if len(set(objects)) == len(objects) else TemplateReader(tasks)
