"""A task set: the file that says what can be said to a policy and what it means.

It holds objects, the slots of an instruction with the words for their values, goals, and the ways
to reach each goal with the texts that a model reads and writes. `config/kine_realman.yaml` is one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kinevla_ros.base.files.atomic import copy
from kinevla_ros.base.files.damage import FileError
from kinevla_ros.base.files.json_file import read_bounded
from kinevla_ros.base.resources import resource_path

FILE_NAME = "tasks.yaml"
"""Of the task set in the folder of a checkpoint or dataset."""

LARGEST = 1 << 20
"""Bytes of a task set; the shipped one has some thousands."""

Text = Annotated[str, Field(min_length=1, max_length=200)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1)]
Reasoning = Annotated[str, Field(min_length=1, max_length=1000)]


class TaskSetError(ValueError):
    """The file is no task set; the message names file, line and entry."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Value(_Part):
    """One value of a slot: how it is shown, which words make it, and phrases for templates."""

    name: Text
    words: Texts
    phrases: Texts


class Slot(_Part):
    """What an instruction says about the way.

    Attributes:
        role: whether it says where the object is grasped or where it goes.
        question: what to ask when it is missing.
        of: the object or landmark that it belongs to.
        heads: nouns that may follow its words, as "side" in "the left side".
        words: word of a value to the words that people use for it.
    """

    role: Literal["grasp", "target"]
    question: Text
    of: Text | None = None
    heads: tuple[Text, ...] = ()
    words: Mapping[str, Texts]
    values: Mapping[str, Value]

    @model_validator(mode="after")
    def _values_are_made_of_words(self) -> Slot:
        for name, value in self.values.items():
            if unknown := set(value.words) - set(self.words):
                raise ValueError(f"value {name} is made of {sorted(unknown)}, not under words")
        made = [frozenset(value.words) for value in self.values.values()]
        if len(set(made)) < len(made):
            raise ValueError("two values are made of the same words")
        return self


class Way(_Part):
    """One way to reach a goal.

    Attributes:
        slots: slot to value.
        say: what a person may say for it.
        prompt: the instruction that the model is given for it, whatever a person said; it is the
            wording that the model is surest of, see `kinevla bench sentences --phrasings`.
        kinematics: the text that the model writes for it.
        entries: its numbers in the published table that it is from; several where this repeats it.
    """

    slots: Mapping[str, str]
    say: Text
    prompt: Text
    kinematics: Reasoning
    entries: tuple[int, ...] = ()


class Goal(_Part):
    """What is to be reached with one object, and the ways to do so.

    Attributes:
        name: tells it from other goals with the same object; the object's name without it.
        text: what the model writes, the same for all ways.
        grasp, move: verbs for the two halves of the motion, where templates have them.
        held_out_pairs: fields of a template; phrasings that join a reserved pair are held out.
    """

    object: Text
    name: Text = ""
    text: Text
    slots: tuple[Text, ...]
    grasp: tuple[Text, ...] = ()
    move: tuple[Text, ...] = ()
    templates: Texts
    held_out_pairs: tuple[tuple[str, str], ...] = ()
    ways: Annotated[tuple[Way, ...], Field(min_length=1)]

    @property
    def key(self) -> str:
        """What it is called in commands."""
        return self.name or self.object


class TaskSet(_Part):
    """All that can be said, validated; `example` is a sentence that shows what a person may say."""

    name: Text
    frame: Text
    objects: Mapping[str, Texts]
    landmarks: Mapping[str, Texts] = {}
    surroundings: tuple[Text, ...] = ()
    slots: Mapping[str, Slot]
    example: Text
    goals: Annotated[tuple[Goal, ...], Field(min_length=1)]
    openings: Annotated[tuple[str, ...], Field(min_length=1)] = ("",)

    @model_validator(mode="after")
    def _names_agree(self) -> TaskSet:
        things = {**self.objects, **self.landmarks}
        for name, slot in self.slots.items():
            if slot.of is not None and slot.of not in things:
                raise ValueError(f"slot {name} is of {slot.of}, which is no object or landmark")
        for goal in self.goals:
            _check_goal(self, goal)
        targets = [goal.key for goal in self.goals]
        if len(set(targets)) < len(targets):
            raise ValueError(
                "two goals have the same object; put their ways into one, or name them"
            )
        return self

    def goal(self, target: str) -> Goal:
        """The goal of that name, or of an object that has but one."""
        return next(goal for goal in self.goals if goal.key == target)

    def ways(self) -> Iterator[tuple[Goal, Way]]:
        """All ways, in the order of the file."""
        return ((goal, way) for goal in self.goals for way in goal.ways)

    def texts(self) -> list[tuple[str, str]]:
        """Goal and kinematics text of each way, in the order of the file."""
        return [(goal.text, way.kinematics) for goal, way in self.ways()]

    def way(self, slots: Mapping[str, str]) -> tuple[Goal, Way]:
        """The way of an object and its slots. Raises KeyError when there is none."""
        for goal, way in self.ways():
            if {"object": goal.key, **way.slots} == slots:
                return goal, way
        raise KeyError(str(dict(slots)))


def _check_goal(tasks: TaskSet, goal: Goal) -> None:
    where = f"goal of the {goal.key}"
    if goal.object not in tasks.objects:
        raise ValueError(f"{where}: no such object under objects")
    if unknown := set(goal.slots) - set(tasks.slots):
        raise ValueError(f"{where}: {sorted(unknown)} not under slots")
    verbs = {name for name in ("grasp", "move") if getattr(goal, name)}
    fields = {*verbs, *goal.slots}
    for template in goal.templates:
        if (used := set(re.findall(r"\{(\w*)\}", template))) != fields:
            raise ValueError(f'{where}: template "{template}" has {used} and needs {fields}')
    if unknown := {name for pair in goal.held_out_pairs for name in pair} - fields:
        raise ValueError(f"{where}: held_out_pairs names {unknown}, which no template has")
    for way in goal.ways:
        if set(way.slots) != set(goal.slots):
            raise ValueError(f'{where}: way "{way.say}" must name {list(goal.slots)}')
        for slot, value in way.slots.items():
            if value not in tasks.slots[slot].values:
                raise ValueError(f'{where}: way "{way.say}" has no known {slot} ({value})')
    if len({tuple(sorted(way.slots.items())) for way in goal.ways}) < len(goal.ways):
        raise ValueError(f"{where}: two ways have the same slots")


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


def save_tasks(folder: Path) -> None:
    """Put the shipped task set into the folder of a checkpoint or dataset."""
    copy(shipped_file(), folder / FILE_NAME)
