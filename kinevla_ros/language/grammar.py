"""Kinematic commands of the seven Kine-Realman tasks and the texts that express them.

A command says *what* (object) and *how* (direction, or part and side). Left, right and front are
those of the front camera's image. Tasks and wording: KineVLA, table of Kine-Realman instructions.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

Split = Literal["train", "held_out"]


@dataclass(frozen=True)
class Command:
    """One way to reach one goal: the bread has a direction, the carrot a part and a side.

    Raises ValueError when the slots do not make one of the seven tasks.
    """

    object: str
    direction: str | None = None
    part: str | None = None
    side: str | None = None

    def __post_init__(self) -> None:
        slots = (self.direction, self.part, self.side)
        bread = self.object == "bread" and slots in {(d, None, None) for d in DIRECTIONS}
        carrot = self.object == "carrot" and slots in {
            (None, part, side) for part in PARTS for side in SIDES
        }
        if not (bread or carrot):
            raise ValueError(
                f"no task has the slots {self.slots()}: use the bread with a direction of "
                f"{list(DIRECTIONS)}, or the carrot with a part of {list(PARTS)} and a side of "
                f"{list(SIDES)}"
            )

    @property
    def task_number(self) -> int:
        """Number of the task in the paper, 1 to 7."""
        return TASKS.index(self) + 1

    def slots(self) -> dict[str, str]:
        """The slots that this command fills, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


DIRECTIONS: Mapping[str, tuple[str, ...]] = {
    **{
        f"{side}_front": (
            f"to the {side} front",
            f"to the front {side}",
            f"towards the {side} front",
            f"forward and to the {side}",
            f"to the front and to the {side}",
            f"forward {side}",
        )
        for side in ("left", "right")
    },
    "front": (
        "to the front",
        "forward",
        "towards the front",
        "straight forward",
        "straight to the front",
        "straight ahead",
    ),
}
PARTS: Mapping[str, tuple[str, ...]] = {
    "upper": (
        "the upper part",
        "the upper end",
        "the top part",
        "the top end",
        "the thick end",
        "the leafy end",
    ),
    "lower": (
        "the lower part",
        "the lower end",
        "the bottom part",
        "the bottom end",
        "the thin tip",
        "the pointed end",
    ),
}
SIDES: Mapping[str, tuple[str, ...]] = {
    side: (
        f"the {side} side of the plate",
        f"the {side} half of the plate",
        f"the {side} part of the plate",
        f"the {side} hand side of the plate",
        f"the plate's {side} side",
        f"the plate's {side} half",
    )
    for side in ("right", "left")
}
OPENINGS = ("", "please ", "carefully ", "can you ", "could you please ")
WORDING: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "bread": {
        "template": (
            "{grasp} the bread and {move} it {direction}",
            "{grasp} the bread, then {move} it {direction}",
            "{grasp} the bread and then {move} it {direction}",
            "first {grasp} the bread, then {move} it {direction}",
        ),
        "grasp": ("pick up", "grab", "take", "lift", "grasp", "get"),
        "move": ("move", "carry", "bring", "shift", "transfer", "transport"),
    },
    "carrot": {
        "template": (
            "{hold} the carrot by {part} and {place} it on {side}",
            "{hold} the carrot by {part}, then {place} it on {side}",
            "{hold} {part} of the carrot and {place} it on {side}",
            "first {hold} {part} of the carrot, then {place} it on {side}",
            "{place} the carrot on {side}, but {hold} it by {part}",
        ),
        "hold": ("hold", "grasp", "grip", "grab", "take", "lift"),
        "place": ("place", "put", "set", "lay", "release", "leave"),
    },
}
# A phrasing that joins a pair of synonyms reserved here is held out: see `_is_held_out`.
PAIRS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "bread": (("grasp", "move"), ("move", "direction")),
    "carrot": (("hold", "place"), ("hold", "part"), ("place", "side")),
}
GOALS: Mapping[str, str] = {"bread": "move the bread", "carrot": "place the carrot in the plate"}
REFUSAL = "this is not understood"
"""What the model writes in the place of a goal that it does not know."""
SYNONYMS = 6

TASKS: tuple[Command, ...] = (
    Command("bread", direction="left_front"),
    Command("bread", direction="right_front"),
    Command("bread", direction="front"),
    Command("carrot", part="upper", side="right"),
    Command("carrot", part="upper", side="left"),
    Command("carrot", part="lower", side="left"),
    Command("carrot", part="lower", side="right"),
)


def siblings(command: Command) -> tuple[Command, ...]:
    """The other commands with the same goal and different kinematics, in paper order."""
    return tuple(task for task in TASKS if task.object == command.object and task != command)


def goal_text(command: Command) -> str:
    """The coarse reasoning text: what to reach, the same for all commands of a family."""
    return GOALS[command.object]


def kinematics_text(command: Command) -> str:
    """The fine reasoning text: order, path, grasped part and release, one text per command."""
    if command.direction is not None:
        direction = command.direction.replace("_", " ")
        return (
            f"grasp the bread first, then lift it, carry it to the {direction} and release it there"
        )
    return (
        f"grasp the carrot by its {command.part} part first, then lift it "
        f"and release it on the {command.side} side of the plate"
    )


def instruction(command: Command, rng: np.random.Generator, split: Split = "train") -> str:
    """Draw one phrasing of the command, lower case and without a final period.

    Every word of the held-out phrasings occurs in the train phrasings; each held-out phrasing
    joins at least one pair of synonyms that no train phrasing joins.
    """
    held_out = _check_split(split)
    options = _options(command)
    while True:
        choice = {name: int(rng.integers(len(texts))) for name, texts in options.items()}
        if _is_held_out(command, choice) == held_out:
            return _render(options, choice)


def phrasings(command: Command, split: Split = "train") -> Iterator[str]:
    """All phrasings of the command in one split; the first train phrasing is the paper's."""
    held_out = _check_split(split)
    options = _options(command)
    for indices in itertools.product(*(range(len(texts)) for texts in options.values())):
        choice = dict(zip(options, indices, strict=True))
        if _is_held_out(command, choice) == held_out:
            yield _render(options, choice)


def grammar_words() -> frozenset[str]:
    """Every word that an instruction or a reasoning text of the grammar can contain."""
    texts = [text for task in TASKS for options in _options(task).values() for text in options]
    texts += [write(task) for task in TASKS for write in (goal_text, kinematics_text)]
    slotless = (re.sub(r"\{\w+\}", "", text) for text in texts)
    return frozenset(word for text in slotless for word in re.findall(r"[a-z']+", text))


def _options(command: Command) -> dict[str, tuple[str, ...]]:
    wording = {"opening": OPENINGS, **WORDING[command.object]}
    if command.direction is not None:
        return {**wording, "direction": DIRECTIONS[command.direction]}
    assert command.part is not None and command.side is not None
    return {**wording, "part": PARTS[command.part], "side": SIDES[command.side]}


def _is_held_out(command: Command, choice: Mapping[str, int]) -> bool:
    """Each synonym has one reserved partner per pair, so it meets all others in training."""
    return any(
        (choice[first] + choice[second]) % SYNONYMS == SYNONYMS - 1
        for first, second in PAIRS[command.object]
    )


def _render(options: Mapping[str, tuple[str, ...]], choice: Mapping[str, int]) -> str:
    texts = {name: options[name][index] for name, index in choice.items()}
    return texts["opening"] + texts["template"].format(**texts)


def _check_split(split: str) -> bool:
    if split not in ("train", "held_out"):
        raise ValueError(f'unknown split {split!r}: use "train" or "held_out"')
    return split == "held_out"
