"""How far from the truth objects are seen, at the start of episodes."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from rich.table import Table

from kinevla_ros.base.angles import wrapped
from kinevla_ros.base.scene import ALIKE_TURNED, OBJECTS
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.report.statistics import percentiles
from kinevla_ros.evaluation.suite.episode import PLAIN
from kinevla_ros.evaluation.suite.tried import source_of
from kinevla_ros.generator.network.located_objects import LocatedObjects
from kinevla_ros.keypoints.fit import SURE
from kinevla_ros.keypoints.rig import object_points
from kinevla_ros.keypoints.seen import SeenKeypoints
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.variation import Variation
from kinevla_ros.sim.demonstrations.collect import place_at_random

Array = NDArray[np.float64]


def bench_locate(
    path: Path, variations: Sequence[Variation], scenes: int, seed: int, report: Path | None
) -> int:
    """Print errors of positions and yaws over random scenes, and the time of one look.

    Args:
        path: a checkpoint's folder, or a keypoint file.
        variations: of the cell; each sees the same scenes once more.
        scenes, seed: how many, and their source.
        report: file for the JSON.

    Raises:
        CheckpointError, ValueError, KeypointFileError: see `source_of`.
    """
    source = source_of(path)
    rows = {
        variation.name if variation else PLAIN: _row(source, variation, scenes, seed)
        for variation in (None, *variations)
    }
    figures = {"model": str(path), "scenes": scenes, "seed": seed, "rows": rows}
    publish(figures, _table, report)
    return 0


@dataclass
class _Errors:
    """Of one object in the scenes in which it was found.

    Attributes:
        positions, yaws: m and rad.
        keypoints: of each keypoint that was seen, m.
        single: the same by one picture and its depth alone, as far as the front camera saw it.
    """

    positions: list[float] = field(default_factory=list)
    yaws: list[float] = field(default_factory=list)
    keypoints: list[float] = field(default_factory=list)
    single: list[float] = field(default_factory=list)


def _row(
    source: LocatedObjects | SeenKeypoints, variation: Variation | None, scenes: int, seed: int
) -> dict[str, Any]:
    """Percentiles of the errors, by object, and of the times."""
    errors: dict[str, _Errors] = {name: _Errors() for name in OBJECTS}
    times, busy = [], []
    with closing(Cell(variation)) as cell:
        name = variation.name if variation else PLAIN
        for number in track(range(scenes), f"locate, {name}", transient=True):
            rng = np.random.default_rng((seed, number))
            cell.reset(rng)
            place_at_random(cell, rng)
            seen = cell.observe()
            began, used = time.perf_counter(), time.process_time()
            found = source.find(seen)
            times.append(time.perf_counter() - began)
            busy.append(time.process_time() - used)
            for each, pose in cell.state().poses.items():
                if each in found:
                    errors[each].positions.append(float(np.hypot(*(found[each][:2] - pose[:2]))))
                    errors[each].yaws.append(_turn(each, found[each][2] - pose[3]))
                if isinstance(source, SeenKeypoints):
                    _add_keypoints(errors[each], source, each, pose[[0, 1, 3]])
    row = {
        "found": {name: len(each.positions) for name, each in errors.items()},
        "position_mm": {name: _spread(1000 * np.array(e.positions)) for name, e in errors.items()},
        # A round plate has no yaw to see.
        "yaw_deg": {n: _spread(np.degrees(e.yaws)) for n, e in errors.items() if n != "plate"},
        "time": percentiles(times),
        # What is left of it on a computer that does nothing else.
        "cpu_time": percentiles(busy),
    }
    if isinstance(source, SeenKeypoints):
        for kind in ("keypoints", "single"):
            of_kind = {n: 1000 * np.array(getattr(e, kind)) for n, e in errors.items()}
            row[f"{kind}_mm"] = {name: _spread(found) for name, found in of_kind.items()}
    return row


def _turn(name: str, off: float) -> float:
    """How far a yaw is off."""
    return abs(math.remainder(off, math.pi)) if name in ALIKE_TURNED else abs(wrapped(off))


def _add_keypoints(errors: _Errors, source: SeenKeypoints, name: str, pose: Array) -> None:
    thing = next(each for each in source.rig.objects if each.name == name)
    truth = object_points(thing, pose)
    if seen := source.objects.get(name):
        away = np.linalg.norm(seen.points - truth, axis=1)
        errors.keypoints += away[seen.seen].tolist()
    view = source.views[0]
    alone = view.lifted()[source.rig.spans[name]]
    sure = view.peaks.masses[source.rig.spans[name]] > SURE
    errors.single += np.linalg.norm(alone - truth, axis=1)[sure].tolist()


def _spread(errors: Array) -> dict[str, float]:
    if not len(errors):
        return {"p50": math.nan, "p95": math.nan}
    p50, p95 = np.percentile(errors, (50, 95))
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}


def _table(figures: dict[str, Any]) -> Table:
    where = figures["machine"]
    grid = Table(
        title="Objects as the network sees them: errors, p50 / p95",
        caption=f"{figures['model']}; {figures['scenes']} scenes, seed {figures['seed']}; "
        f"{where['cores']} cores of {where['processor']}",
    )
    grid.add_column("")
    for name in OBJECTS:
        grid.add_column(f"{name} (mm)", justify="right")
    for name in OBJECTS[1:]:
        grid.add_column(f"{name} (°)", justify="right")
    grid.add_column("not found", justify="right")
    grid.add_column("time (ms)", justify="right")
    grid.add_column("CPU (ms)", justify="right")
    for name, row in figures["rows"].items():
        missed = sum(figures["scenes"] - found for found in row["found"].values())
        errors = [*row["position_mm"].values(), *row["yaw_deg"].values()]
        times = [f"{row[n]['p50_ms']:.1f} / {row[n]['p95_ms']:.1f}" for n in ("time", "cpu_time")]
        grid.add_row(name, *(_text(e) for e in errors), str(missed), *times)
        for kind, title in (("keypoints_mm", "  keypoints"), ("single_mm", "  of one picture")):
            if kind in row:
                grid.add_row(title, *(_text(e) for e in row[kind].values()))
    return grid


def _text(error: dict[str, float]) -> str:
    return f"{error['p50']:.1f} / {error['p95']:.1f}"
