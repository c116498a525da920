"""The work behind `kinevla bench adversarial`: does anything that breaks a limit reach the arm?"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress
from rich.table import Table

from kinevla_ros.evaluation.bench.arm.adversary import Adversary
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.robot.gate.collision import CollisionModel
from kinevla_ros.robot.gate.workspace import DEFAULT_WORKSPACE
from kinevla_ros.robot.limits import RM75_LIMITS as LIMITS
from kinevla_ros.robot.motion.state_machine import ArmStateMachine
from kinevla_ros.sim.controller.motion import ControllerMotion
from kinevla_ros.sim.controller.plant import JointPlant
from kinevla_ros.sim.controller.protocol import angles_from_wire, angles_to_wire
from kinevla_ros.sim.lagging_arm import HOME, LaggingArm

Array = NDArray[np.float64]

ROUNDING = 1e-6
"""Share of a limit that a difference of positions may seem to be beyond it."""

STREAK = 40
"""Attacks of one kind in a row, so that the arm gets where they want it."""

JOURNEY = 25
"""Streaks after which the arm is carried home."""


@dataclass
class AdversarialReport:
    """What came of a run.

    Attributes:
        targets: how many were offered.
        sent: how many the arm got.
        offered, refused: messages by kind of attack.
        faults: how often a fault was latched, by name.
        largest: largest share of a limit that was reached: position is beside it, m or rad.
        violations: targets sent that broke a limit, by limit.
    """

    targets: int = 0
    sent: int = 0
    offered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    largest: dict[str, float] = field(default_factory=dict)
    violations: dict[str, int] = field(default_factory=dict)


class Witness:
    """Sees what the arm is sent, and nothing of how it came about.

    It hands everything on, as it goes over the wire, to the rules by which the emulated controller
    takes targets.
    """

    def __init__(self, report: AdversarialReport, space: CollisionModel, dt: float) -> None:
        self._report, self._space, self._dt = report, space, dt
        self._path: Array | None = None
        self._now = 0.0
        limits = ("position", "velocity", "acceleration", "jerk", "clearance")
        report.violations = dict.fromkeys((*limits, "finite", "refused by the controller"), 0)
        report.largest = dict.fromkeys(("velocity", "acceleration", "jerk"), 0.0)

    def see(self, before: Array, sent: Array | None) -> None:
        """Judge a target, shape (7,), rad, None for none; `before` is where the arm was."""
        self._now += self._dt
        if sent is None:
            self._path = None
            return
        report = self._report
        report.sent += 1
        if not np.isfinite(sent).all():
            report.violations["finite"] += 1
            return
        if self._path is None:
            self._path = np.tile(before, (3, 1))
            self._controller = ControllerMotion(JointPlant(before, clock=lambda: self._now))
        self._path = path = np.vstack([self._path[-3:], sent])
        received = angles_from_wire(angles_to_wire(sent))
        taken = received is not None and self._controller.stream(received, self._now)
        report.violations["refused by the controller"] += not taken
        inside = (sent >= LIMITS.lower - ROUNDING) & (sent <= LIMITS.upper + ROUNDING)
        report.violations["position"] += not inside.all()
        for order, name in enumerate(report.largest, start=1):
            rates = abs(np.diff(path, order, axis=0)[-1]) / self._dt**order
            share = float((rates / getattr(LIMITS, name)).max())
            report.largest[name] = max(report.largest[name], share)
            report.violations[name] += share > 1 + ROUNDING
        report.violations["clearance"] += self._space.nearest(sent).margin < -ROUNDING


def attack(
    targets: int, seed: int, rate: float, advance: Callable[[int], object] = lambda _: None
) -> AdversarialReport:
    """Offer so many targets to an arm state machine in simulated time and watch what it sends.

    Args:
        targets: rows of chunks and teleoperation targets.
        seed: same seed, same run.
        rate: targets that the core gives out, Hz.
        advance: called with the number of targets offered since the last call.
    """
    report, rng, dt = AdversarialReport(), np.random.default_rng(seed), 1 / rate
    witness = Witness(report, CollisionModel(DEFAULT_WORKSPACE), dt)
    arm = LaggingArm(dt, witness.see)
    adversary, now, streaks = Adversary(arm.space, seed), 100.0, 0
    while report.targets < targets:
        if streaks % JOURNEY == 0 or not arm.enabled:
            now = _begin(arm, now, at_home=streaks % JOURNEY == 0)
        kind = adversary.kinds[int(rng.integers(len(adversary.kinds)))]
        streaks += 1
        for _ in range(STREAK):
            sent = adversary.make(kind, arm.q)
            result = adversary.deliver(sent, arm.core, now)
            report.targets += sent.targets
            report.offered[kind] += 1
            report.refused[kind] += not result.ok
            advance(sent.targets)
            for _ in range(int(rng.integers(1, 5))):
                now += dt
                arm.tick(now)
            if not arm.enabled:
                report.faults[arm.core.status(now).fault.name] += 1
                break
        _disturb(arm.core, rng)
    arm.rest(now)
    return report


def _begin(arm: LaggingArm, now: float, at_home: bool) -> float:
    """Enable the arm, where it is or at home; returns the time it is then, s."""
    now = arm.rest(now)
    if not at_home and arm.enable(now).ok:
        return now
    arm.place(HOME)
    now = arm.rest(now)
    if not (result := arm.enable(now)).ok:
        raise RuntimeError(f"the arm cannot be enabled at home: {result.reason}")
    return now


def _disturb(core: ArmStateMachine, rng: np.random.Generator) -> None:
    """Change speed scaling and pause now and then, to what they may be and what they may not."""
    if rng.random() < 0.2:
        core.set_speed(float(rng.choice([100.0, 100.0, 50.0, 5.0, 1e9, -1.0, math.nan])))
        core.pause(bool(rng.random() < 0.1))


def bench_adversarial(targets: int, seed: int, rate: float, report: Path | None = None) -> int:
    """Attack, print the table, write the JSON file; returns the exit code, 1 after a violation."""
    started = time.perf_counter()
    with Progress(transient=True) as progress:
        bar = progress.add_task("bench adversarial", total=targets)
        found = attack(targets, seed, rate, lambda n: progress.advance(bar, n))
    figures: dict[str, Any] = {
        **vars(found),
        "seed": seed,
        "rate": rate,
        "seconds": round(time.perf_counter() - started, 1),
    }
    publish(figures, table, report)
    return int(any(found.violations.values()))


def table(figures: Mapping[str, Any]) -> Table:
    """One row for each kind of attack, then what came of them."""
    caption = (
        f"{figures['targets']} targets offered, {figures['sent']} sent, "
        f"{figures['seconds']} s on {figures['machine']['processor']}"
    )
    grid = Table(title="Adversarial targets", caption=caption)
    for heading in ("", "messages", "refused"):
        grid.add_column(heading, justify="right" if heading else "left")
    for kind, offered in sorted(figures["offered"].items()):
        grid.add_row(kind, str(offered), str(figures["refused"][kind]))
    grid.add_section()
    for fault, count in sorted(figures["faults"].items()):
        grid.add_row(f"fault {fault}", str(count), "")
    grid.add_section()
    for name, share in figures["largest"].items():
        grid.add_row(f"largest {name}", f"{100 * share:.4f} %", "of the limit")
    grid.add_section()
    for name, count in figures["violations"].items():
        grid.add_row(f"violations: {name}", str(count), "")
    return grid
