"""What a person decided about each episode, kept line by line so that nothing is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from kinevla_ros.base.files.damage import FileError, one_line
from kinevla_ros.base.files.json_file import parse_object, read_bounded

FILE = "meta/annotation.jsonl"
LARGEST = 64 << 20

Decision = Mapping[str, str] | None
"""Slots of an episode; None for one that is discarded."""


class Reviews:
    """Decisions in the folder of a dataset; each is on the disk before the next is taken.

    Attributes:
        decided: episode to decision.

    Raises:
        FileError: the file of an earlier run is damaged.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / FILE
        self._before: list[tuple[int, bool, Decision]] = []
        self.decided: dict[int, Decision] = {}
        if self._path.is_file():
            for number, line in enumerate(read_bounded(self._path, LARGEST).splitlines(), 1):
                try:
                    self._apply(parse_object(line))
                except (KeyError, TypeError, ValueError, IndexError) as problem:
                    raise FileError(
                        f"{self._path}:{number}: {one_line(problem)}; delete the line"
                    ) from problem

    def decide(self, episode: int, decision: Decision) -> None:
        """Accept slots for an episode, or discard it."""
        said = {"discard": True} if decision is None else {"slots": dict(decision)}
        self._write({"episode": episode, **said})

    def undo(self) -> int | None:
        """Take the last decision back; returns its episode, None where there is none."""
        if not self._before:
            return None
        episode = self._before[-1][0]
        self._write({"undo": True})
        return episode

    def _write(self, line: Mapping[str, object]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._apply(line)

    def _apply(self, line: Mapping[str, object]) -> None:
        if line.get("undo"):
            episode, had, decision = self._before.pop()
            if had:
                self.decided[episode] = decision
            else:
                del self.decided[episode]
            return
        number = line["episode"]
        if not isinstance(number, int):
            raise ValueError("it names no episode")
        slots = line.get("slots")
        if slots is not None and not isinstance(slots, dict):
            raise ValueError("its slots are no object")
        if slots is None and not line.get("discard"):
            raise ValueError("it decides nothing")
        self._before.append((number, number in self.decided, self.decided.get(number)))
        self.decided[number] = slots
