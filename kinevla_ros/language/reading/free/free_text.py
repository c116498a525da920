"""Reads sentences about a task set without slots, in whatever language its texts are.

Nothing is known of the language, so nothing is guessed. A sentence names a way where each of its
words occurs in the texts of that way, and where it holds, against every other way, a word that is
sure to tell the two apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kinevla_ros.language.command import Command
from kinevla_ros.language.reading.readings import (
    Question,
    Reading,
    Refused,
    Understood,
    UnknownReasoning,
    shortened,
)
from kinevla_ros.language.reading.words import plain, words_of
from kinevla_ros.language.task_set import TaskSet

NEGATIONS = frozenset(
    [
        "not",
        "no",
        "never",
        "don't",
        "dont",
        "doesn't",
        "without",
        "except",
        "instead",
        "neither",
        "nor",
        "avoid",
        "nicht",
        "kein",
        "keine",
        "keinen",
        "nie",
        "niemals",
        "ohne",
        "statt",
        "weder",
        "ne",
        "pas",
        "jamais",
        "sans",
        "ni",
        "non",
        "mai",
        "senza",
        "nunca",
        "sin",
        "não",
        "nem",
        "sem",
        "niet",
        "geen",
        "nooit",
        "zonder",
        "не",
        "нет",
        "без",
        "inte",
        "aldrig",
        "utan",
        "ikke",
        "aldri",
        "uten",
        "nie",
        "bez",
        "不",
        "别",
        "沒",
        "没",
        "勿",
        "無",
        "无",
        "未",
    ]
)
"""A sentence with one of them is taken only where the task set holds it word for word."""

MOST_WAYS = 6
"""So many are offered in a question."""


class FreeTextReader:
    """Reads sentences about one task set without slots."""

    def __init__(self, tasks: TaskSet) -> None:
        self._commands = tasks.commands
        self._said = {
            c: [words_of(t) for t in (*c.instructions, c.kinematics)] for c in tasks.commands
        }
        self._words = {
            c: frozenset().union(*said, words_of(c.goal)) for c, said in self._said.items()
        }
        self._sure = {c: _in_all(c) | frozenset(words_of(c.kinematics)) for c in tasks.commands}
        self._written = {(plain(c.goal), plain(c.kinematics)): c for c in tasks.commands}

    def read(self, text: str, asked: Question | None = None) -> Reading:
        """Read an instruction, or the answer to a question; see `Reader.read`."""
        alone = self._read(words_of(text), text)
        if asked is None or isinstance(alone, Understood):
            return alone
        together = self._read([*words_of(asked.said), *words_of(text)], f"{asked.said}; {text}")
        closer = isinstance(together, Question) and len(together.choices["way"]) < len(
            asked.choices["way"]
        )
        return together if isinstance(together, Understood) or closer else alone

    def slots(self, text: str) -> dict[str, str]:
        """There are none."""
        return {}

    def reasoning(self, goal: str, kinematics: str) -> Command:
        """The way that two reasoning texts are those of. Raises UnknownReasoning for others."""
        found = self._written.get((plain(goal), plain(kinematics)))
        if found is None:
            raise UnknownReasoning(
                f'the texts "{shortened(goal)}" and "{shortened(kinematics)}" are those of no way; '
                f'write for example "{self.nearest(f"{goal} {kinematics}").kinematics}"'
            )
        return found

    def nearest(self, text: str) -> Command:
        """The way that shares most words with a text."""
        words = frozenset(words_of(text))
        return max(self._commands, key=lambda c: len(words & self._words[c]))

    def _read(self, words: Sequence[str], text: str) -> Reading:
        verbatim = [c for c in self._commands if list(words) in self._said[c]]
        if verbatim:
            return Understood(verbatim[0]) if len(verbatim) == 1 else self._question(verbatim, text)
        known = frozenset().union(*self._words.values())
        if unknown := [w for w in dict.fromkeys(words) if w not in known]:
            shown = ", ".join(unknown[:5])
            return self._refused(text, f"has words that no demonstration had ({shown})")
        if no := [w for w in words if w in NEGATIONS]:
            return self._refused(text, f'says what is not to be done ("{no[0]}"): say what is')
        fitting = [c for c in self._commands if self._words[c].issuperset(words)]
        if not words or not fitting:
            return self._refused(text, "joins words that no way joins" if words else "is empty")
        if len(fitting) == 1 and self._is_distinguished(fitting[0], frozenset(words)):
            return Understood(fitting[0])
        # One that fits by a word of chance alone is offered beside those of the same goal.
        near = fitting if len(fitting) > 1 else [fitting[0], *fitting[0].siblings()]
        return self._question(near, text)

    def _is_distinguished(self, command: Command, words: frozenset[str]) -> bool:
        """Whether, against each other way, a word is there that this one always has."""
        sure = words & self._sure[command]
        return all(sure - self._words[other] for other in self._commands if other != command)

    def _question(self, commands: Sequence[Command], text: str) -> Question:
        ways = tuple(c.kinematics for c in commands[:MOST_WAYS])
        shown = "; ".join(f'"{way}"' for way in ways)
        ask = f"In which way: {shown}?" if len(ways) > 1 else f"Is it {shown}?"
        return Question(text, {}, {"way": ways}, ask, commands[0].say)

    def _refused(self, text: str, reason: str) -> Refused:
        return Refused(reason, self.nearest(text).say)


def _in_all(command: Command) -> frozenset[str]:
    return _intersection(frozenset(words_of(text)) for text in command.instructions)


def _intersection(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    first, *rest = sets
    return first.intersection(*rest)
