"""Which instruction is in force, by what is said and what the policy makes of it."""

from __future__ import annotations

from kinevla_ros.language.stop import ends_task

UNDERSTOOD = (0, 10)
"""Statuses of `Reasoning` whose instruction is in force: OK and ACCEPTED."""

LATE = 1.0
"""So long after a stop may words of before still come, s."""


class InstructionLog:
    """Takes messages of /instruction and /kinevla/reasoning.

    Attributes:
        stopped: whether a stop was the last that was said.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._said, self._read = "", ""
        self._ended, self._ended_at = "", float("-inf")
        self._all_said: list[str] = []
        self._all_read: list[str] = []

    def begin(self) -> None:
        """An episode begins; what is in force stays so."""
        self._all_said = [self._said] if self._said else []
        self._all_read = [self._read] if self._read else []

    def hear(self, text: str, at: float) -> None:
        """Take an instruction, or an answer to a question; at: when it came, s."""
        self.stopped = ends_task(text)
        if self.stopped:
            self._ended, self._ended_at = self._read, at
            self._said = self._read = ""
            return
        self._said = text.strip()
        self._all_said.append(self._said)

    def read(self, text: str, status: int, at: float) -> None:
        """Take an instruction as the policy has understood it, answers put in.

        Args:
            text, status: of a `Reasoning`.
            at: when it came, s.
        """
        late = self.stopped and text == self._ended and at - self._ended_at < LATE
        if status not in UNDERSTOOD or text == self._read or late:
            return
        self._read, self.stopped = text, False
        self._all_read.append(text)

    def in_force(self) -> str:
        """What holds now; empty if nothing does."""
        return self._read or self._said

    def of_episode(self) -> list[str]:
        """All that were in force since `begin`, each once; the policy's reading goes first."""
        return list(dict.fromkeys(self._all_read or self._all_said))
