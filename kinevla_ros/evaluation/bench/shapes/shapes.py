"""The work behind `kinevla bench shapes`: is a shape kept when its ends are put elsewhere?

Table II of VL-MP: six demonstrations of a shape, ends displaced, three ways to generalise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.progress import Progress
from scipy.spatial.transform import Rotation

from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.bench.shapes.handwriting import read_handwriting
from kinevla_ros.evaluation.bench.shapes.strokes import strokes
from kinevla_ros.evaluation.bench.shapes.tables import tables
from kinevla_ros.evaluation.report.statistics import percentiles
from kinevla_ros.primitives import rotations
from kinevla_ros.primitives.demonstrations import extent, resampled
from kinevla_ros.primitives.frames import TaskFrame, seen_from
from kinevla_ros.primitives.kmp import PUBLISHED, predict, through
from kinevla_ros.primitives.primitive import Primitive, enhanced, lfe_kmp, tp_gmm
from kinevla_ros.primitives.reference import regressed, trusted_near

Array = NDArray[np.float64]
Generalise = Callable[[Array, Array], Array]

SIZE = 16.0
"""Every shape is scaled to this, the size of the published letters; all lengths are in its unit."""

DEMONSTRATIONS = 6
DISPLACEMENTS = ((3.0, 6.0), (5.0, 10.0), (8.0, 15.0))
"""How far the end is moved, in any direction."""

START_MOVED = 1.0
"""Standard deviation of the start along each axis."""

PUBLISHED_COMPONENTS = 8
RESAMPLES = 2000
OURS = "LFE-KMP"
POSE, POSE_STEPS, POSE_CALLS = "a pose from one demonstration", 100, 200


@dataclass
class Row:
    """What came out of one way at one displacement, trial by trial.

    Similarity and smoothness do not see a path that jumps onto its end in a single step; its
    longest step, in multiples of the demonstrated path's, does.
    """

    similarity: list[float] = field(default_factory=list)
    smoothness: list[float] = field(default_factory=list)
    longest_step: list[float] = field(default_factory=list)
    start_missed: list[float] = field(default_factory=list)
    end_missed: list[float] = field(default_factory=list)

    def add(self, path: Array, reference: Array, start: Array, end: Array) -> None:
        """Measure a generalised path, shape (N, D), against the demonstrated one."""
        self.similarity.append(similarity(path, reference))
        self.smoothness.append(smoothness(path))
        self.longest_step.append(_longest(path) / _longest(reference))
        self.start_missed.append(float(np.linalg.norm(path[0] - start)))
        self.end_missed.append(float(np.linalg.norm(path[-1] - end)))

    def to_json(self, best: Row) -> dict[str, Any]:
        """Means with their intervals; `behind` is how much similarity the best row has more."""
        missed = {"start": self.start_missed, "end": self.end_missed}
        return {
            "similarity": _mean(self.similarity),
            "smoothness": _mean(self.smoothness),
            "longest_step": _mean(self.longest_step),
            "behind": _mean(np.subtract(best.similarity, self.similarity)),
            "missed": {
                name: {"mean": float(np.mean(values)), "max": float(np.max(values))}
                for name, values in missed.items()
            },
        }


def similarity(path: Array, reference: Array) -> float:
    """c_s (eq. 8): mean cosine between the steps of two paths of shape (N, D), in %.

    A step of no length counts as 0.
    """
    a, b = np.diff(path, axis=0), np.diff(reference, axis=0)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosines = np.divide((a * b).sum(axis=1), lengths, np.zeros(len(a)), where=lengths > 0)
    return float(100 * cosines.mean())


def smoothness(path: Array) -> float:
    """kappa_s: mean change of the unit tangent from step to step of a path of shape (N, D).

    Eq. 9 does not say what T_t is; this is the one reading found that gives its magnitudes.
    """
    steps = np.diff(path, axis=0)
    lengths = np.linalg.norm(steps, axis=1, keepdims=True)
    tangents = np.divide(steps, lengths, np.zeros_like(steps), where=lengths > 0)
    return float(np.linalg.norm(np.diff(tangents, axis=0), axis=1).mean())


def ways(demonstrations: Array) -> dict[str, Generalise]:
    """The ways to generalise demonstrations, shape (M, N, D), learnt: start, end to a path."""
    starts = [TaskFrame.at(points[0]) for points in demonstrations]
    ends = [TaskFrame.at(points[-1]) for points in demonstrations]
    local = seen_from(demonstrations, starts), seen_from(demonstrations, ends)
    world = regressed(demonstrations, PUBLISHED_COMPONENTS)
    first, last = (regressed(points, PUBLISHED_COMPONENTS) for points in local)
    published = Primitive(
        enhanced(first, local[0].mean(axis=0), "start", PUBLISHED),
        enhanced(last, local[1].mean(axis=0), "end", PUBLISHED),
    )
    unit = extent(demonstrations)
    plain = tp_gmm(demonstrations, starts, ends)
    handed_over = Primitive(
        trusted_near(plain.start, "start", unit), trusted_near(plain.end, "end", unit)
    )

    def kmp(start: Array, end: Array) -> Array:
        met = through(world, (0.0, 1.0), np.stack([start, end]))
        return predict(met, world.phases, PUBLISHED).means

    return {
        "KMP": kmp,
        "TP-GMM": _between(Primitive(first, last)),
        "LFE-KMP, published": _between(published),
        "TP-GMM, our spread": _between(handed_over),
        OURS: _between(lfe_kmp(demonstrations, starts, ends)),
    }


def _between(primitive: Primitive) -> Generalise:
    return lambda start, end: primitive.between(TaskFrame.at(start), TaskFrame.at(end)).means


def measure(
    shapes: Mapping[str, Sequence[Array]], trials: int, seed: int
) -> tuple[dict[str, dict[str, Row]], dict[str, list[float]]]:
    """Generalise every shape in every way.

    Args:
        shapes: demonstrations of each, at least six.
        trials: draws of six demonstrations and of displaced ends, for each shape.

    Returns:
        Rows by displacement and way, and the times of single generalisations (s) by way.

    Raises:
        ValueError: a shape has too few demonstrations, or they cannot be learnt from.
    """
    scaled = {name: _scaled(name, points) for name, points in shapes.items()}
    rng = np.random.default_rng(seed)
    rows: dict[str, dict[str, Row]] = {}
    times: dict[str, list[float]] = {}
    with Progress(transient=True) as progress:
        for points in progress.track(list(scaled.values()) * trials, description="bench shapes"):
            drawn = points[rng.permutation(len(points))[:DEMONSTRATIONS]]
            learnt, reference = ways(drawn), drawn.mean(axis=0)
            for low, high in DISPLACEMENTS:
                start, end = _displaced(reference, low, high, rng)
                band = rows.setdefault(f"{low:g} to {high:g}", {})
                for name, generalise in learnt.items():
                    began = time.perf_counter()
                    path = generalise(start, end)
                    times.setdefault(name, []).append(time.perf_counter() - began)
                    band.setdefault(name, Row()).add(path, reference, start, end)
    return rows, times | {POSE: _pose_times(rng)}


def bench_shapes(data: Path | None, trials: int, seed: int, report: Path | None = None) -> int:
    """Measure, print the tables, write the JSON file; returns the exit code.

    Raises:
        ValueError: the data cannot be read or learnt from.
    """
    shapes = read_handwriting(data) if data else strokes(seed)
    rows, times = measure(shapes, trials, seed)
    figures: dict[str, Any] = {
        "data": str(data) if data else "strokes of our own making",
        "shapes": list(shapes),
        "demonstrations": DEMONSTRATIONS,
        "trials": trials * len(shapes),
        "seed": seed,
        "displacements": {
            band: {name: row.to_json(found[OURS]) for name, row in found.items()}
            for band, found in rows.items()
        },
        "times": {name: percentiles(values) for name, values in times.items()},
    }
    publish(figures, lambda found: Group(*tables(found)), report)
    return 0


def _scaled(name: str, demonstrations: Sequence[Array]) -> Array:
    """All at the same phases and of the size that is meant, shape (M, N, D)."""
    try:
        points = resampled(demonstrations)
    except ValueError as problem:
        raise ValueError(f"{name}: {problem}") from problem
    if len(points) < DEMONSTRATIONS:
        raise ValueError(f"{name} has {len(points)} demonstrations; {DEMONSTRATIONS} are needed")
    size = np.ptp(points, axis=1).max(axis=1).mean()
    if not size > 0:
        raise ValueError(f"{name} does not move; leave it out")
    return SIZE / size * points


def _displaced(
    path: Array, low: float, high: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Ends of a path, the last one moved by low to high in any direction."""
    direction = rng.normal(size=path.shape[1])
    moved = rng.uniform(low, high) * direction / np.linalg.norm(direction)
    return path[0] + rng.normal(0, START_MOVED, path.shape[1]), path[-1] + moved


def _pose_times(rng: np.random.Generator) -> list[float]:
    """Times to generalise position and rotation of one demonstrated motion (s)."""
    phase = np.linspace(0.0, 1.0, POSE_STEPS)
    bow = np.sin(np.pi * phase)
    positions = np.column_stack([0.3 * phase, 0.1 * bow, 0.1 * phase**2])
    turns = Rotation.from_rotvec(np.column_stack([phase, 0.3 * bow, 0.5 * phase]))
    quaternions = turns.as_quat()
    first, last = TaskFrame.at(positions[0]), TaskFrame.at(positions[-1])
    place = lfe_kmp(positions[None], [first], [last])
    turn = rotations.lfe_kmp(quaternions[None], quaternions[:1], quaternions[-1:])
    times = []
    for _ in range(POSE_CALLS):
        goal = TaskFrame.at(positions[-1] + rng.normal(0, 0.05, 3))
        turned = (Rotation.from_rotvec(rng.normal(0, 0.3, 3)) * turns[-1]).as_quat()
        began = time.perf_counter()
        place.between(first, goal)
        turn.between(quaternions[0], turned)
        times.append(time.perf_counter() - began)
    return times


def _longest(path: Array) -> float:
    return float(np.linalg.norm(np.diff(path, axis=0), axis=1).max())


def _mean(values: Sequence[float] | Array) -> dict[str, Any]:
    """Mean with its 95 % interval by bootstrap over the trials; no interval from one trial."""
    numbers = np.asarray(values, dtype=float)
    mean = float(numbers.mean())
    if len(numbers) < 2:
        return {"mean": mean, "interval": None}
    drawn = np.random.default_rng(0).choice(numbers, (RESAMPLES, len(numbers))).mean(axis=1)
    return {"mean": mean, "interval": np.percentile(drawn, (2.5, 97.5)).tolist()}
