"""One closed-loop episode in LIBERO's world, from one of its fixed initial states."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.evaluation.suite.episode import (
    EpisodeResult,
    EpisodeSetup,
    Images,
    InferringPolicy,
)
from kinevla_ros.evaluation.suite.intervention import IntervenedPolicy
from kinevla_ros.evaluation.suite.run.account import Account, executed
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.generator.decoding.override import Override
from kinevla_ros.generator.inference import NotUnderstood, Prediction
from kinevla_ros.generator.policy import Policy
from kinevla_ros.language.command import Command
from kinevla_ros.sim.cell.judge import Judgement
from kinevla_ros.sim.libero.goals import GOALS
from kinevla_ros.sim.libero.judge import judge
from kinevla_ros.sim.libero.track import Track, look
from kinevla_ros.sim.libero.world import CONTROL_DT, LIBERO_SPACE, LiberoWorld

MAX_STEPS = 600
"""The longest demonstrations have 475."""
DONE_STEPS = 20
"""Steps for which the goal must hold: an episode then ends."""
SETTLE_STEPS = 10

CONSTRAINT_OF = {"hold": "handle"}
"""Slots whose constraint has another name."""

STAY = np.zeros(6)


@dataclass(frozen=True, eq=False)
class LiberoSeen:
    """What a policy sees of the world: pictures, and its measured state, shape (7,)."""

    images: Images
    state: NDArray[np.float64]


class LiberoPolicy:
    """A checkpoint of LIBERO's action space."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def reset(self) -> None:
        """Forget the episode before."""
        self._policy.reset()

    def infer(
        self, instruction: str, observation: LiberoSeen, override: Override | None = None
    ) -> Prediction:
        """Reasoning and chunk; see `InferringPolicy`."""
        return self._policy.predict(instruction, observation.images, observation.state, override)


def require_libero_space(policy: Policy) -> None:
    """Raise ActionSpaceError for a checkpoint whose actions are not those of LIBERO."""
    theirs = replace(LIBERO_SPACE, horizon=policy.space.horizon)
    cure = "Train on what kinevla collect --world libero has written"
    policy.space.require(theirs, f"the checkpoint {policy.folder}", "LIBERO", cure)


Acting = InferringPolicy[LiberoSeen, Prediction]
LiberoWatcher = Callable[[Images, "Prediction | None"], None]


def run_libero_episode(
    world: LiberoWorld,
    policy: Acting,
    episode: EpisodeSetup,
    watcher: LiberoWatcher | None = None,
) -> EpisodeResult:
    """Let the policy try a command from an initial state, the trial's, and judge what came of it.

    Args:
        watcher: called after each inference with its images and, if it gave one, its result.
    """
    command, goal = episode.command, episode.command.goal_entry.key
    world.reset(GOALS[goal].task, episode.trial)
    policy.reset()
    acting, worded = policy, None
    if episode.intervention:
        intervened = IntervenedPolicy(policy, episode)
        acting, worded = intervened, intervened.worded
    account, track = Account(command), Track(look(world))
    gripper, held = -1.0, 0
    while len(track.moments) <= MAX_STEPS and held < DONE_STEPS:
        seen = LiberoSeen(world.render(), world.state().astype(float))
        found = _infer(acting, episode.instruction, seen, account)
        if watcher:
            watcher(seen.images, found)
        # Where an inference fails the hand stays, and the gripper as it is.
        actions = found.actions if found else [np.array([*STAY, gripper])]
        for action in actions:
            gripper = gripper_command(float(action[6]))
            world.step(np.array([*action[:6], gripper]))
            track.add(look(world))
        reached = judge(track, goal, dict(command.values)).goal
        held = held + len(actions) if reached else 0
    steps = len(track.moments) - 1 - held
    for _ in range(SETTLE_STEPS):
        world.step(np.array([*STAY, gripper]))
        track.add(look(world))
    judgements = {c: judge(track, goal, dict(c.values)) for c in (command, *command.siblings())}
    return _result(world, episode, account, track, judgements, worded, steps)


def gripper_command(written: float) -> float:
    """Open, close, or, half way between the two, keep the opening: robosuite reads a sign."""
    return float(np.sign(written)) if abs(written) > 0.5 else 0.0


def _infer(
    policy: Acting, instruction: str, seen: LiberoSeen, account: Account
) -> Prediction | None:
    started = time.perf_counter()
    try:
        found = policy.infer(instruction, seen)
    except (NotUnderstood, GenerationError) as problem:
        account.no_motion[str(problem)] += 1
        return None
    account.count(found, time.perf_counter() - started)
    return found


def _result(
    world: LiberoWorld,
    episode: EpisodeSetup,
    account: Account,
    track: Track,
    judgements: dict[Command, Judgement],
    worded: Command | None,
    steps: int,
) -> EpisodeResult:
    own = judgements[episode.command]
    goal = GOALS[episode.command.goal_entry.key]
    return EpisodeResult(
        episode=episode,
        instruction=episode.instruction,
        goal=own.goal,
        constraints=own.constraints,
        measures=own.measures,
        executed=executed(judgements, CONSTRAINT_OF),
        worded=worded,
        as_worded=worded is not None and judgements[worded].kinematic,
        seconds=round(steps * CONTROL_DT, 3),
        **account.fields(),
        path=tuple(tuple(m.hand.round(4).tolist()) for m in track.moments),
        refused_chunks=0,
        fault=None,
        picture_alarms=None,
        benchmark_goal=world.goal(goal.task) if goal.in_libero else None,
    )
