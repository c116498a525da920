"""Reads sentences about a task set with several goals for one object, as those of LIBERO.

The reader by slots goes from the object to its goal, and cannot tell such goals apart. Here a
sentence is one of those that the set's templates make, whichever words stand in their fields, or
it is read as free text is: it must hold, against every other way, a word that tells the two apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import options_of
from kinevla_ros.language.reading.free.free_text import FreeTextReader
from kinevla_ros.language.reading.readings import Question, Reading, Understood
from kinevla_ros.language.reading.words import plain
from kinevla_ros.language.task_set import TaskSet


class TemplateReader(FreeTextReader):
    """Reads sentences about one task set by its templates."""

    def __init__(self, tasks: TaskSet) -> None:
        super().__init__(tasks)
        self._tasks = tasks

    def read(self, text: str, asked: Question | None = None) -> Reading:
        """Read an instruction, or the answer to a question; see `Reader.read`."""
        said = plain(text)
        found = [c for c, pattern in self._patterns.items() if pattern.fullmatch(said)]
        if len(found) == 1:
            return Understood(found[0])
        return super().read(text, asked)

    @cached_property
    def _patterns(self) -> dict[Command, re.Pattern[str]]:
        return {command: _pattern(command) for command in self._tasks.commands}


def _pattern(command: Command) -> re.Pattern[str]:
    """All that the templates of a command say."""
    options = dict(options_of(command))
    templates, openings = options.pop("template"), options.pop("opening")
    fields = {name: _either(texts) for name, texts in options.items()}
    bodies = (_body(template, fields) for template in templates)
    start = "|".join(f"{escaped} " for text in openings if (escaped := re.escape(plain(text))))
    return re.compile(f"(?:{start})?(?:{'|'.join(bodies)})" if start else "|".join(bodies))


def _body(template: str, fields: Mapping[str, str]) -> str:
    """A template's words with its fields, a space between each two of them."""
    parts = re.split(r"\{(\w+)\}", template)
    texts = [fields[p] if n % 2 else re.escape(plain(p)) for n, p in enumerate(parts)]
    return r"\ ".join(text for text in texts if text)


def _either(texts: Iterable[str]) -> str:
    return f"(?:{'|'.join(re.escape(plain(text)) for text in texts)})"
