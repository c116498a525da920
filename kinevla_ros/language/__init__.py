"""Task sets, what reads and writes sentences about them, and the vocabulary of words and codes."""

from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import instruction, phrasings
from kinevla_ros.language.parse import UnknownInstruction, parse_instruction
from kinevla_ros.language.reading.reader_of import TaskReader, reader_of
from kinevla_ros.language.reading.readings import UnknownReasoning
from kinevla_ros.language.task_file import TaskSetError, load_tasks, save_tasks
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary, VocabularyError

__all__ = [
    "Command",
    "TaskReader",
    "TaskSet",
    "TaskSetError",
    "UnknownInstruction",
    "UnknownReasoning",
    "Vocabulary",
    "VocabularyError",
    "instruction",
    "load_tasks",
    "parse_instruction",
    "phrasings",
    "reader_of",
    "save_tasks",
]
