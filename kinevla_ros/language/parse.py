"""Reads a command out of an instruction where nobody can be asked."""

from __future__ import annotations

from kinevla_ros.language.command import Command
from kinevla_ros.language.reading.reader_of import TaskReader
from kinevla_ros.language.reading.readings import Understood, explained


class UnknownInstruction(ValueError):
    """The instruction is no task, or not a whole one; the message says what is wrong or missing."""


def parse_instruction(reader: TaskReader, text: str) -> Command:
    """Read an operator's instruction. Raises UnknownInstruction when it is not one whole task."""
    reading = reader.read(text)
    if isinstance(reading, Understood):
        return reading.command
    raise UnknownInstruction(explained(text, reading))
