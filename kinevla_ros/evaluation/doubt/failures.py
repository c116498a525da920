"""The work behind `kinevla bench failures`: does the policy know when it is about to fail?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from kinevla_ros.base.chunk import CHUNK_DT
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.doubt.threshold import JudgedEpisode, outcomes
from kinevla_ros.evaluation.report.statistics import Rate, Roc
from kinevla_ros.evaluation.suite.rollout import REPLAN_STEPS
from kinevla_ros.generator.checkpoint import CheckpointError
from kinevla_ros.generator.decoding.doubt import load_doubt

PERIOD = REPLAN_STEPS * CHUNK_DT
"""From one inference to the next (s)."""

EARLY = 5.0
"""Failed episodes are longer and so have more chances of a peak; here all count as long (s)."""

RESAMPLES = 1000
ALL = "all of these"


def bench_failures(model: Path, figures: Sequence[Path], report: Path | None) -> int:
    """Print how well disagreement foretells failed episodes; returns the exit code.

    Args:
        model: the checkpoint that was evaluated, for its threshold.
        figures: of its evaluations.
        report: JSON file to write.

    Raises:
        ValueError: the checkpoint has no threshold, or see `outcomes`.
    """
    most = load_doubt(model)
    if most is None:
        raise CheckpointError(
            f"{model} has no doubt.json: `kinevla calibrate --episodes FIGURES` writes it"
        )
    groups: dict[str, list[JudgedEpisode]] = {}
    for path in figures:
        for name, own in outcomes(path).items():
            groups.setdefault(name, []).extend(own)
    if len(groups) > 1:
        groups[ALL] = [each for own in groups.values() for each in own]
    rows = {name: foresight(own, most) for name, own in groups.items()}
    found = {"model": str(model), "most_disagreement": most, "rows": rows}
    publish(found, table, report)
    return 0


def foresight(episodes: Sequence[JudgedEpisode], most: float) -> dict[str, Any]:
    """AUC with interval, failures foreseen, false alarms and time to spare, as plain JSON types."""
    good, bad = ([e for e in episodes if e.success is kind] for kind in (True, False))
    found: dict[str, Any] = {"n": len(episodes), "failed": len(bad)}
    if good and bad:
        count = round(EARLY / PERIOD)
        scores = {
            "auc": ([e.peak() for e in own] for own in (good, bad)),
            "auc_early": ([e.peak(count) for e in own] for own in (good, bad)),
            "auc_of_time": ([float(len(e.disagreement)) for e in own] for own in (good, bad)),
        }
        for name, both in scores.items():
            found[name], found[f"{name}_interval"] = auc(*both)
    spare = [PERIOD * n for e in bad if (n := e.warned_before(most)) is not None]
    found["foreseen"] = Rate(len(spare), len(bad)).to_json()
    found["false_alarms"] = Rate.of(e.warned_before(most) is not None for e in good).to_json()
    found["seconds_to_spare"] = float(np.median(spare)) if spare else None
    return found


def auc(good: Sequence[float], bad: Sequence[float]) -> tuple[float, tuple[float, float]]:
    """Probability that a failed episode scores higher, with its 95 % interval by bootstrap."""
    rng, found = np.random.default_rng(0), []
    a, b = np.array(good), np.array(bad)
    for _ in range(RESAMPLES):
        drawn = [x[rng.integers(len(x), size=len(x))].tolist() for x in (b, a)]
        found.append(Roc.of(*drawn).auc)
    low, high = np.percentile(found, (2.5, 97.5))
    return Roc.of(list(bad), list(good)).auc, (float(low), float(high))


def table(figures: Mapping[str, Any]) -> Table:
    """One row for each condition."""
    grid = Table(
        title="Failed episodes foretold by the disagreement of chunks",
        caption=f"threshold {figures['most_disagreement']:.2f}; early: the first {EARLY:g} s; "
        "time alone: longer episodes taken for failures; AUC 0.5 is chance",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    grid.add_column("condition", no_wrap=True)
    headings = ("n", "failed", "AUC", "early", "time alone", "foreseen %", "false alarms %", "s")
    for heading in headings:
        grid.add_column(heading, justify="right")
    for name, row in figures["rows"].items():
        aucs = [_auc(row, key) for key in ("auc", "auc_early", "auc_of_time")]
        shares = [_share(row[key]) for key in ("foreseen", "false_alarms")]
        spare = row["seconds_to_spare"]
        shown = "-" if spare is None else f"{spare:.1f}"
        grid.add_row(name, str(row["n"]), str(row["failed"]), *aucs, *shares, shown)
    return grid


def _auc(row: Mapping[str, Any], key: str) -> str:
    if key not in row:
        return "-"
    low, high = row[f"{key}_interval"]
    return f"{row[key]:.2f} [dim]({low:.2f} to {high:.2f})[/dim]"


def _share(rate: Mapping[str, Any]) -> str:
    if rate["rate"] is None:
        return "-"
    low, high = rate["interval"]
    return f"{100 * rate['rate']:.0f} [dim]({100 * low:.0f} to {100 * high:.0f})[/dim]"
