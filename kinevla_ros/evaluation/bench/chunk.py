"""The work behind `kinevla bench chunk`: how long a chunk takes on this machine."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from kinevla_ros.base.files.damage import for_user
from kinevla_ros.base.observation import Observation
from kinevla_ros.base.resources import resource_path
from kinevla_ros.evaluation.bench.decoder import decoder_times
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.bench.recording import record
from kinevla_ros.evaluation.report.statistics import percentiles
from kinevla_ros.evaluation.suite.episode import EpisodePolicy
from kinevla_ros.generator.checkpoint import CheckpointError
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.generator.decoding_backend import PLAIN
from kinevla_ros.generator.inference import Inference, NotUnderstood
from kinevla_ros.generator.policy import Policy
from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import instruction

KINDS = {
    "cold": "a new instruction",
    "warm": "the draft stands",
    "rewritten": "the draft does not stand",
    "checked": "warm, and consistency is measured",
}


class Spent(NamedTuple):
    """What an inference took: time on the wall, and this thread's on the CPU (s)."""

    wall: float
    cpu: float


Times = dict[str, list[Spent]]


@dataclass(frozen=True)
class Checked:
    """A policy that measures consistency with each chunk, as the policy node does if asked."""

    policy: Policy

    def reset(self) -> None:
        """See `Policy`."""
        self.policy.reset()

    def infer(self, *seen: Any, **options: Any) -> Inference:
        """See `Policy`."""
        return self.policy.infer(*seen, **options | {"consistency": True})


def bench_chunk(model: Path | None, chunks: int, threads: int, report: Path | None = None) -> int:
    """Measure a checkpoint, print the table, write the JSON file; returns the exit code.

    Args:
        model: checkpoint folder; the shipped one without it.
        chunks: warm chunks to measure.
        threads: threads that the model may use; the decoder has one.
    """
    folder = model or resource_path("models", "kinevla-tiny")
    try:
        started = time.perf_counter()
        policy = Policy(folder, threads)
        policy.warm_up(consistency=True)
        loading = time.perf_counter() - started
        ways = {policy.backend: policy}
        if policy.backend != PLAIN:
            ways[PLAIN] = Policy(folder, threads, graphs=False)
            ways[PLAIN].warm_up(consistency=True)
        found = measure_ways(ways, chunks)
        decoder = decoder_times(policy.decoder, chunks)
    except (CheckpointError, NotUnderstood, GenerationError, OSError) as problem:
        Console(stderr=True).print(for_user(problem), style="red", markup=False, highlight=False)
        return 1
    figures: dict[str, Any] = {
        "model": str(folder),
        "load_seconds": round(loading, 2),
        "threads": threads,
        "ways": {
            way: {kind: summary(spent) for kind, spent in times.items()}
            for way, times in found.items()
        },
        "decoder": percentiles(decoder),
    }
    publish(figures, table, report)
    return 0


def measure_ways(ways: Mapping[str, Policy], chunks: int) -> dict[str, Times]:
    """Times of each policy by kind; the kind `checked` is warm with consistency measured."""
    policies: dict[str, EpisodePolicy] = {}
    for way, policy in ways.items():
        policies |= {way: policy, f"{way}, checked": Checked(policy)}
    with Progress(transient=True) as progress:
        bar = progress.add_task("bench chunk", total=len(policies) * chunks)
        found = measure(policies, record(), chunks, lambda: progress.advance(bar))
    return {way: found[way] | {"checked": found[f"{way}, checked"]["warm"]} for way in ways}


def summary(spent: Sequence[Spent]) -> dict[str, float]:
    """Percentiles on the wall, and the median on the CPU, in ms."""
    times = percentiles([each.wall for each in spent])
    if spent:
        times["cpu_p50_ms"] = round(1e3 * float(np.median([each.cpu for each in spent])), 3)
    return times


def measure(
    policies: Mapping[str, EpisodePolicy],
    recordings: Mapping[Command, Sequence[Observation]],
    chunks: int,
    advance: Callable[[], object] = lambda: None,
) -> dict[str, Times]:
    """Times of each policy's inferences by kind: cold, warm, rewritten.

    The policies take turns, a demonstration each, so that what else the machine does meets all of
    them. A policy ends when it has enough warm chunks, or at twice as many of all kinds.
    """
    found: dict[str, Times] = {name: {"cold": [], "warm": [], "rewritten": []} for name in policies}
    rng = np.random.default_rng(0)
    for command in itertools.cycle(recordings):
        words, pending = instruction(command, rng), False
        for name, policy in policies.items():
            times = found[name]
            policy.reset()
            for index, seen in enumerate(recordings[command]):
                if len(times["warm"]) >= chunks or sum(map(len, times.values())) >= 2 * chunks:
                    break
                pending = True
                spent, kept = _timed(policy, words, seen)
                times[("warm" if kept else "rewritten") if index else "cold"].append(spent)
                advance()
        if not pending:
            return found
    raise ValueError("there are no recordings")


def _timed(policy: EpisodePolicy, words: str, seen: Observation) -> tuple[Spent, bool]:
    """What one inference took, and whether it kept the draft."""
    started, on_cpu = time.perf_counter(), time.thread_time()
    inference = policy.infer(words, seen)
    spent = Spent(time.perf_counter() - started, time.thread_time() - on_cpu)
    return spent, inference.draft_accepted


def table(figures: Mapping[str, Any]) -> Table:
    """One row for each way and kind of time; CPU is the median of the thread's own, which counts
    in the ratio to plain torch."""
    host, n = figures["machine"], figures["threads"]
    caption = "; ".join(f"{name}: {meaning}" for name, meaning in KINDS.items())
    caption += f"\n{host['processor']}, {host['cores']} cores, {n} thread{'s' if n > 1 else ''}"
    grid = Table(title="Time of a chunk in ms", caption=caption)
    for heading in ("kind", "by"):
        grid.add_column(heading, no_wrap=True)
    for heading in ("n", "p50", "p95", "p99", "max", "CPU", "ratio"):
        grid.add_column(heading, justify="right")
    ways = figures["ways"]
    for kind in KINDS:
        for way, times in ways.items():
            if times[kind]["n"]:
                plain = ways[PLAIN][kind] if way != PLAIN else {"n": 0}
                grid.add_row(kind, way, *_cells(times[kind], plain))
    grid.add_row("decoder", "ONNX", *_cells(figures["decoder"], {"n": 0}))
    return grid


def _cells(found: Mapping[str, float], plain: Mapping[str, float]) -> list[str]:
    keys = ("p50_ms", "p95_ms", "p99_ms", "max_ms", "cpu_p50_ms")
    cells = [f"{found[key]:.3g}" if key in found else "" for key in keys]
    ratio = f"{found['cpu_p50_ms'] / plain['cpu_p50_ms']:.2f}" if plain["n"] else ""
    return [str(found["n"]), *cells, ratio]
