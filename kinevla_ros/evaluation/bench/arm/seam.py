"""The work behind `kinevla bench seam`: how smooth is the motion where one chunk takes over?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from kinevla_ros.base.chunk import CHUNK_DT, HORIZON, ActionChunk
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.sim.lagging_arm import HOME, LaggingArm

Array = NDArray[np.float64]

LATENESS = (0.02, 0.35)
"""From an observation to its chunk at the arm (s)."""

REPLAN = 0.2
MISSING, REPEATED = 0.1, 0.1
"""Shares of the chunks that never come, and that come once more after the next one."""

NOISE = 0.01
"""How far the chunks of two observations disagree about the motion (rad)."""

ORDERS = {"position": "velocity", "velocity": "acceleration", "acceleration": "jerk"}
"""What may not jump, and the limit on how fast it changes."""


@dataclass(frozen=True, eq=False)
class SentMotion:
    """What was sent: shape (n, 7), rad, `dt` s apart, and at which targets a chunk took over."""

    path: Array
    seams: Array
    dt: float


def record(seams: int, rate: float, seed: int) -> SentMotion:
    """Follow a swinging motion through chunks that come late, twice, out of order or not at all.

    Raises:
        RuntimeError: the arm stopped with a fault.
    """
    rng, dt = np.random.default_rng(seed), 1 / rate
    sent: list[Array] = []
    arm = LaggingArm(dt, lambda _, target: sent.append(target) if target is not None else None)
    now = arm.rest(100.0)
    arm.enable(now)
    start, due, waiting, taken = now, now, list[tuple[float, ActionChunk]](), list[int]()
    sequence = 0
    while len(taken) < seams:
        if now >= due:
            due, sequence = due + REPLAN, sequence + 1
            chunk = swing(now, now - start, sequence, rng)
            arrival = now + rng.uniform(*LATENESS)
            if rng.random() >= MISSING:
                waiting.append((arrival, chunk))
            if rng.random() < REPEATED:
                waiting.append((arrival + REPLAN, chunk))
        for item in [item for item in waiting if item[0] <= now]:
            waiting.remove(item)
            if arm.core.follow(item[1], now).ok:
                taken.append(len(sent))
        now += dt
        arm.tick(now)
        if not arm.enabled:
            raise RuntimeError(f"the arm stopped: {arm.core.status(now).reason}")
    arm.rest(now)
    return SentMotion(np.array(sent), np.array(taken), dt)


def jumps(recording: SentMotion) -> dict[str, dict[str, float]]:
    """Largest change from target to target across the seams, and its share of what is allowed."""
    path = np.vstack([np.tile(recording.path[0], (3, 1)), recording.path])
    found = {}
    for order, (name, limit) in enumerate(ORDERS.items(), start=1):
        change = abs(np.diff(path, order, axis=0)) / recording.dt ** (order - 1)
        # The differences that hold the first target after a seam.
        rows = recording.seams[:, None] + np.arange(order) + 3 - order
        across = change[np.minimum(rows, len(change) - 1)]
        allowed = getattr(RM75_LIMITS, limit) * recording.dt
        found[name] = {"largest": float(across.max()), "share": float((across / allowed).max())}
    return found


def swing(now: float, since: float, sequence: int, rng: np.random.Generator) -> ActionChunk:
    """The next targets of a swing of every joint, seen with an error, since its beginning, s."""
    times = since + CHUNK_DT * np.arange(1, HORIZON + 1)
    phases = np.linspace(0.5, 1.1, 7) * times[:, None]
    ramp = np.minimum(times / 2.0, 1.0)[:, None]
    way = np.array([0.5, 0.2, 0.3, 0.25, 0.5, 0.3, 0.6]) * np.sin(phases) * ramp
    error = rng.normal(0.0, NOISE, 7)
    return ActionChunk(now, sequence, HOME + way + error, np.full(HORIZON, 0.03))


def bench_seam(seams: int, rate: float, seed: int, report: Path | None = None) -> int:
    """Measure, print the table, write the JSON file; returns the exit code, 1 after a jump."""
    found = jumps(record(seams, rate, seed))
    figures = {"seams": seams, "rate": rate, "seed": seed, "jumps": found}
    publish(figures, table, report)
    return int(any(values["share"] > 1 + 1e-6 for values in found.values()))


def table(figures: Mapping[str, Any]) -> Table:
    """One row for what may not jump."""
    title = f"Largest change in one period across {figures['seams']} seams, {figures['rate']:g} Hz"
    grid = Table(title=title, caption=figures["machine"]["processor"])
    for heading in ("", "largest", "of what is allowed"):
        grid.add_column(heading, justify="right" if heading else "left")
    units = {"position": "rad", "velocity": "rad/s", "acceleration": "rad/s^2"}
    for name, values in figures["jumps"].items():
        grid.add_row(
            name, f"{values['largest']:.4f} {units[name]}", f"{100 * values['share']:.2f} %"
        )
    return grid
