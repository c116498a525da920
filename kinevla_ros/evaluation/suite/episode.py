"""One trial of an evaluation: what is asked for under which condition, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.observation import Observation
from kinevla_ros.generator.decoding.override import Override
from kinevla_ros.generator.inference import Inference
from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import Split, instruction
from kinevla_ros.sim.cell.variation import Variation

Intervention = Literal["random", "mismatched", "empty", "oracle", "goal-only", "swap"]
PLAIN = "plain"
Images = Mapping[str, NDArray[np.uint8]]


Seen_contra = TypeVar("Seen_contra", contravariant=True)
Answer_co = TypeVar("Answer_co", covariant=True)


class InferringPolicy(Protocol[Seen_contra, Answer_co]):
    """What an episode needs of a policy, in whatever world."""

    def reset(self) -> None:
        """Forget the episode before."""

    def infer(
        self,
        instruction: str,
        observation: Seen_contra,
        override: Override | None = None,
    ) -> Answer_co:
        """Reasoning and chunk for one observation.

        Raises NotUnderstood, NoMotion or GenerationError.
        """


class EpisodePolicy(InferringPolicy[Observation, Inference], Protocol):
    """What an episode in the cell needs of a policy; see `generator.policy.Policy`."""


@dataclass(frozen=True)
class EpisodeSetup:
    """One trial. Seed and trial fix the scene, whatever the task, the policy and the condition.

    Attributes:
        command: what is asked for.
        seed, trial: the scene's source of chance.
        phrasing: which split of the grammar the instruction is drawn from.
        said: the instruction, where it is not to be drawn.
        intervention: what is done to the policy's words; see `evaluation.suite.intervention`.
        variation: what is other in the cell than in training.
        condition: the group of trials that this one is counted in.
    """

    command: Command
    seed: int
    trial: int
    phrasing: Split = "held_out"
    said: str | None = None
    intervention: Intervention | None = None
    variation: Variation | None = None
    condition: str = PLAIN

    @property
    def task(self) -> str:
        """Name of the task, object and values, such as cup_rim_left."""
        return task_name(self.command)

    @property
    def instruction(self) -> str:
        """The words of this trial."""
        if self.said is not None:
            return self.said
        rng = np.random.default_rng((self.seed, self.trial, self.command.task_number))
        return instruction(self.command, rng, self.phrasing)

    def scene(self) -> np.random.Generator:
        """Source of chance for the cell's reset."""
        return scene(self.seed, self.trial)

    def chance(self) -> np.random.Generator:
        """Source of chance for whatever else an experiment draws."""
        return np.random.default_rng((self.seed, self.trial, self.command.task_number, 1))


@dataclass(frozen=True)
class EpisodeResult:
    """What came of an episode.

    Attributes:
        goal, constraints, measures: the judgement (m, rad).
        executed: for each slot in which the commands of this goal differ, the value that was
            carried out; None where nothing clear was.
        worded: the command that words from outside named; None without such words.
        as_worded: kinematic success by the measure of `worded`.
        seconds: simulated time until the task was done, or the time limit.
        model_times: time of each inference (s).
        warm: for each inference, whether the words of the one before were verified and kept.
        texts: goal and kinematics words of each inference that gave a chunk.
        codes: goal codes, then kinematics codes, of the same inferences.
        path: tool position at each control step (m).
        reasoning_correct: inferences whose words name the command that was asked for.
        no_motion: reasons for which an inference gave no chunk, with their number.
        refused_chunks: chunks that the arm did not take.
        fault: the fault that stopped the arm; None without one.
        picture_alarms: what the policy node's checks would have said, with its number; None where
            they were not asked.
        disagreement: of the policy's chunks at each inference, NaN where it is not known.
        benchmark_goal: what the benchmark's own predicate says; None where it has no such goal.
    """

    episode: EpisodeSetup
    instruction: str
    goal: bool
    constraints: dict[str, bool]
    measures: dict[str, float]
    executed: dict[str, str | None]
    worded: Command | None
    as_worded: bool
    seconds: float
    model_times: tuple[float, ...]
    warm: tuple[bool, ...]
    texts: tuple[tuple[str, str], ...]
    codes: tuple[tuple[int, ...], ...]
    path: tuple[tuple[float, ...], ...]
    reasoning_correct: int
    no_motion: dict[str, int]
    refused_chunks: int
    fault: str | None
    picture_alarms: dict[str, int] | None = field(default_factory=dict)
    disagreement: tuple[float, ...] = ()
    benchmark_goal: bool | None = None

    @property
    def kinematic(self) -> bool:
        """Goal and every kinematic constraint."""
        return self.goal and all(self.constraints.values())


def scene(seed: int, trial: int) -> np.random.Generator:
    """Source of chance for a trial's scene, whatever the task."""
    return np.random.default_rng((seed, trial))


def task_name(command: Command) -> str:
    """Name of a task, object and values, such as cup_rim_left."""
    return "_".join(command.slots().values()) or f"way_{command.task_number}"
