"""The work behind `kinevla bench stream`: how even the stream is, with and without policy load."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from kinevla_ros.base.resources import resource_path
from kinevla_ros.evaluation.bench.arm.seam import REPLAN, swing
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.report.statistics import percentiles
from kinevla_ros.robot.host.priority import ADVICE, take_priority
from kinevla_ros.robot.motion.fixed_rate import FixedRate
from kinevla_ros.sim.lagging_arm import LaggingArm

RATES = (50.0, 100.0, 200.0)
LOADING = 120.0
"""By then the policy's process infers (s)."""


def measure(rate: float, seconds: float, realtime: bool) -> tuple[list[float], bool]:
    """Stream a swinging motion by the clock, in a process of its own.

    Args:
        rate: targets a second (Hz).
        seconds: how long.
        realtime: ask for real-time priority.

    Returns:
        For each target how far the time since the one before is from the period (s), and whether
        there was real-time priority.
    """
    here, there = multiprocessing.get_context("spawn").Pipe()
    arguments = (there, rate, seconds, realtime)
    process = multiprocessing.get_context("spawn").Process(target=_stream, args=arguments)
    process.start()
    there.close()
    try:
        errors, prompt = here.recv()
    finally:
        process.join()
    return list(errors), bool(prompt)


def _stream(answer: Connection, rate: float, seconds: float, realtime: bool) -> None:
    prompt = realtime and take_priority()
    arm, ticks, rng = LaggingArm(1 / rate), FixedRate(1 / rate), np.random.default_rng(0)
    start = arm.rest(time.monotonic() - 10.0)
    # The core has no clock: it rested in the ten seconds before.
    arm.enable(start)
    begun, sequence, replanned, moments = ticks.wait(), 0, -1.0, []
    while (now := ticks.wait()) < begun + seconds:
        if now >= replanned + REPLAN:
            sequence, replanned = sequence + 1, now
            arm.core.follow(swing(now - 0.05, now - begun, sequence, rng), now)
        arm.tick(now)
        moments.append(time.monotonic())
    errors = abs(np.diff(moments) - 1 / rate)
    answer.send((errors.tolist(), prompt))


@contextmanager
def policy_load(model: Path) -> Iterator[None]:
    """A process in which the policy infers without a break, on the cores of this one.

    Raises:
        RuntimeError: the policy does not begin.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_infer, args=(there, model), daemon=True)
    process.start()
    try:
        if not here.poll(LOADING):
            raise RuntimeError(f"the policy does not infer within {LOADING:.0f} s")
        here.recv()
        yield
    finally:
        process.terminate()
        process.join()


def _infer(ready: Connection, model: Path) -> None:
    from kinevla_ros.generator.policy import Policy
    from kinevla_ros.sim.cell.cell import Cell

    policy = Policy(model, 1)
    with closing(Cell()) as cell:
        seen = cell.observe()
    ready.send(True)
    while os.getppid() > 1:
        policy.infer(policy.tasks.example, seen)


def bench_stream(seconds: float, rates: Sequence[float], report: Path | None = None) -> int:
    """Measure, print the table, write the JSON file; returns the exit code."""
    rows = []
    for loaded in (False, True):
        with policy_load(resource_path("models", "kinevla-tiny")) if loaded else nullcontext():
            for realtime in (True, False):
                for rate in rates:
                    errors, prompt = measure(rate, seconds, realtime)
                    if realtime and not prompt:
                        Console(stderr=True).print(ADVICE)
                        break
                    row = {"rate": rate, "policy": loaded, "realtime": prompt}
                    rows.append({**row, **percentiles(errors)})
    figures = {"seconds": seconds, "rows": rows}
    publish(figures, table, report)
    return 0


def table(figures: Mapping[str, Any]) -> Table:
    """One row for each rate, with and without load and priority."""
    host = figures["machine"]
    caption = f"{host['processor']}, {host['cores']} cores, {figures['seconds']:g} s each"
    grid = Table(title="Error of the stream's period in ms", caption=caption)
    for heading in ("rate", "policy infers", "real-time priority", "n", "p50", "p99", "max"):
        grid.add_column(heading, justify="right")
    for row in figures["rows"]:
        words = ["yes" if row[key] else "no" for key in ("policy", "realtime")]
        cells = (f"{row[key]:.2f}" for key in ("p50_ms", "p99_ms", "max_ms"))
        grid.add_row(f"{row['rate']:g} Hz", *words, str(row["n"]), *cells)
    return grid
