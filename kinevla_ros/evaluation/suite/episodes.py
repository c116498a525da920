"""A suite of episodes, in this process or spread over several."""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from kinevla_ros.base.interrupts import leave_interrupt_to_parent
from kinevla_ros.evaluation.report.failures import FailureVideo
from kinevla_ros.evaluation.suite.episode import (
    EpisodePolicy,
    EpisodeResult,
    EpisodeSetup,
    Intervention,
)
from kinevla_ros.evaluation.suite.rollout import run_episode
from kinevla_ros.language.grammar import Split
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.tasks import SUITES
from kinevla_ros.sim.cell.variation import Variation


def episodes(
    suite: str, trials: int, seed: int, phrasing: Split = "held_out"
) -> list[EpisodeSetup]:
    """Plain episodes of a suite: every task in the scene of trial 0, then of trial 1, and so on.

    Raises:
        ValueError: there is no such suite.
    """
    if suite not in SUITES:
        raise ValueError(f"no suite is called {suite!r}; there is {', '.join(SUITES)}")
    commands = SUITES[suite].commands
    return [EpisodeSetup(c, seed, trial, phrasing) for trial in range(trials) for c in commands]


def under(
    plain: Sequence[EpisodeSetup],
    interventions: Sequence[Intervention] = (),
    variations: Sequence[Variation] = (),
) -> list[EpisodeSetup]:
    """The same episodes under each intervention and each variation, one at a time."""
    return [
        *(replace(e, intervention=i, condition=i) for i in interventions for e in plain),
        *(replace(e, variation=v, condition=v.name) for v in variations for e in plain),
    ]


def run(
    cell: Cell,
    policy: EpisodePolicy,
    plan: Iterable[EpisodeSetup],
    inspect: Path | None = None,
) -> Iterator[EpisodeResult]:
    """Run episodes one after the other, and yield each result as it comes.

    Args:
        inspect: existing folder for a video of each episode without kinematic success.
    """
    for episode in plan:
        # Under an intervention failure is what is looked for.
        video = FailureVideo(episode) if inspect and not episode.intervention else None
        result = run_episode(cell, policy, episode, video.watch if video else None)
        if video and inspect and not result.kinematic:
            video.save(inspect, result)
        yield result


class ReadyPolicy(EpisodePolicy, Protocol):
    """A policy of a checkpoint."""

    def warm_up(self) -> None:
        """Run once, so that the first real chunk is not the slow one."""


def run_checkpoint(
    load: Callable[[], ReadyPolicy],
    plan: Sequence[EpisodeSetup],
    workers: int = 1,
    inspect: Path | None = None,
) -> Generator[EpisodeResult]:
    """Load a policy, in each of several processes if asked, and run episodes with it.

    Results come in the order in which they are done. Closing the iterator ends the processes.

    Args:
        load: loads the policy; picklable.

    Raises:
        CheckpointError, ValueError: see `Policy`.
        BrokenProcessPool: a worker process died.
    """
    policy = load()
    if workers == 1:
        policy.warm_up()
        for variation, alike in itertools.groupby(plan, lambda episode: episode.variation):
            with closing(Cell(variation)) as cell:
                yield from run(cell, policy, alike, inspect)
    else:
        yield from run_in_processes(partial(_CellRunner, load, inspect), plan, workers)


Runner = Callable[[EpisodeSetup], EpisodeResult]


def run_in_processes(
    make: Callable[[], Runner], plan: Sequence[EpisodeSetup], workers: int
) -> Generator[EpisodeResult]:
    """Run episodes in processes, each with what it keeps from episode to episode.

    Args:
        make: makes that, once in each process; picklable.
    """
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(workers, context, _start_worker, (make,)) as pool:
        try:
            jobs = [pool.submit(_work, episode) for episode in plan]
            for job in as_completed(jobs):
                yield job.result()
        except BaseException:
            # Nobody waits for episodes that are still running.
            pool.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()
            raise


class _CellRunner:
    """What one process keeps of the cell."""

    def __init__(self, load: Callable[[], ReadyPolicy], inspect: Path | None) -> None:
        self._policy, self._inspect = load(), inspect
        self._policy.warm_up()
        self._cell = Cell()
        self._variation: Variation | None = None

    def __call__(self, episode: EpisodeSetup) -> EpisodeResult:
        if episode.variation != self._variation:
            self._cell.close()
            self._cell, self._variation = Cell(episode.variation), episode.variation
        return next(run(self._cell, self._policy, [episode], self._inspect))


_worker: Runner


def _start_worker(make: Callable[[], Runner]) -> None:
    global _worker
    leave_interrupt_to_parent()
    _worker = make()


def _work(episode: EpisodeSetup) -> EpisodeResult:
    return _worker(episode)
