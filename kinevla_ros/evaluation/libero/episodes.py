"""The trials of a LIBERO suite: every way from LIBERO's fixed initial states."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path

from kinevla_ros.evaluation.libero.rollout import (
    LiberoPolicy,
    require_libero_space,
    run_libero_episode,
)
from kinevla_ros.evaluation.report.failures import FailureVideo
from kinevla_ros.evaluation.suite.episode import EpisodeResult, EpisodeSetup
from kinevla_ros.evaluation.suite.episodes import run_in_processes, under
from kinevla_ros.evaluation.suite.settings import EvaluationSettings
from kinevla_ros.generator.policy import Policy
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.sim.libero.installed import require_libero
from kinevla_ros.sim.libero.tasks import suite_commands
from kinevla_ros.sim.libero.world import LIBERO_SPACE, STATES, LiberoWorld

FPS = round(LIBERO_SPACE.rate / LIBERO_SPACE.horizon)
"""Of a video: one frame for each inference, in simulated time."""


def libero_episodes(tasks: TaskSet, settings: EvaluationSettings) -> list[EpisodeSetup]:
    """Every way from initial state 0, then from state 1, and so on; then under interventions.

    Where a goal has one way alone there are no words of another to be given.

    Raises:
        LiberoMissingError: LIBERO is not installed.
        ValueError: the tasks lack a way of the suite, there are not so many initial states, or
            something is asked for that the cell alone has.
    """
    require_libero()
    of_the_cell = {
        "--vary": settings.variations,
        "--paired": settings.paired,
        "--phrasings": settings.phrasings,
        "--keypoints": settings.keypoints,
    }
    if given := [option for option, value in of_the_cell.items() if value]:
        raise ValueError(f"{' and '.join(given)}: the cell alone has that; leave it out")
    if settings.trials > STATES:
        raise ValueError(f"LIBERO has {STATES} initial states of a task: --trials {STATES} at most")
    commands = [command for command, _ in suite_commands(tasks, settings.suite)]
    plain = [
        EpisodeSetup(command, settings.seed, trial, settings.phrasing)
        for trial in range(settings.trials)
        for command in commands
    ]
    others = under(plain, settings.interventions)
    needs = ("mismatched", "swap")
    return [*plain, *(e for e in others if e.intervention not in needs or e.command.siblings())]


def run_libero(
    load: Callable[[], Policy], plan: Sequence[EpisodeSetup], workers: int, inspect: Path | None
) -> Generator[EpisodeResult]:
    """Run episodes; see `suite.episodes.run_checkpoint`.

    Raises:
        CheckpointError: see `Policy`.
        ActionSpaceError: the checkpoint's actions are not LIBERO's.
        BrokenProcessPool: a worker process died.
    """
    policy = load()
    require_libero_space(policy)
    if workers == 1:
        runner = _LiberoRunner(lambda: policy, inspect)
        for episode in plan:
            yield runner(episode)
    else:
        yield from run_in_processes(partial(_LiberoRunner, load, inspect), plan, workers)


class _LiberoRunner:
    """What one process keeps from episode to episode."""

    def __init__(self, load: Callable[[], Policy], inspect: Path | None) -> None:
        policy = load()
        policy.warm_up()
        self._policy, self._inspect = LiberoPolicy(policy), inspect
        self._world = LiberoWorld()

    def __call__(self, episode: EpisodeSetup) -> EpisodeResult:
        video = FailureVideo(episode, FPS) if self._inspect and not episode.intervention else None
        result = run_libero_episode(
            self._world, self._policy, episode, video.watch if video else None
        )
        if video and self._inspect and not result.kinematic:
            video.save(self._inspect, result)
        return result
