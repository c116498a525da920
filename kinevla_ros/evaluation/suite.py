"""A suite of episodes, in this process or spread over several."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from pathlib import Path

from kinevla_ros.evaluation.failures import FailureVideo
from kinevla_ros.evaluation.rollout import Episode, EpisodePolicy, EpisodeResult, run_episode
from kinevla_ros.generator.policy import Policy
from kinevla_ros.language.grammar import TASKS, Split
from kinevla_ros.sim.cell import Cell

SUITES = {"kine_realman": TASKS}


def episodes(suite: str, trials: int, seed: int, phrasing: Split = "held_out") -> list[Episode]:
    """Episodes of a suite: every task in the scene of trial 0, then of trial 1, and so on.

    Raises:
        ValueError: there is no such suite.
    """
    if suite not in SUITES:
        raise ValueError(f"no suite is called {suite!r}; there is {', '.join(SUITES)}")
    commands = SUITES[suite]
    return [Episode(c, seed, trial, phrasing) for trial in range(trials) for c in commands]


def run(
    cell: Cell,
    policy: EpisodePolicy,
    plan: Iterable[Episode],
    inspect: Path | None = None,
) -> Iterator[EpisodeResult]:
    """Run episodes one after the other, and yield each result as it comes.

    Args:
        inspect: existing folder for a video of each episode without kinematic success.
    """
    for episode in plan:
        video = FailureVideo(episode) if inspect else None
        result = run_episode(cell, policy, episode, video.watch if video else None)
        if video and inspect and not result.kinematic:
            video.save(inspect, result)
        yield result


def run_checkpoint(
    model: Path, plan: Sequence[Episode], workers: int = 1, inspect: Path | None = None
) -> Generator[EpisodeResult]:
    """Load a checkpoint, in each of several processes if asked, and run episodes with it.

    Results come in the order in which they are done. Closing the iterator ends the processes.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        BrokenProcessPool: a worker process died.
    """
    policy = Policy(model)
    if workers == 1:
        policy.warm_up()
        with closing(Cell()) as cell:
            yield from run(cell, policy, plan, inspect)
    else:
        yield from _run_in_processes(model, plan, workers, inspect)


def _run_in_processes(
    model: Path, plan: Sequence[Episode], workers: int, inspect: Path | None
) -> Iterator[EpisodeResult]:
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(workers, context, _start_worker, (model, inspect)) as pool:
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


_worker: tuple[Cell, Policy, Path | None]


def _start_worker(model: Path, inspect: Path | None) -> None:
    global _worker
    # Ctrl-C in a terminal reaches every process; the parent ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    policy = Policy(model)
    policy.warm_up()
    _worker = Cell(), policy, inspect


def _work(episode: Episode) -> EpisodeResult:
    cell, policy, inspect = _worker
    return next(run(cell, policy, [episode], inspect))
