"""Instructions, reasoning texts and the vocabulary that words and action codes share."""

from kinevla_ros.language.grammar import (
    TASKS,
    Command,
    goal_text,
    instruction,
    kinematics_text,
    phrasings,
    siblings,
)
from kinevla_ros.language.parse import (
    UnknownInstruction,
    UnknownReasoning,
    parse_instruction,
    parse_reasoning,
    slots,
)
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary, VocabularyError

__all__ = [
    "TASKS",
    "Command",
    "UnknownInstruction",
    "UnknownReasoning",
    "Vocabulary",
    "VocabularyError",
    "goal_text",
    "instruction",
    "kinematics_text",
    "parse_instruction",
    "parse_reasoning",
    "phrasings",
    "siblings",
    "slots",
]
