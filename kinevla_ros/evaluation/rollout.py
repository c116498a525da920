"""One closed-loop episode in the cell, in simulated time.

The policy, the arm core with its splice and limits and the judge are those of the robot and
the demo; only the clock is the simulator's, and each chunk reaches the arm after a fixed latency.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.codec.chunk import CHUNK_DT
from kinevla_ros.generator.decode import GenerationError
from kinevla_ros.generator.policy import Inference, NotUnderstood
from kinevla_ros.language.grammar import Command, Split, instruction
from kinevla_ros.language.parse import parse_reasoning
from kinevla_ros.robot.verdict import Fault
from kinevla_ros.sim.cell import Cell
from kinevla_ros.sim.demonstrator import done
from kinevla_ros.sim.execution import SimulatedArm
from kinevla_ros.sim.tasks import Judge

REPLAN_STEPS = 2
MAX_SECONDS = 16.0
DONE_SECONDS = 0.8
SETTLE_SECONDS = 1.0

Images = Mapping[str, NDArray[np.uint8]]
Watcher = Callable[[Images, "Inference | None"], None]


class EpisodePolicy(Protocol):
    """What an episode needs of a policy; see `generator.policy.Policy`."""

    def reset(self) -> None:
        """Forget the episode before."""

    def infer(
        self,
        instruction: str,
        images: Images,
        joints: NDArray[np.float64],
        gripper: float,
        stamp: float,
    ) -> Inference:
        """Reasoning and chunk for one observation; raises NotUnderstood or GenerationError."""


@dataclass(frozen=True)
class Episode:
    """One trial. Seed and trial fix the scene, whatever the task and the policy.

    Attributes:
        command: what is asked for.
        seed, trial: the scene's source of chance.
        phrasing: which split of the grammar the instruction is drawn from.
    """

    command: Command
    seed: int
    trial: int
    phrasing: Split = "held_out"

    @property
    def task(self) -> str:
        """Name of the task, such as carrot_upper_right."""
        return "_".join(self.command.slots().values())

    @property
    def instruction(self) -> str:
        """The words of this trial."""
        rng = np.random.default_rng((self.seed, self.trial, self.command.task_number))
        return instruction(self.command, rng, self.phrasing)

    def scene(self) -> np.random.Generator:
        """Source of chance for the cell's reset."""
        return np.random.default_rng((self.seed, self.trial))


@dataclass(frozen=True)
class EpisodeResult:
    """What came of an episode.

    Attributes:
        goal, constraints, measures: the judge's verdict (m, rad).
        seconds: simulated time until the task was done, or the time limit.
        model_times: time of each inference (s).
        warm: for each inference, whether the words of the one before were verified and kept.
        reasoning_correct: inferences whose words name the command that was asked for.
        no_motion: reasons for which an inference gave no chunk, with their number.
        refused_chunks: chunks that the arm did not take.
        fault: the fault that stopped the arm; None without one.
    """

    episode: Episode
    instruction: str
    goal: bool
    constraints: dict[str, bool]
    measures: dict[str, float]
    seconds: float
    model_times: tuple[float, ...]
    warm: tuple[bool, ...]
    reasoning_correct: int
    no_motion: dict[str, int]
    refused_chunks: int
    fault: str | None

    @property
    def kinematic(self) -> bool:
        """Goal and every kinematic constraint."""
        return self.goal and all(self.constraints.values())


class _Driver:
    """Asks the policy and hands its chunks to the arm; keeps the account."""

    def __init__(self, cell: Cell, policy: EpisodePolicy, episode: Episode) -> None:
        self._cell, self._policy = cell, policy
        self._command, self.instruction = episode.command, episode.instruction
        self.arm = SimulatedArm(cell)
        self.model_times: list[float] = []
        self.warm: list[bool] = []
        self.reasoning_correct = 0
        self.no_motion: Counter[str] = Counter()

    def replan(self, watcher: Watcher | None) -> None:
        """Infer once; where that fails nothing is sent and the arm goes to rest."""
        images = self._cell.render()
        inference = None
        try:
            inference = self._policy.infer(
                self.instruction,
                images,
                self._cell.joint_positions(),
                self._cell.gripper(),
                self.arm.now,
            )
        except (NotUnderstood, GenerationError) as problem:
            self.no_motion[str(problem)] += 1
        else:
            self._count(inference)
            self.arm.submit(inference.chunk)
        if watcher:
            watcher(images, inference)

    @property
    def fault(self) -> str | None:
        """Name of the fault that has stopped the arm; None without one."""
        fault = self.arm.core.status(self.arm.now).fault
        return None if fault is Fault.NONE else fault.name.lower()

    def _count(self, inference: Inference) -> None:
        self.model_times.append(inference.model_time)
        self.warm.append(inference.draft_accepted)
        meant = parse_reasoning(inference.goal, inference.kinematics)
        self.reasoning_correct += meant == self._command


def run_episode(
    cell: Cell,
    policy: EpisodePolicy,
    episode: Episode,
    watcher: Watcher | None = None,
    replan_steps: int = REPLAN_STEPS,
) -> EpisodeResult:
    """Let the policy try a command in a random scene and judge what came of it.

    Args:
        watcher: called after each inference with its images and, if it gave one, its result.
        replan_steps: control steps of 0.1 s between inferences.
    """
    cell.reset(episode.scene())
    policy.reset()
    driver, judge = _Driver(cell, policy, episode), Judge(cell, episode.command)
    arm, held, step = driver.arm, 0.0, 0
    while arm.now < MAX_SECONDS - 1e-6 and held < DONE_SECONDS - 1e-6 and not driver.fault:
        if step % replan_steps == 0:
            driver.replan(watcher)
        arm.run(CHUNK_DT)
        state = cell.state()
        judge.watch(state)
        held = held + CHUNK_DT if done(state, episode.command) else 0.0
        step += 1
    seconds = arm.now - held
    arm.run(SETTLE_SECONDS)
    verdict = judge.verdict()
    return EpisodeResult(
        episode=episode,
        instruction=driver.instruction,
        goal=verdict.goal,
        constraints=verdict.constraints,
        measures=verdict.measures,
        seconds=round(seconds, 3),
        model_times=tuple(driver.model_times),
        warm=tuple(driver.warm),
        reasoning_correct=driver.reasoning_correct,
        no_motion=dict(driver.no_motion),
        refused_chunks=arm.core.status(arm.now).refused_chunks,
        fault=driver.fault,
    )
