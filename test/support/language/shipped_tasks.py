"""The tasks that are shipped, for tests that need some."""

from __future__ import annotations

from kinevla_ros.language import parse
from kinevla_ros.language.command import Command
from kinevla_ros.language.reading.reader_of import reader_of
from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary

TASKS = kine_realman().commands
NOTHING_SAID: tuple[tuple[str, ...], ...] = ((),) * len(TASKS)
READER = reader_of(kine_realman())


def command_of(object: str, **slots: str) -> Command:
    return kine_realman().command({"object": object, **slots})


def goal_text(command: Command) -> str:
    return command.goal


def kinematics_text(command: Command) -> str:
    return command.kinematics


def siblings(command: Command) -> tuple[Command, ...]:
    return command.siblings()


def parse_instruction(text: str) -> Command:
    return parse.parse_instruction(READER, text)


def parse_reasoning(goal: str, kinematics: str) -> Command:
    return READER.reasoning(goal, kinematics)


def slots(text: str) -> dict[str, str]:
    return READER.slots(text)


def shipped_vocabulary(codes_per_level: int = 128) -> Vocabulary:
    return Vocabulary.from_tasks(kine_realman(), codes_per_level)
