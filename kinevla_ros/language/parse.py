"""Reads the slots of a command back out of an instruction or of the two reasoning texts."""

from __future__ import annotations

import functools

from kinevla_ros.language.grammar import Command
from kinevla_ros.language.reader import Question, Reader, Reading, Understood
from kinevla_ros.language.task_set import kine_realman


class UnknownInstruction(ValueError):
    """The instruction is no task, or not a whole one; the message says what is wrong or missing."""


class UnknownReasoning(ValueError):
    """The goal and kinematics texts do not name one and the same command."""


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


def explained(text: str, reading: Reading) -> str:
    """Why an instruction is not carried out, and what to say."""
    assert not isinstance(reading, Understood)
    what = _missing(reading) if isinstance(reading, Question) else reading.reason
    return f'the instruction "{shortened(text)}" {what}; say for example "{reading.nearest}"'


def parse_reasoning(goal: str, kinematics: str) -> Command:
    """Read a command out of the two reasoning texts.

    The kinematics text must be complete and the goal text must name the same object, else
    UnknownReasoning is raised.
    """
    reading = reader().read(kinematics)
    if not isinstance(reading, Understood):
        what = _missing(reading) if isinstance(reading, Question) else reading.reason
        example = reader().nearest(f"{goal} {kinematics}")[2]
        raise UnknownReasoning(
            f'the kinematics text "{shortened(kinematics)}" {what}; write for example "{example}"'
        )
    wanted, found = slots(goal).get("object"), reading.slots["object"]
    if wanted != found:
        raise UnknownReasoning(
            f'the goal text "{shortened(goal)}" names {wanted or "no object"}, but the kinematics '
            f"text names {found}: both must speak of the same object"
        )
    return Command(**reading.slots)


def shortened(text: str, length: int = 80) -> str:
    """The beginning of a text."""
    return text if len(text) <= length else text[: length - 3] + "..."


def _missing(question: Question) -> str:
    wanted = " and no ".join(
        f"{slot} ({', '.join(names)})" for slot, names in question.choices.items()
    )
    return f"names no {wanted}"
