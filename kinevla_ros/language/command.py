"""One way to reach one goal of a task set, and the texts that express it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kinevla_ros.language.task_set import Goal, TaskSet, Way


@dataclass(frozen=True, eq=False)
class Command:
    """One way to reach one goal of a task set; says *what* and *how*.

    Attributes:
        tasks: the set that it is of.
        task_number: of the way in the set, from 1.
        goal_entry, way_entry: the set's entries of it.
        values: slot and value, in the goal's order.
    """

    tasks: TaskSet = field(repr=False)
    task_number: int
    goal_entry: Goal = field(repr=False)
    way_entry: Way = field(repr=False)
    values: tuple[tuple[str, str], ...]

    def _identity(self) -> tuple[object, ...]:
        return self.tasks.name, self.task_number, self.goal, self.kinematics, self.values

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Command) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((self.task_number, self.kinematics))

    @property
    def object(self) -> str:
        """What is grasped; empty in a set without slots."""
        return self.goal_entry.object or ""

    @property
    def goal(self) -> str:
        """The coarse reasoning text: what to reach, the same for all commands of a goal."""
        return self.goal_entry.text

    @property
    def kinematics(self) -> str:
        """The fine reasoning text: how, one for each command."""
        return self.way_entry.kinematics

    @property
    def say(self) -> str:
        """A plain sentence for it."""
        return self.way_entry.say

    @property
    def prompt(self) -> str:
        """The instruction that a model is given for it, whatever a person said."""
        return self.way_entry.prompt

    @property
    def instructions(self) -> tuple[str, ...]:
        """Sentences that the set itself holds for it, without those of templates."""
        return tuple(
            dict.fromkeys((self.way_entry.say, self.way_entry.prompt, *self.way_entry.instructions))
        )

    def slot(self, name: str) -> str | None:
        """The value of a slot; None where the goal does not have it."""
        return dict(self.values).get(name)

    def slots(self) -> dict[str, str]:
        """The slots that it fills, by name, the object among them; empty in a set without."""
        return ({"object": self.goal_entry.key} if self.object else {}) | dict(self.values)

    @property
    def way(self) -> str:
        """The values of its slots, or its number in a set without; a name within its set."""
        return " ".join(value for _, value in self.values) or f"way {self.task_number}"

    def siblings(self) -> tuple[Command, ...]:
        """The other commands with the same goal, in the file's order."""
        return tuple(c for c in self.tasks.commands if c.goal == self.goal and c != self)
