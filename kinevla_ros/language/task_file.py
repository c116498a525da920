"""A task set as a file: read, with errors that name the line, and written."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import ValidationError

from kinevla_ros.base.files.atomic import copy, write_text
from kinevla_ros.base.files.damage import FileError
from kinevla_ros.base.files.json_file import read_bounded
from kinevla_ros.base.resources import resource_path
from kinevla_ros.language.task_set import TaskSet

FILE_NAME = "tasks.yaml"
"""Of the task set in the folder of a checkpoint or dataset."""

LARGEST = 1 << 20
"""Bytes of a task set; the shipped one has some thousands."""


class TaskSetError(ValueError):
    """The file is no task set; the message names file, line and entry."""


def load_tasks(path: str | Path) -> TaskSet:
    """Read a task set.

    Raises:
        FileNotFoundError: there is no such file.
        TaskSetError: it is no YAML or no task set; names the file, the line and the entry.
    """
    try:
        text = read_bounded(Path(path), LARGEST).decode()
        content, node = yaml.safe_load(text), yaml.compose(text)
    except (FileError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as problem:
        raise TaskSetError(f"{path}: {problem}") from problem
    try:
        return TaskSet.model_validate(content)
    except ValidationError as problem:
        lines = [_line(path, node, error["loc"], error["msg"]) for error in problem.errors()]
        raise TaskSetError("\n".join(lines)) from problem


def _line(path: str | Path, node: yaml.Node | None, keys: Sequence[object], message: str) -> str:
    """One error, with the line of the deepest entry that is there."""
    for key in keys:
        child = _child(node, key)
        if child is None:
            break
        node = child
    line = node.start_mark.line + 1 if node is not None else 1
    entry = ".".join(map(str, keys)) or "the whole file"
    return f"{path}:{line}: {entry}: {message}"


def _child(node: yaml.Node | None, key: object) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == key), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        child: yaml.Node = node.value[key]
        return child
    return None


def shipped_file() -> Path:
    """The task set that is shipped with the package."""
    return resource_path("config", "kine_realman.yaml")


@functools.cache
def kine_realman() -> TaskSet:
    """The same, read."""
    return load_tasks(shipped_file())


def save_tasks(tasks: TaskSet, folder: Path) -> None:
    """Put a task set into the folder of a checkpoint or dataset."""
    if tasks is kine_realman():
        # With its comments.
        copy(shipped_file(), folder / FILE_NAME)
    else:
        write_text(folder / FILE_NAME, to_yaml(tasks))


def to_yaml(tasks: TaskSet) -> str:
    """The content of a task set's file."""
    content = tasks.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
