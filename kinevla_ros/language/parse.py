"""Reads a command of the shipped task set out of an instruction or of the two reasoning texts."""

from __future__ import annotations

import functools

from kinevla_ros.language.grammar import Command
from kinevla_ros.language.reading.reader import Reader, Understood, UnknownReasoning, explained
from kinevla_ros.language.task_set import kine_realman

__all__ = [
    "UnknownInstruction",
    "UnknownReasoning",
    "parse_instruction",
    "parse_reasoning",
    "reader",
    "slots",
]


class UnknownInstruction(ValueError):
    """The instruction is no task, or not a whole one; the message says what is wrong or missing."""


@functools.cache
def reader() -> Reader:
    """The reader of the shipped task set."""
    return Reader(kine_realman())


def slots(text: str) -> dict[str, str]:
    """Slots that the text names clearly, the object among them; never raises.

    A slot with two readings is left out, so a contradictory text scores as missing it.
    """
    return reader().slots(text)


def parse_instruction(text: str) -> Command:
    """Read an operator's instruction. Raises UnknownInstruction when it is not one whole task."""
    reading = reader().read(text)
    if isinstance(reading, Understood):
        return Command(**reading.slots)
    raise UnknownInstruction(explained(text, reading))


def parse_reasoning(goal: str, kinematics: str) -> Command:
    """Read a command out of the two reasoning texts; raises UnknownReasoning, see there."""
    return Command(**reader().reasoning(goal, kinematics))
