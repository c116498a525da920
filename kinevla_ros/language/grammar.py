"""Commands of a task set and the texts that express them.

A command says *what* (object) and *how* (slots such as direction, or part and side).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kinevla_ros.language.task_set import Goal, Way, kine_realman

Split = Literal["train", "held_out"]

REFUSAL = "this is not understood"
"""What the model writes in the place of a goal that it does not know."""

_SET = kine_realman()


@dataclass(frozen=True, init=False)
class Command:
    """One way to reach one goal; each slot of the task set is an attribute, None where it has none.

    Raises ValueError when object and slots make no way of the task set.
    """

    object: str
    values: tuple[tuple[str, str], ...]

    def __init__(self, object: str, **slots: str) -> None:
        named = {"object": object, **slots}
        if named not in [{"object": goal.object, **way.slots} for goal, way in _SET.ways()]:
            raise ValueError(f"no task has the slots {named}: use {_known()}")
        super().__setattr__("object", object)
        super().__setattr__("values", tuple((n, slots[n]) for n in _SET.goal(object).slots))

    def __getattr__(self, name: str) -> str | None:
        if name in _SET.slots:
            return dict(self.values).get(name)
        raise AttributeError(name)

    @property
    def task_number(self) -> int:
        """Number of the way in the task set, from 1."""
        return TASKS.index(self) + 1

    def slots(self) -> dict[str, str]:
        """The slots that this command fills, by name."""
        return {"object": self.object, **dict(self.values)}


def _known() -> str:
    """All objects with their slots and values."""
    slots = {
        goal.object: " and ".join(
            f"a {name} of {list(_SET.slots[name].values)}" for name in goal.slots
        )
        for goal in _SET.goals
    }
    return "; ".join(f"the {name} with {values}" for name, values in slots.items())


TASKS: tuple[Command, ...] = tuple(Command(goal.object, **way.slots) for goal, way in _SET.ways())


def siblings(command: Command) -> tuple[Command, ...]:
    """The other commands with the same goal and different kinematics, in the file's order."""
    return tuple(task for task in TASKS if task.object == command.object and task != command)


def goal_text(command: Command) -> str:
    """The coarse reasoning text: what to reach, the same for all commands of a goal."""
    return _way(command)[0].text


def kinematics_text(command: Command) -> str:
    """The fine reasoning text: order, path, grasped part and release, one text per command."""
    return _way(command)[1].kinematics


def instruction(command: Command, rng: np.random.Generator, split: Split = "train") -> str:
    """Draw one phrasing of the command, lower case and without a final period.

    Every word of the held-out phrasings occurs in the train phrasings; each held-out phrasing
    joins at least one pair of synonyms that no train phrasing joins.
    """
    held_out = _check_split(split)
    options = _options(command)
    while True:
        choice = {name: int(rng.integers(len(texts))) for name, texts in options.items()}
        if _is_held_out(command, choice, options) == held_out:
            return _render(options, choice)


def phrasings(command: Command, split: Split = "train") -> Iterator[str]:
    """All phrasings of the command in one split, the plainest first."""
    held_out = _check_split(split)
    options = _options(command)
    for indices in itertools.product(*(range(len(texts)) for texts in options.values())):
        choice = dict(zip(options, indices, strict=True))
        if _is_held_out(command, choice, options) == held_out:
            yield _render(options, choice)


def grammar_words() -> frozenset[str]:
    """Every word that an instruction or a reasoning text of the grammar can contain."""
    texts = [text for task in TASKS for options in _options(task).values() for text in options]
    texts += [write(task) for task in TASKS for write in (goal_text, kinematics_text)]
    slotless = (re.sub(r"\{\w+\}", "", text) for text in texts)
    return frozenset(word for text in slotless for word in re.findall(r"[a-z']+", text))


def _way(command: Command) -> tuple[Goal, Way]:
    return _SET.way(command.slots())


def _options(command: Command) -> dict[str, tuple[str, ...]]:
    goal = _SET.goal(command.object)
    phrases = {n: _SET.slots[n].values[value].phrases for n, value in command.values}
    return {
        "opening": _SET.openings,
        "template": goal.templates,
        "grasp": goal.grasp,
        "move": goal.move,
        **phrases,
    }


def _is_held_out(
    command: Command, choice: Mapping[str, int], options: Mapping[str, tuple[str, ...]]
) -> bool:
    """Each synonym has one reserved partner per pair, so it meets all others in training."""
    return any(
        (choice[first] + choice[second] + 1) % len(options[second]) == 0
        for first, second in _SET.goal(command.object).held_out_pairs
    )


def _render(options: Mapping[str, tuple[str, ...]], choice: Mapping[str, int]) -> str:
    texts = {name: options[name][index] for name, index in choice.items()}
    return texts["opening"] + texts["template"].format(**texts)


def _check_split(split: str) -> bool:
    if split not in ("train", "held_out"):
        raise ValueError(f'unknown split {split!r}: use "train" or "held_out"')
    return split == "held_out"
