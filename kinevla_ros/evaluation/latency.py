"""The work behind `kinevla bench chunk`: how long a chunk takes on this machine."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from kinevla_ros.codec.chunk import CHUNK_DT
from kinevla_ros.codec.onnx_decoder import OnnxDecoder
from kinevla_ros.evaluation.episode import EpisodePolicy, Images
from kinevla_ros.evaluation.machine import machine, versions
from kinevla_ros.evaluation.rollout import REPLAN_STEPS
from kinevla_ros.evaluation.statistics import percentiles
from kinevla_ros.files.damage import for_user
from kinevla_ros.generator.checkpoint import CheckpointError
from kinevla_ros.generator.decode import GenerationError
from kinevla_ros.generator.policy import Inference, NotUnderstood, Policy
from kinevla_ros.language.grammar import TASKS, Command, instruction
from kinevla_ros.share import share_path
from kinevla_ros.sim.cell import Cell
from kinevla_ros.sim.demonstrator import plan
from kinevla_ros.sim.execution import SimulatedArm

WARM_PER_INSTRUCTION = 25
ROWS = {
    "cold": "new instruction, all words written",
    "warm": "draft verified and kept",
    "rewritten": "draft not kept",
    "checked": "warm, and consistency measured",
    "decoder": "ONNX decoder alone",
}


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


@dataclass(frozen=True)
class Observation:
    """What the policy sees at one moment: images, joints [7] (rad), gripper opening (m)."""

    images: Images
    joints: NDArray[np.float64]
    gripper: float


def bench_chunk(model: Path | None, chunks: int, threads: int, report: Path | None = None) -> int:
    """Measure a checkpoint, print the table, write the JSON file; returns the exit code.

    Args:
        model: checkpoint folder; the shipped one without it.
        chunks: warm chunks to measure.
        threads: threads that torch may use; the decoder has one.
    """
    try:
        started = time.perf_counter()
        folder = model or share_path("models", "kinevla-tiny")
        policy = Policy(folder, threads)
        policy.warm_up(consistency=True)
        loading = time.perf_counter() - started
        with Progress(transient=True) as progress:
            bar = progress.add_task("bench chunk", total=2 * chunks)
            recordings = record()
            times, checked = (
                measure(each, recordings, chunks, lambda: progress.advance(bar))
                for each in (policy, Checked(policy))
            )
        times["checked"] = checked["warm"]
        times["decoder"] = decoder_times(policy.decoder, chunks)
    except (CheckpointError, NotUnderstood, GenerationError, OSError) as problem:
        Console(stderr=True).print(for_user(problem), style="red", markup=False, highlight=False)
        return 1
    figures: dict[str, Any] = {
        "model": str(folder),
        "load_seconds": round(loading, 2),
        "threads": threads,
        **{name: percentiles(values) for name, values in times.items()},
        "machine": machine(),
        "versions": versions(),
    }
    Console().print(table(figures))
    if report:
        report.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def record(seed: int = 0) -> dict[Command, list[Observation]]:
    """Observations along a demonstration of each task, as often as the policy would see them."""
    found: dict[Command, list[Observation]] = {}
    with closing(Cell()) as cell:
        for command in TASKS:
            cell.reset(np.random.default_rng((seed, command.task_number)))
            arm = SimulatedArm(cell)
            found[command] = []
            for _ in range(1 + WARM_PER_INSTRUCTION):
                planned = plan(cell.state(), command)
                arm.submit(arm.chunk(planned.positions, planned.gripper))
                seen = Observation(cell.render(), cell.joint_positions(), arm.opening)
                found[command].append(seen)
                arm.run(REPLAN_STEPS * CHUNK_DT)
    return found


def measure(
    policy: EpisodePolicy,
    recordings: Mapping[Command, Sequence[Observation]],
    chunks: int,
    advance: Callable[[], object] = lambda: None,
) -> dict[str, list[float]]:
    """Times of inferences (s) by kind: cold, warm, rewritten.

    Ends when there are enough warm chunks, or at twice as many of all kinds.
    """
    times: dict[str, list[float]] = {"cold": [], "warm": [], "rewritten": []}
    rng = np.random.default_rng(0)
    for command in itertools.cycle(recordings):
        words = instruction(command, rng)
        policy.reset()
        for index, seen in enumerate(recordings[command]):
            started = time.perf_counter()
            inference = policy.infer(words, seen.images, seen.joints, seen.gripper, started)
            elapsed = time.perf_counter() - started
            kept = "warm" if inference.draft_accepted else "rewritten"
            times[kept if index else "cold"].append(elapsed)
            advance()
            if len(times["warm"]) >= chunks or sum(map(len, times.values())) >= 2 * chunks:
                return times
    raise ValueError("there are no recordings")


def decoder_times(decoder: OnnxDecoder, calls: int) -> list[float]:
    """Times of single calls of the decoder on random codes (s)."""
    contract = decoder.contract
    codes = np.random.default_rng(0).integers(
        contract.codes_per_level, size=(calls, contract.levels)
    )
    times = []
    for row in codes:
        started = time.perf_counter()
        decoder(row)
        times.append(time.perf_counter() - started)
    return times


def table(figures: Mapping[str, Any]) -> Table:
    """One row for each kind of time."""
    host, n = figures["machine"], figures["threads"]
    caption = f"{host['processor']}, {host['cores']} cores, {n} thread{'s' if n > 1 else ''}"
    grid = Table(title="Time of a chunk in ms", caption=caption)
    grid.add_column("kind")
    for heading in ("n", "p50", "p95", "p99", "max"):
        grid.add_column(heading, justify="right")
    for name, meaning in ROWS.items():
        found = figures[name]
        if found["n"]:
            cells = (f"{found[key]:.2f}" for key in ("p50_ms", "p95_ms", "p99_ms", "max_ms"))
            grid.add_row(f"{name}: {meaning}", str(found["n"]), *cells)
    return grid
