"""The work behind `kinevla bench gate`: how long each check takes, and a chunk's whole way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from rich.table import Table

from kinevla_ros.evaluation.bench.arm.seam import REPLAN, SentMotion, record, swing
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.report.statistics import percentiles
from kinevla_ros.robot.gate.arm_checks import ArmCase
from kinevla_ros.robot.gate.braking import Brake
from kinevla_ros.robot.gate.chunk_checks import ChunkCase
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.gate import ARM_CHECKS, CHUNK_CHECKS, FIRST_TARGET_CHECKS, TELEOP_CHECKS
from kinevla_ros.robot.gate.target_checks import TargetCase
from kinevla_ros.robot.gate.teleop_checks import TeleopCase
from kinevla_ros.robot.gate.tracking import TrackingMonitor
from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE
from kinevla_ros.robot.host.priority import promptly
from kinevla_ros.robot.joint_target import JointTarget
from kinevla_ros.robot.limits import RM75_LIMITS
from kinevla_ros.robot.state import ArmState
from kinevla_ros.sim.lagging_arm import LaggingArm

Case = TypeVar("Case")
Times = dict[str, list[float]]

WHOLE_WAY = "a chunk: received, checked, spliced, first target out"
TICK = "a tick: next target made and checked"


def measure(calls: int, rate: float, seed: int = 0) -> Times:
    """Times of single calls of each check on a swinging motion, and of whole ways (s)."""
    recording = record(max(calls // 10, 20), rate, seed)
    space, rng = CollisionModel(DEFAULT_WORKSPACE), np.random.default_rng(seed)
    moments = rng.integers(20, len(recording.path), calls).tolist()
    return {
        **_each("chunk", CHUNK_CHECKS, _chunk_cases(space, calls, rng)),
        **_each("teleoperation", TELEOP_CHECKS, _teleop_cases(space, recording, moments)),
        **_each("target", FIRST_TARGET_CHECKS, _target_cases(space, recording, moments)),
        **_each("arm", ARM_CHECKS, _arm_cases(recording, moments)),
        **_whole_ways(calls, rate, rng),
    }


def _each(what: str, checks: Iterable[Callable[[Case], object]], cases: Sequence[Case]) -> Times:
    times: Times = {}
    for check in checks:
        name = f"{what}: {check.__name__.replace('_', ' ')}"
        times[name] = [_seconds(lambda c=check, x=case: c(x)) for case in cases]  # type: ignore[misc]
    return times


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _chunk_cases(space: CollisionModel, calls: int, rng: np.random.Generator) -> list[ChunkCase]:
    cases = []
    for number in range(calls):
        since = 2.0 + 0.05 * number
        chunk = swing(since, since, number, rng)
        now = since + rng.uniform(0.02, 0.15)
        q = swing(since - 0.1, since - 0.1, number, rng).positions[0]
        cases.append(ChunkCase(chunk, ArmState(q, now), q, RM75_LIMITS, space, now))
    return cases


def _teleop_cases(
    space: CollisionModel, recording: SentMotion, moments: Sequence[int]
) -> list[TeleopCase]:
    path = recording.path
    return [
        TeleopCase(JointTarget(0.0, path[i] + 0.05), path[i], RM75_LIMITS, space, 0.01)
        for i in moments
    ]


def _target_cases(
    space: CollisionModel, recording: SentMotion, moments: Sequence[int]
) -> list[TargetCase]:
    path, dt, brake, cases = recording.path, recording.dt, Brake(RM75_LIMITS), []
    for i in moments:
        speed = (path[i] - path[i - 1]) / dt
        way = brake.way(path[i], speed, np.zeros(7)).positions
        window = path[i - 3 : i + 1]
        cases.append(TargetCase(window, way, path[i], RM75_LIMITS, space, dt))
    return cases


def _arm_cases(recording: SentMotion, moments: Sequence[int]) -> list[ArmCase]:
    """Only as many as fit into memory with two seconds of history each."""
    cases = []
    for i in moments[:: max(1, len(moments) // 20)]:
        tracking = TrackingMonitor()
        first = max(0, i - round(2.5 / recording.dt))
        for j in range(first, i + 1):
            tracking.measured(ArmState(recording.path[j], j * recording.dt))
            tracking.sent(recording.path[j], recording.path[i], j * recording.dt)
        now = i * recording.dt
        cases += [ArmCase(ArmState(recording.path[i], now), tracking, now)] * 20
    return cases


def _whole_ways(chunks: int, rate: float, rng: np.random.Generator) -> Times:
    times: Times = {WHOLE_WAY: [], TICK: []}
    arm = LaggingArm(1 / rate)
    start = now = arm.rest(100.0)
    arm.enable(now)
    ticks = round(REPLAN * rate)
    for number in range(chunks):
        chunk = swing(now - 0.05, now - 0.05 - start, number, rng)
        started = time.perf_counter()
        result = arm.core.follow(chunk, now)
        arm.tick(now + arm.dt)
        if result.ok:
            times[WHOLE_WAY].append(time.perf_counter() - started)
        for _ in range(ticks - 1):
            now += arm.dt
            times[TICK].append(_seconds(lambda at=now: arm.tick(at + arm.dt)))  # type: ignore[misc]
        now += arm.dt
    return times


def bench_gate(calls: int, rate: float, report: Path | None = None) -> int:
    """Measure, print the table, write the JSON file; returns the exit code."""
    # As the arm node takes it.
    with promptly() as prompt:
        times = measure(calls, rate)
    figures: dict[str, Any] = {
        "rate": rate,
        "realtime": prompt,
        "times": {name: percentiles(values) for name, values in times.items()},
    }
    publish(figures, table, report)
    return 0


def table(figures: Mapping[str, Any]) -> Table:
    """One row for each check."""
    title = f"Time of the gate in ms, {figures['rate']:g} Hz"
    priority = "with" if figures["realtime"] else "without"
    caption = f"{figures['machine']['processor']}, {priority} real-time priority"
    grid = Table(title=title, caption=caption)
    grid.add_column("")
    for heading in ("n", "p50", "p99", "max"):
        grid.add_column(heading, justify="right")
    for name, found in figures["times"].items():
        cells = (f"{found[key]:.3f}" for key in ("p50_ms", "p99_ms", "max_ms"))
        grid.add_row(name, str(found["n"]), *cells)
    return grid
