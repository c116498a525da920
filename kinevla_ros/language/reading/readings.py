"""What becomes of a sentence: it is understood, leaves something open, or is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kinevla_ros.language.command import Command


@dataclass(frozen=True)
class Understood:
    """One way is named, and nothing else.

    Attributes:
        command: the way.
    """

    command: Command


@dataclass(frozen=True)
class Question:
    """Something is missing.

    Attributes:
        said: what was asked for, to be completed by an answer.
        slots: what was read.
        choices: each missing slot, "object" among them, to the names of its values; in a set
            without slots "way" to a sentence for each.
        text: what to ask.
        nearest: a whole sentence close to what was said.
    """

    said: str
    slots: Mapping[str, str]
    choices: Mapping[str, tuple[str, ...]]
    text: str
    nearest: str


@dataclass(frozen=True)
class Refused:
    """Nothing that can be done.

    Attributes:
        reason: completes `the instruction "..." `.
        nearest: a sentence that works, close to what was said.
    """

    reason: str
    nearest: str


Reading = Understood | Question | Refused


class UnknownReasoning(ValueError):
    """The goal and kinematics texts do not name one and the same way."""


def explained(text: str, reading: Question | Refused) -> str:
    """Why an instruction is not carried out, and what to say."""
    return (
        f'the instruction "{shortened(text)}" {problem_of(reading)}; '
        f'say for example "{reading.nearest}"'
    )


def problem_of(reading: Question | Refused) -> str:
    """What is wrong with a text, or missing in it."""
    if isinstance(reading, Refused):
        return reading.reason
    wanted = (f"{slot} ({', '.join(names)})" for slot, names in reading.choices.items())
    return f"names no {' and no '.join(wanted)}"


def shortened(text: str) -> str:
    """The beginning of a text, 80 characters at most."""
    return text if len(text) <= 80 else text[:77] + "..."
