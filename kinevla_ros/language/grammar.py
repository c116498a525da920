"""Phrasings of a command: sentences drawn from the templates of its task set."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from kinevla_ros.language.command import Command
from kinevla_ros.language.reading.words import words_of
from kinevla_ros.language.task_set import TaskSet

Split = Literal["train", "held_out"]

REFUSAL = "this is not understood"
"""What the model writes in the place of a goal that it does not know."""


def instruction(command: Command, rng: np.random.Generator, split: Split = "train") -> str:
    """Draw one phrasing of the command, without a final period.

    Every word of the held-out phrasings occurs in the train phrasings; each held-out phrasing
    joins at least one pair of synonyms that no train phrasing joins. A set without templates holds
    nothing out: it is one of the sentences that it has.
    """
    held_out = _check_split(split)
    options = options_of(command)
    while True:
        choice = {name: int(rng.integers(len(texts))) for name, texts in options.items()}
        if _is_held_out(command, choice, options) in (held_out, None):
            return _render(options, choice)


def phrasings(command: Command, split: Split = "train") -> Iterator[str]:
    """All phrasings of the command in one split, the plainest first."""
    held_out = _check_split(split)
    options = options_of(command)
    for indices in itertools.product(*(range(len(texts)) for texts in options.values())):
        choice = dict(zip(options, indices, strict=True))
        if _is_held_out(command, choice, options) in (held_out, None):
            yield _render(options, choice)


def grammar_words(tasks: TaskSet) -> frozenset[str]:
    """Every word that an instruction or a reasoning text of the set can contain, in lower case."""
    texts = [text for c in tasks.commands for options in options_of(c).values() for text in options]
    texts += [text for pair in tasks.texts() for text in pair]
    slotless = (re.sub(r"\{\w+\}", "", text) for text in texts)
    return frozenset(word for text in slotless for word in words_of(text))


def options_of(command: Command) -> dict[str, tuple[str, ...]]:
    tasks, goal = command.tasks, command.goal_entry
    if not tasks.has_slots:
        return {"template": command.instructions}
    verbs = {name: own for name in ("grasp", "move") if (own := getattr(goal, name))}
    phrases = {n: tasks.slots[n].values[value].phrases for n, value in command.values}
    return {"opening": tasks.openings, "template": goal.templates, **verbs, **phrases}


def _is_held_out(
    command: Command, choice: Mapping[str, int], options: Mapping[str, tuple[str, ...]]
) -> bool | None:
    """Each synonym has one reserved partner per pair, so it meets all others in training.

    None where nothing is held out.
    """
    pairs = command.goal_entry.held_out_pairs
    if not pairs:
        return None
    return any(
        (choice[first] + choice[second] + 1) % len(options[second]) == 0 for first, second in pairs
    )


def _render(options: Mapping[str, tuple[str, ...]], choice: Mapping[str, int]) -> str:
    texts = {name: options[name][index] for name, index in choice.items()}
    if "opening" not in texts:
        return texts["template"]
    return texts["opening"] + texts["template"].format(**texts)


def _check_split(split: str) -> bool:
    if split not in ("train", "held_out"):
        raise ValueError(f'unknown split {split!r}: use "train" or "held_out"')
    return split == "held_out"
