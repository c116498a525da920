"""A word of a sentence with what it is to a task set."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from kinevla_ros.language.reading import english
from kinevla_ros.language.task_set import Goal

BREAK = ","


class Kind(Enum):
    """What a word is."""

    OBJECT = auto()
    LANDMARK = auto()
    SURROUNDING = auto()
    SLOT = auto()
    HEAD = auto()
    VERB = auto()
    PLACE = auto()
    GRASP = auto()
    WITH = auto()
    RELATION = auto()
    ARTICLE = auto()
    OF = auto()
    IT = auto()
    AND = auto()
    THEN = auto()
    BREAK = auto()
    BE = auto()
    POSSESSIVE = auto()
    PARTICLE = auto()
    FILLER = auto()
    NEGATION = auto()
    CHOICE = auto()
    UNKNOWN = auto()


NAME = "name"
"""Role of a word that is written as a name."""

NOUNS = frozenset({Kind.OBJECT, Kind.LANDMARK, Kind.SURROUNDING, Kind.IT})


@dataclass(frozen=True)
class Token:
    """A word, its kind, the object, landmark or verb that it names, and the role of
    its slot, or that it is a name."""

    word: str
    kind: Kind
    name: str = ""
    role: str = ""


class Unreadable(ValueError):
    """The sentence cannot be read; the message completes `the instruction "..." `."""


def verbs_of(goal: Goal) -> tuple[frozenset[str], frozenset[str]]:
    """Verbs that ask for the two halves of a goal's motion: its own, and what means the same."""
    grasp, move = ({head(verb) for verb in verbs} for verbs in (goal.grasp, goal.move))
    if grasp & english.GRASP_VERBS:
        grasp |= english.GRASP_VERBS
    if move & english.MOVE_VERBS:
        move |= english.MOVE_VERBS
    return frozenset(grasp), frozenset(move)


def head(verb: str) -> str:
    """The verb without its particle."""
    return verb.split()[0]
