"""How far from the truth a checkpoint's network sees the objects, at the start of episodes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track
from rich.table import Table

from kinevla_ros.base.angles import wrapped
from kinevla_ros.base.scene import OBJECTS
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.report.statistics import percentiles
from kinevla_ros.evaluation.suite.episode import PLAIN
from kinevla_ros.generator.network.located_objects import LocatedObjects
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.cell.variation import Variation
from kinevla_ros.sim.demonstrations.collect import place_at_random


def bench_locate(
    model: Path, variations: Sequence[Variation], scenes: int, seed: int, report: Path | None
) -> int:
    """Print errors of positions and yaws over random scenes, and the time of one look.

    Args:
        model: checkpoint folder.
        variations: of the cell; each sees the same scenes once more.
        scenes, seed: how many, and their source.
        report: file for the JSON.

    Raises:
        CheckpointError, ValueError: see `LocatedObjects`.
    """
    located = LocatedObjects(model)
    rows = {
        variation.name if variation else PLAIN: _row(located, variation, scenes, seed)
        for variation in (None, *variations)
    }
    figures = {"model": str(model), "scenes": scenes, "seed": seed, "rows": rows}
    publish(figures, _table, report)
    return 0


def _row(
    located: LocatedObjects, variation: Variation | None, scenes: int, seed: int
) -> dict[str, Any]:
    """Percentiles of the errors, by object, and of the times."""
    positions: dict[str, list[float]] = {name: [] for name in OBJECTS}
    yaws: dict[str, list[float]] = {name: [] for name in OBJECTS}
    times = []
    with closing(Cell(variation)) as cell:
        name = variation.name if variation else PLAIN
        for number in track(range(scenes), f"locate, {name}", transient=True):
            rng = np.random.default_rng((seed, number))
            cell.reset(rng)
            place_at_random(cell, rng)
            seen = cell.observe()
            began = time.perf_counter()
            found = located.find(seen)
            times.append(time.perf_counter() - began)
            for each, pose in cell.state().poses.items():
                positions[each].append(float(np.hypot(*(found[each][:2] - pose[:2]))))
                yaws[each].append(abs(wrapped(found[each][2] - pose[3])))
    return {
        "position_mm": {name: _spread(1000 * np.array(e)) for name, e in positions.items()},
        # A round plate has no yaw to see.
        "yaw_deg": {n: _spread(np.degrees(e)) for n, e in yaws.items() if n != "plate"},
        "time": percentiles(times),
    }


def _spread(errors: np.ndarray) -> dict[str, float]:
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
    grid.add_column("time (ms)", justify="right")
    for name, row in figures["rows"].items():
        errors = [*row["position_mm"].values(), *row["yaw_deg"].values()]
        shown = [f"{e['p50']:.1f} / {e['p95']:.1f}" for e in errors]
        grid.add_row(name, *shown, f"{row['time']['p50_ms']:.1f}")
    return grid
