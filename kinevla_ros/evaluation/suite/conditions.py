"""The same trials under another condition: what success loses, and what was followed instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table

from kinevla_ros.evaluation.report.statistics import Rate, drop
from kinevla_ros.evaluation.report.summary import Results, each_episode, rates, success
from kinevla_ros.evaluation.suite.episode import PLAIN, EpisodeResult
from kinevla_ros.evaluation.suite.run.alarms import alarm_counts
from kinevla_ros.sim.cell.variation import KINDS


def by_condition(results: Results) -> dict[str, list[EpisodeResult]]:
    """Results of each condition that has any; the plain ones first."""
    found: dict[str, list[EpisodeResult]] = {PLAIN: []}
    for result in results:
        found.setdefault(result.episode.condition, []).append(result)
    return found


def matched(plain: Results, other: Results) -> list[EpisodeResult]:
    """The plain results of those trials that have run under the other condition too."""
    trials = {(r.episode.command, r.episode.seed, r.episode.trial) for r in other}
    return [r for r in plain if (r.episode.command, r.episode.seed, r.episode.trial) in trials]


def comparison(plain: Results, other: Results) -> dict[str, Any]:
    """Success under a condition and what it loses against the same trials without it."""
    before, after = rates(matched(plain, other)), rates(other)
    found = success(other)
    if other and (variation := other[0].episode.variation):
        found |= {"kind": variation.kind, "strength": variation.strength}
    for name, first, second in zip(("goal", "kinematic"), before, after, strict=True):
        if first.n:
            fall, interval = drop(first, second)
            found[f"{name}_drop"], found[f"{name}_drop_interval"] = fall, interval
    found["picture_alarms"] = alarm_counts(other)
    found["results"] = each_episode(other)
    worded = as_worded(other)
    if worded.n:
        found["as_worded"] = worded.to_json()
    return found


def over_strength(groups: Mapping[str, Results]) -> dict[str, dict[float, tuple[Rate, Rate]]]:
    """Kind of variation to strength to goal and kinematic success, the plain trials among them.

    Kinds of which there is one strength alone are left out.
    """
    found: dict[str, dict[float, tuple[Rate, Rate]]] = {}
    for results in groups.values():
        if results and (variation := results[0].episode.variation):
            found.setdefault(variation.kind, {})[variation.strength] = rates(results)
    curves = {}
    for kind, own in found.items():
        if len(own) > 1:
            curves[kind] = dict(sorted(({KINDS[kind].plain: rates(groups[PLAIN])} | own).items()))
    return curves


def as_worded(results: Results) -> Rate:
    """Kinematic success by the measure of the command that words from outside named."""
    return Rate.of(r.as_worded for r in results if r.worded is not None)


def table(groups: Mapping[str, Results]) -> Table:
    """One row for each condition, in %."""
    grid = Table(
        title="The same trials under other conditions, in % and points",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    grid.add_column("condition", no_wrap=True)
    headings = ("n", "goal", "kinematic", "goal lost", "kinematic lost", "as the words say")
    for heading in headings:
        grid.add_column(heading, justify="right")
    for name, own in groups.items():
        cells = [_percent(rate.value, rate.interval) for rate in rates(own)]
        lost = ["-", "-"]
        before = rates(matched(groups[PLAIN], own))
        if name != PLAIN and before[0].n:
            lost = [_percent(*drop(*both)) for both in zip(before, rates(own), strict=True)]
        worded = as_worded(own)
        said = _percent(worded.value, worded.interval) if worded.n else "-"
        grid.add_row(name, str(len(own)), *cells, *lost, said)
    return grid


def _percent(value: float, interval: tuple[float, float]) -> str:
    low, high = (f"{bound * 100:.0f}" for bound in interval)
    return f"{value * 100:.0f} [dim]({low} to {high})[/dim]"
