"""What a policy wrote in an episode: times, words, codes, and why nothing came of an inference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from kinevla_ros.language.command import Command
from kinevla_ros.language.reading.reader_of import reader_of
from kinevla_ros.language.reading.readings import UnknownReasoning
from kinevla_ros.sim.cell.judge import Judgement


class Written(Protocol):
    """Words and codes of one inference, in whatever action space; see `Prediction`."""

    @property
    def goal(self) -> str: ...
    @property
    def kinematics(self) -> str: ...
    @property
    def goal_codes(self) -> tuple[int, ...]: ...
    @property
    def kinematics_codes(self) -> tuple[int, ...]: ...
    @property
    def draft_accepted(self) -> bool: ...


class Account:
    """Kept of one episode of a command; the attributes are those of `EpisodeResult`."""

    def __init__(self, command: Command) -> None:
        self._command, self._reader = command, reader_of(command.tasks)
        self.model_times: list[float] = []
        self.warm: list[bool] = []
        self.texts: list[tuple[str, str]] = []
        self.codes: list[tuple[int, ...]] = []
        self.reasoning_correct = 0
        self.no_motion: Counter[str] = Counter()

    def count(self, written: Written, seconds: float) -> None:
        """Take an inference that gave a chunk, and the time that it took."""
        self.model_times.append(seconds)
        self.warm.append(written.draft_accepted)
        self.texts.append((written.goal, written.kinematics))
        self.codes.append((*written.goal_codes, *written.kinematics_codes))
        self.reasoning_correct += self._named(written) == self._command

    def fields(self) -> dict[str, Any]:
        """What an `EpisodeResult` has of it."""
        return {
            "model_times": tuple(self.model_times),
            "warm": tuple(self.warm),
            "texts": tuple(self.texts),
            "codes": tuple(self.codes),
            "reasoning_correct": self.reasoning_correct,
            "no_motion": dict(self.no_motion),
        }

    def _named(self, written: Written) -> Command | None:
        """The command that the words name, if they name one."""
        try:
            return self._reader.reasoning(written.goal, written.kinematics)
        except UnknownReasoning:
            return None


def executed(
    judgements: Mapping[Command, Judgement], called: Mapping[str, str] | None = None
) -> dict[str, str | None]:
    """Which value of each slot was carried out, by the judgements on all commands of one goal.

    Where an object lies says nothing until it lies where the goal wants it.

    Args:
        called: slot to the name of its constraint, where that is another.
    """
    found: dict[str, str | None] = {}
    for command, judgement in judgements.items():
        slots = command.tasks.slots
        for slot, value in command.slots().items():
            constraint = (called or {}).get(slot, slot)
            if constraint in judgement.constraints:
                found.setdefault(slot, None)
                kept = judgement.constraints[constraint]
                if kept and (judgement.goal or slots[slot].role == "grasp"):
                    found[slot] = value
    return found
