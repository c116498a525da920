"""Which instruction an episode is about."""

from __future__ import annotations

from kinevla_ros.language.stop import ends_task


class InstructionLog:
    """Takes what is said and what the policy makes of it."""

    def __init__(self) -> None:
        self._said, self._read = "", ""
        self._all_said: list[str] = []
        self._all_read: list[str] = []

    def begin(self) -> None:
        """An episode begins; what is in force stays so."""
        self._all_said = [self._said] if self._said else []
        self._all_read = [self._read] if self._read else []

    def hear(self, text: str) -> None:
        """Take an instruction, or an answer to a question."""
        if ends_task(text):
            self._said = self._read = ""
            return
        self._said = text.strip()
        self._all_said.append(self._said)

    def read(self, text: str) -> None:
        """Take an instruction as the policy has understood it, answers put in."""
        if text != self._read:
            self._read = text
            self._all_read.append(text)

    def in_force(self) -> str:
        """What holds now; empty if nothing does."""
        return self._read or self._said

    def of_episode(self) -> list[str]:
        """All that were in force since `begin`, each once; the policy's reading goes first."""
        return list(dict.fromkeys(self._all_read or self._all_said))
