"""A task set: what can be said to a policy and what it means.

It holds objects, the slots of an instruction with the words for their values, goals, and the ways
to reach each goal with the texts that a model reads and writes. A set may do without objects and
slots: then its ways are pairs of free texts, in any language, with the sentences said for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kinevla_ros.language.command import Command

Text = Annotated[str, Field(min_length=1, max_length=1000)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1)]
Reasoning = Annotated[str, Field(min_length=1, max_length=1000)]


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
            wording that the model is surest of, see `kinevla bench sentences --phrasings`. Where
            nothing stands, `say`.
        kinematics: the text that the model writes for it.
        instructions: further sentences that are said for it, of a set without slots.
        entries: its numbers in the published table that it is from; several where this repeats it.
    """

    slots: Mapping[str, str] = {}
    say: Text
    prompt: Text = ""
    kinematics: Text
    instructions: tuple[Text, ...] = ()
    entries: tuple[int, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _prompt_is_said(cls, content: object) -> object:
        if isinstance(content, dict) and "prompt" not in content and "say" in content:
            return content | {"prompt": content["say"]}
        return content


class Goal(_Part):
    """What is to be reached with one object, and the ways to do so.

    Attributes:
        object: what is grasped; None in a set without slots, whose goals have a text and ways only.
        name: tells it from other goals with the same object; the object's name without it.
        text: what the model writes, the same for all ways.
        grasp, move: verbs for the two halves of the motion, where templates have them.
        held_out_pairs: fields of a template; phrasings that join a reserved pair are held out.
    """

    object: Text | None = None
    name: str = ""
    text: Text
    slots: tuple[Text, ...] = ()
    grasp: tuple[Text, ...] = ()
    move: tuple[Text, ...] = ()
    templates: tuple[Text, ...] = ()
    held_out_pairs: tuple[tuple[str, str], ...] = ()
    ways: Annotated[tuple[Way, ...], Field(min_length=1)]

    @property
    def key(self) -> str:
        """What it is called in commands."""
        return self.name or self.object or self.text


class TaskSet(_Part):
    """All that can be said, validated.

    Attributes:
        frame: whose left and right are meant, in words.
        example: a sentence that shows what a person may say.
        openings: put before a template where phrasings are drawn.
    """

    name: Text
    frame: str = ""
    objects: Mapping[str, Texts] = {}
    landmarks: Mapping[str, Texts] = {}
    surroundings: tuple[Text, ...] = ()
    slots: Mapping[str, Slot] = {}
    example: Text = ""
    goals: Annotated[tuple[Goal, ...], Field(min_length=1)]
    openings: Annotated[tuple[str, ...], Field(min_length=1)] = ("",)

    @model_validator(mode="before")
    @classmethod
    def _example_is_said(cls, content: object) -> object:
        if isinstance(content, dict) and "example" not in content:
            try:
                return content | {"example": content["goals"][0]["ways"][0]["say"]}
            except (KeyError, IndexError, TypeError):
                pass
        return content

    @model_validator(mode="after")
    def _names_agree(self) -> TaskSet:
        things = {**self.objects, **self.landmarks}
        for name, slot in self.slots.items():
            if slot.of is not None and slot.of not in things:
                raise ValueError(f"slot {name} is of {slot.of}, which is no object or landmark")
        free = [goal.object is None for goal in self.goals]
        if any(free) and not all(free):
            raise ValueError("some goals have an object and some have none; give all one, or none")
        for goal in self.goals:
            if goal.object is None:
                _check_free(goal)
            else:
                _check_goal(self, goal)
        targets = [goal.key for goal in self.goals]
        if len(set(targets)) < len(targets):
            raise ValueError(
                "two goals have the same object; put their ways into one, or name them"
            )
        if len(set(self.texts())) < sum(1 for _ in self.ways()):
            raise ValueError("two ways have the same goal text and kinematics text")
        return self

    @property
    def has_slots(self) -> bool:
        """Whether instructions are read by slots; otherwise by the words of free texts."""
        return self.goals[0].object is not None

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        """One for each way, in the order of the file."""
        return tuple(
            Command(self, n, goal, way, tuple((name, way.slots[name]) for name in goal.slots))
            for n, (goal, way) in enumerate(self.ways(), 1)
        )

    def command(self, slots: Mapping[str, str]) -> Command:
        """The command of an object and its slots.

        Raises ValueError, which names what there is, when they make no way of the set.
        """
        for command in self.commands:
            if self.has_slots and command.slots() == slots:
                return command
        raise ValueError(f"no task has the slots {dict(slots)}: use {self._known()}")

    def _known(self) -> str:
        """All objects with their slots and values."""
        found = {
            goal.key: " and ".join(
                f"a {name} of {list(self.slots[name].values)}" for name in goal.slots
            )
            for goal in self.goals
        }
        return "; ".join(f"the {name} with {values}" for name, values in found.items())

    def goal(self, target: str) -> Goal:
        """The goal of that name, or of an object that has but one."""
        return next(goal for goal in self.goals if goal.key == target)

    def way(self, slots: Mapping[str, str]) -> tuple[Goal, Way]:
        """The way of an object and its slots. Raises KeyError when there is none."""
        for goal, way in self.ways():
            if {"object": goal.key, **way.slots} == slots:
                return goal, way
        raise KeyError(str(dict(slots)))

    def ways(self) -> Iterator[tuple[Goal, Way]]:
        """All ways, in the order of the file."""
        return ((goal, way) for goal in self.goals for way in goal.ways)

    def texts(self) -> list[tuple[str, str]]:
        """Goal and kinematics text of each way, in the order of the file."""
        return [(goal.text, way.kinematics) for goal, way in self.ways()]


def _check_free(goal: Goal) -> None:
    where = f'goal "{goal.text}" has no object'
    if goal.slots or goal.grasp or goal.move or goal.templates or goal.held_out_pairs:
        raise ValueError(f"{where}: it has texts and ways and nothing else")
    for way in goal.ways:
        if way.slots:
            raise ValueError(f'{where}: way "{way.say}" can have no slots')


def _check_goal(tasks: TaskSet, goal: Goal) -> None:
    where = f"goal of the {goal.key}"
    if goal.object not in tasks.objects:
        raise ValueError(f"{where}: no such object under objects")
    if not goal.templates:
        raise ValueError(f"{where}: templates is missing")
    for way in goal.ways:
        if way.instructions:
            raise ValueError(f"{where}: instructions are for goals without slots")
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
