"""One closed-loop episode in the cell, in simulated time.

The policy, the arm state machine with its splice and limits, and the judge are those of the robot
and the demo; only the clock is the simulator's, and each chunk reaches the arm after a fixed
latency.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from kinevla_ros.base.chunk import CHUNK_DT
from kinevla_ros.evaluation.suite.episode import EpisodePolicy, EpisodeResult, EpisodeSetup, Images
from kinevla_ros.evaluation.suite.intervention import IntervenedPolicy
from kinevla_ros.evaluation.suite.run.account import Account, executed
from kinevla_ros.evaluation.suite.run.alarms import Alarms
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.generator.inference import Inference, NoMotion, NotUnderstood
from kinevla_ros.language.command import Command
from kinevla_ros.robot.gate.check_result import Fault
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.judge import Judge
from kinevla_ros.sim.demonstrations.demonstrator import done
from kinevla_ros.sim.simulated_arm import LATENCY, SimulatedArm

REPLAN_STEPS = 2
MAX_SECONDS = 16.0
DONE_SECONDS = 0.8
SETTLE_SECONDS = 1.0

Watcher = Callable[[Images, "Inference | None"], None]


class _PolicyRun:
    """Asks the policy and hands its chunks to the arm; keeps the account."""

    def __init__(self, cell: Cell, policy: EpisodePolicy, episode: EpisodeSetup) -> None:
        self._policy = policy
        self.worded: Command | None = None
        if episode.intervention:
            intervened = IntervenedPolicy(policy, episode)
            self._policy, self.worded = intervened, intervened.worded
        self.instruction, self.account = episode.instruction, Account(episode.command)
        varied = episode.variation
        self.arm = SimulatedArm(cell, varied.of("latency") if varied else LATENCY)
        self.alarms = Alarms()
        self.disagreement: list[float] = []

    def replan(self, watcher: Watcher | None) -> None:
        """Infer once; where that fails nothing is sent and the arm goes to rest."""
        observation = self.arm.observe()
        self.alarms.look(observation.images, observation.joints)
        inference = None
        try:
            inference = self._policy.infer(self.instruction, observation)
        except (NotUnderstood, GenerationError, NoMotion) as problem:
            self.account.no_motion[str(problem)] += 1
        else:
            self.account.count(inference, inference.model_time)
            self.arm.follow(inference.chunk)
        self.disagreement.append(inference.disagreement if inference else math.nan)
        if watcher:
            watcher(observation.images, inference)

    @property
    def fault(self) -> str | None:
        """Name of the fault that has stopped the arm; None without one."""
        fault = self.arm.core.status(self.arm.now).fault
        return None if fault is Fault.NONE else fault.name.lower()


def run_episode(
    cell: Cell,
    policy: EpisodePolicy,
    episode: EpisodeSetup,
    watcher: Watcher | None = None,
) -> EpisodeResult:
    """Let the policy try a command in a random scene and judge what came of it.

    Args:
        watcher: called after each inference with its images and, if it gave one, its result.
    """
    command = episode.command
    cell.reset(episode.scene())
    policy.reset()
    driver = _PolicyRun(cell, policy, episode)
    judges = {c: Judge(cell, c) for c in (command, *command.siblings())}
    wanted = {command, driver.worded or command}
    arm, held, step = driver.arm, 0.0, 0
    path: list[tuple[float, ...]] = []
    while arm.now < MAX_SECONDS - 1e-6 and held < DONE_SECONDS - 1e-6 and not driver.fault:
        if step % REPLAN_STEPS == 0:
            driver.replan(watcher)
        arm.run(CHUNK_DT)
        state = cell.state()
        path.append(tuple(state.tool.round(5).tolist()))
        for judge in judges.values():
            judge.watch(state)
        held = held + CHUNK_DT if any(done(state, c) for c in wanted) else 0.0
        step += 1
    seconds = arm.now - held
    arm.run(SETTLE_SECONDS)
    judgements = {c: judge.judgement() for c, judge in judges.items()}
    judgement = judgements[command]
    return EpisodeResult(
        episode=episode,
        instruction=driver.instruction,
        goal=judgement.goal,
        constraints=judgement.constraints,
        measures=judgement.measures,
        executed=executed(judgements),
        worded=driver.worded,
        as_worded=driver.worded is not None and judgements[driver.worded].kinematic,
        seconds=round(seconds, 3),
        **driver.account.fields(),
        path=tuple(path),
        refused_chunks=arm.core.status(arm.now).refused_chunks,
        fault=driver.fault,
        picture_alarms=dict(driver.alarms.counts),
        disagreement=tuple(driver.disagreement),
    )
