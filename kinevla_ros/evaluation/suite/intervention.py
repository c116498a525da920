"""Interventions: the words of a policy are replaced while images, joints and instruction stay.

KineVLA measures with them whether the reasoning causes the motion: with words of another
instruction, kinematic success should fall and goal success should not (its table 1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Generic, TypeVar

from kinevla_ros.evaluation.suite.episode import EpisodeSetup, InferringPolicy
from kinevla_ros.evaluation.suite.run.account import Written
from kinevla_ros.generator.decoding.override import Override
from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import instruction
from kinevla_ros.language.task_set import TaskSet

MEANING: Mapping[str, str] = {
    "random": "both texts are random words of the reasoning vocabulary, other ones each time",
    "mismatched": "both texts are those of another command with the same goal",
    "empty": "both texts are empty",
    "oracle": "both texts are the right ones",
    "goal-only": "the kinematics text is empty",
    "swap": "goal words and goal codes stay; kinematics words and codes are those the policy "
    "writes when it hears another command with the same goal",
}
MOST_RANDOM_WORDS = 12

Seen = TypeVar("Seen")
Answer = TypeVar("Answer", bound=Written)


class IntervenedPolicy(Generic[Seen, Answer]):
    """A policy whose words are replaced in the way that the episode asks for.

    Attributes:
        worded: the command that the words from outside name; None where they name none.
    """

    def __init__(self, policy: InferringPolicy[Seen, Answer], episode: EpisodeSetup) -> None:
        self._policy, self._episode = policy, episode
        self._rng = episode.chance()
        self._mode = episode.intervention
        self.worded: Command | None = None
        if self._mode == "oracle":
            self.worded = episode.command
        elif self._mode in ("mismatched", "swap"):
            others = episode.command.siblings()
            self.worded = others[int(self._rng.integers(len(others)))]
            self._other_instruction = instruction(self.worded, self._rng, episode.phrasing)

    def reset(self) -> None:
        """Forget the episode before."""
        self._policy.reset()

    def infer(
        self,
        instruction: str,
        observation: Seen,
        override: Override | None = None,
    ) -> Answer:
        """Infer with the words replaced; see `InferringPolicy`."""
        if self._mode == "swap":
            own = self._policy.infer(instruction, observation)
            kept = Override(goal=own.goal, goal_codes=own.goal_codes)
            return self._policy.infer(self._other_instruction, observation, kept)
        return self._policy.infer(instruction, observation, override or self._words())

    def _words(self) -> Override:
        if self.worded is not None:
            return Override.naming(self.worded)
        if self._mode == "random":
            command = self._episode.command
            return Override(
                goal=self._random_words(command.goal),
                kinematics=self._random_words(command.kinematics),
                must_name_command=False,
            )
        goal = None if self._mode == "goal-only" else ""
        return Override(goal, "", must_name_command=False)

    def _random_words(self, text: str) -> str:
        """As many words as the text has, but no more than the model has room for."""
        count = min(len(re.findall(r"\w+", text)), MOST_RANDOM_WORDS)
        return " ".join(self._rng.choice(reasoning_words(self._episode.command.tasks), count))


def reasoning_words(tasks: TaskSet) -> list[str]:
    """Every word of a task set's reasoning texts."""
    return sorted({w for pair in tasks.texts() for t in pair for w in re.findall(r"\w+", t)})
