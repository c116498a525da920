"""What became of each injected fault: detection, rest, limits, reason, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from kinevla_ros.evaluation.bench.machine import machine
from kinevla_ros.robot.limits import JointLimits
from kinevla_ros.sim.controller.records import MotionRecord, StreamRecord
from kinevla_ros.sim.controller.stream_check import STANDING, WIRE_STEP, stream_figures

REST_DEADLINE = 0.5
"""From detection to rest, s."""

REST_BAND = 0.002
"""An arm that stays in this band (rad) is at rest."""

CUT = 0.1
"""A stream that ends below this speed has come to rest, rad/s."""

LOST = 1.6
"""A gap of more periods may be that of one lost target; a late one comes after 1.5."""

FIRST_STEP = 0.01
"""So far from the arm the first target after a fault may lie, rad."""


LONGEST_GAP = 0.04
"""What has nothing to do with the stream may not hold it up for longer, s."""


@dataclass(frozen=True)
class Trial:
    """One fault.

    Attributes:
        kind: what was done.
        reason: fault the arm node named.
        expected: faults that are right.
        detection: from the fault to its detection, s.
        rest: from the detection to the last motion, s; 0 if the arm rested before.
        way: largest turn of a joint between detection and rest, rad.
        share: largest share of a limit of velocity, acceleration or jerk among the targets that
            arrived.
        refused: targets that the controller refused before the fault.
        cut: speed of the last targets before they ceased, rad/s: how suddenly the arm was left.
        gentle: whether it must not be left in motion.
        strays: targets that arrived after the arm had come to rest and before it was enabled again.
        first_step: distance of the first target after reset and enabling from the arm, rad.
        gap: longest time from one target to the next, where the stream must not be late, s.
    """

    kind: str
    reason: str
    expected: tuple[str, ...]
    detection: float
    rest: float
    way: float
    share: float
    refused: int
    cut: float
    gentle: bool
    strays: int
    first_step: float
    gap: float = 0.0

    @property
    def problems(self) -> list[str]:
        """What was not as it must be."""
        found = []
        if self.reason not in self.expected:
            found.append(f"reason {self.reason}")
        if not self.rest <= REST_DEADLINE:
            found.append(f"rest after {self.rest:.2f} s")
        if not self.share <= 1:
            found.append(f"{self.share:.0%} of a limit")
        if self.refused:
            found.append(f"{self.refused} targets refused")
        if self.gentle and not self.cut <= CUT:
            found.append(f"cut off at {self.cut:.2f} rad/s")
        if self.strays:
            found.append(f"{self.strays} targets before it was enabled")
        if not self.first_step <= FIRST_STEP:
            found.append(f"first step of {self.first_step:.3f} rad")
        if not self.gap <= LONGEST_GAP:
            found.append(f"no target for {self.gap:.3f} s")
        return found


def rest_time(motion: MotionRecord, since: float) -> tuple[float, float]:
    """Return how long the arm moved on after `since` (s), and how far (rad)."""
    after = motion.times >= since
    if not after.any():
        return 0.0, 0.0
    times, positions = motion.times[after], motion.positions[after]
    away = np.abs(positions - positions[-1]).max(axis=1)
    moving = np.flatnonzero(away > REST_BAND)
    return (float(times[moving[-1]] - since) if len(moving) else 0.0), float(away[0])


def largest_share(stream: StreamRecord, limits: JointLimits, dt: float) -> float:
    """Largest share of a limit of velocity, acceleration or jerk that the targets reached in time.

    A single target may get lost with a process that dies: there the velocity is taken over the true
    gap, and the derivatives begin again.
    """
    gaps = np.diff(stream.times) / dt
    lost = (gaps > LOST) & (gaps <= STANDING)
    turns = np.abs(np.diff(stream.targets, axis=0)) - WIRE_STEP
    share = float((turns[lost] / (gaps[lost] * dt)[:, None] / limits.velocity).max(initial=0.0))
    for part in np.split(np.arange(len(stream.times)), np.flatnonzero(lost) + 1):
        piece = StreamRecord._make(values[part] for values in stream)
        share = max(share, *stream_figures(piece, limits, dt).shares.values())
    return share


def cut_speed(stream: StreamRecord, dt: float) -> float:
    """Largest joint speed between the last two targets, rad/s."""
    if len(stream.times) < 2:
        return 0.0
    steps = max(round((stream.times[-1] - stream.times[-2]) / dt), 1)
    turn = np.abs(stream.targets[-1] - stream.targets[-2]).max()
    return float(turn / (steps * dt))


def longest_gap(stream: StreamRecord, begin: float, end: float) -> float:
    """Longest time without a target between two times, s; infinite if there was none at all."""
    inside = stream.times[(stream.times > begin) & (stream.times < end)]
    return float(np.diff([begin, *inside, end]).max()) if len(inside) else float("inf")


def first_step(stream: StreamRecord, motion: MotionRecord, since: float) -> float:
    """Distance of the first target after `since` from where the arm was, rad; NaN without one."""
    later = np.flatnonzero(stream.times >= since)
    if not len(later) or not len(motion.times):
        return float("nan")
    first = later[0]
    at = max(int(np.searchsorted(motion.times, stream.times[first])) - 1, 0)
    return float(np.abs(stream.targets[first] - motion.positions[at]).max())


def figures(trials: Sequence[Trial], interruptions: Sequence[str]) -> dict[str, Any]:
    """Return the trials and their summary for the JSON file.

    Args:
        trials: the faults.
        interruptions: what happened that was not asked for.
    """
    return {
        "count": len(trials),
        "interruptions": list(interruptions),
        "failed": sum(bool(trial.problems) for trial in trials),
        "trials": [asdict(trial) | {"problems": trial.problems} for trial in trials],
    }


def table(trials: Sequence[Trial]) -> Table:
    """One row for each kind of fault; the figures are the worst of its trials.

    From the fault until it is seen; from then to rest, and how far; largest share of a limit of
    velocity, acceleration or jerk among the targets that arrived; their speed when they ceased;
    distance of the first target after reset and enabling from the arm; longest time without a
    target, where the stream must not be late.
    """
    grid = Table(
        title="Faults during motion: the worst of each kind", title_justify="left", box=SIMPLE_HEAD
    )
    grid.add_column("fault", no_wrap=True)
    for heading in (
        "n",
        "good",
        "seen s",
        "rest s",
        "way rad",
        "limits",
        "cut rad/s",
        "first step rad",
        "gap s",
    ):
        grid.add_column(heading, justify="right")
    grid.add_column("reason", no_wrap=True)
    for kind in dict.fromkeys(trial.kind for trial in trials):
        group = [trial for trial in trials if trial.kind == kind]
        grid.add_row(kind, *_row(group), ", ".join(sorted({trial.reason for trial in group})))
    grid.add_section()
    grid.add_row("all", *_row(trials), "")
    host = machine()
    grid.caption = f"{host['processor']}, {host['cores']} cores"
    return grid


def _row(group: Sequence[Trial]) -> list[str]:
    good = sum(not trial.problems for trial in group)
    worst = {
        name: max(getattr(trial, name) for trial in group)
        for name in ("detection", "rest", "way", "share", "cut", "first_step", "gap")
    }
    return [
        str(len(group)),
        str(good),
        f"{worst['detection']:.3f}",
        f"{worst['rest']:.3f}",
        f"{worst['way']:.3f}",
        f"{worst['share']:.0%}",
        f"{worst['cut']:.3f}",
        f"{worst['first_step']:.4f}",
        f"{worst['gap']:.3f}",
    ]
