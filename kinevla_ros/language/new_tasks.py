"""The beginning of a lab's own task set, from a few answers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kinevla_ros.language.reading.reader import Reader
from kinevla_ros.language.reading.readings import Understood, explained
from kinevla_ros.language.task_set import Goal, Slot, TaskSet, Value, Way


@dataclass(frozen=True)
class SlotAnswer:
    """One thing that an instruction says about the way.

    Attributes:
        name: such as "end".
        role: whether it says where the object is grasped or where it goes.
        of: what it is a part of: the object, or a thing such as the shelf.
        noun: follows its values, as "end" in "the left end"; empty where the values are nouns.
        preposition: in front of it, such as "by" or "on".
        values: such as left and right.
    """

    name: str
    role: Literal["grasp", "target"]
    of: str
    noun: str
    preposition: str
    values: tuple[str, ...]

    def phrase(self, value: str) -> str:
        """How a value is said: "the left end of the shelf", "the rim"."""
        noun = f" {self.noun}" if self.noun else ""
        of = f" of the {self.of}" if self.role == "target" else ""
        return f"the {value}{noun}{of}"


def new_tasks(
    name: str,
    frame: str,
    thing: str,
    goal: str,
    verbs: tuple[str, str],
    slots: Sequence[SlotAnswer],
) -> TaskSet:
    """One goal with one object, and a way for each choice of the slots' values.

    Args:
        thing: the object's name.
        goal: the text that the model writes for it.
        verbs: for grasping and for moving.

    Raises:
        ValueError: the answers make no task set, or one whose sentences its reader does not
            understand; says which.
    """
    order = {"grasp": 0, "target": 1}
    slots = sorted(slots, key=lambda slot: order[slot.role])
    said = {
        role: "".join(f" {s.preposition} {{{s.name}}}" for s in slots if s.role == role)
        for role in order
    }
    template = f"{{grasp}} the {thing}{said['grasp']} and {{move}} it{said['target']}"
    ways = []
    for values in itertools.product(*(slot.values for slot in slots)):
        phrases = {s.name: s.phrase(v) for s, v in zip(slots, values, strict=True)}
        say = template.format(grasp=verbs[0], move=verbs[1], **phrases)
        # The same words as the sentence: what a model is to write is best kept short and plain.
        chosen = {slot.name: value for slot, value in zip(slots, values, strict=True)}
        ways.append(Way(slots=chosen, say=say, prompt=say, kinematics=say))
    tasks = TaskSet(
        name=name,
        frame=frame,
        objects={thing: (thing,)},
        landmarks={slot.of: (slot.of,) for slot in slots if slot.of != thing},
        slots={slot.name: _slot(slot) for slot in slots},
        example=ways[0].say,
        goals=(
            Goal(
                object=thing,
                text=goal,
                slots=tuple(slot.name for slot in slots),
                grasp=(verbs[0],),
                move=(verbs[1],),
                templates=(template,),
                ways=tuple(ways),
            ),
        ),
    )
    _require_readable(tasks)
    return tasks


def _slot(answer: SlotAnswer) -> Slot:
    where = f" of the {answer.of}" if answer.role == "target" else ""
    return Slot(
        role=answer.role,
        of=answer.of,
        question=f"Which {answer.name}{where}?",
        heads=(answer.noun,) if answer.noun else (),
        words={value: (value,) for value in answer.values},
        values={
            value: Value(name=value, words=(value,), phrases=(answer.phrase(value),))
            for value in answer.values
        },
    )


def _require_readable(tasks: TaskSet) -> None:
    """Raise ValueError unless each way's own sentence is read as that way."""
    reader = Reader(tasks)
    for command in tasks.commands:
        reading = reader.read(command.say)
        if not isinstance(reading, Understood):
            raise ValueError(explained(command.say, reading))
        if reading.command != command:
            raise ValueError(f'"{command.say}" is read as "{reading.command.say}"')
