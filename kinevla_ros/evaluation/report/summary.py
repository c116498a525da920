"""What an evaluation says: a table for the console, a dictionary for the JSON file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table

from kinevla_ros.evaluation.bench.publish import with_machine
from kinevla_ros.evaluation.report.statistics import CONFIDENCE, Rate, percentiles
from kinevla_ros.evaluation.suite.episode import EpisodeResult
from kinevla_ros.evaluation.suite.run.alarms import alarm_counts

Results = Sequence[EpisodeResult]


def summary(results: Results) -> dict[str, Any]:
    """Figures of at least one result as plain JSON types; rates are 0 to 1."""
    figures = {
        **success(results),
        "confidence": CONFIDENCE,
        "per_task": {
            name: {"task": own[0].episode.command.task_number, **success(own)}
            for name, own in by_task(results).items()
        },
        **_inferences(results),
        "latency": latency(results),
        "results": each_episode(results),
    }
    return with_machine(figures)


def each_episode(results: Results) -> list[dict[str, Any]]:
    """What came of every episode, as plain JSON types."""
    return [_episode(r) for own in by_task(results).values() for r in own]


def by_task(results: Results) -> dict[str, list[EpisodeResult]]:
    """Results of each task that has any, by name, tasks in the paper's order, trials in theirs."""
    order = sorted(results, key=lambda r: (r.episode.command.task_number, r.episode.trial))
    found: dict[str, list[EpisodeResult]] = {}
    for result in order:
        found.setdefault(result.episode.task, []).append(result)
    return found


def latency(results: Results) -> dict[str, dict[str, float]]:
    """Times of inferences (ms): all, each episode's first (cold), later ones whose draft stood."""
    pairs = [list(zip(r.model_times, r.warm, strict=True)) for r in results]
    return {
        "all": percentiles([t for episode in pairs for t, _ in episode]),
        "warm": percentiles([t for episode in pairs for t, warm in episode[1:] if warm]),
        "cold": percentiles([t for episode in pairs for t, _ in episode[:1]]),
    }


def table(results: Results) -> Table:
    """Goal and kinematic success with intervals and each constraint, task by task, in %."""
    grid = Table(
        title=f"Success in %, with Wilson intervals at {CONFIDENCE:.0%}",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    grid.add_column("task", no_wrap=True)
    constraints = list(constraint_rates(results))
    for heading in ("n", "goal", "kinematic", *constraints):
        grid.add_column(heading, justify="right", no_wrap=True)
    for name, own in by_task(results).items():
        grid.add_row(name, *_cells(own, constraints))
    grid.add_section()
    grid.add_row("all", *_cells(results, constraints), style="bold")
    return grid


def remarks(results: Results) -> list[str]:
    """Lines below the table: reasoning, latency, and whatever went wrong."""
    counts = _inferences(results)
    lines = [
        f"{counts['inferences']} inferences: reasoning correct in "
        f"{counts['reasoning_correct']:.1%}, draft accepted in {counts['draft_accepted']:.1%}"
    ]
    lines += [
        f"latency {name}: p50 {times['p50_ms']:.1f} ms, p95 {times['p95_ms']:.1f} ms, "
        f"p99 {times['p99_ms']:.1f} ms ({times['n']} inferences)"
        for name, times in latency(results).items()
        if times["n"]
    ]
    if (own := benchmark_rate(results)).n:
        lines.append(f"benchmark's own goal: {own.successes} of {own.n}")
    lines.append(
        f"arm: {counts['refused_chunks']} chunks refused, {sum(counts['faults'].values())} faults"
    )
    for name in ("faults", "no_motion"):
        lines += [f"{name.replace('_', ' ')}: {n} x {why}" for why, n in counts[name].items()]
    lines.append(alarm_line(results))
    return lines


def alarm_line(results: Results) -> str:
    """What the checks of the pictures would have said."""
    if all(result.picture_alarms is None for result in results):
        return "pictures: not checked in this world"
    found = ", ".join(f"{name} in {n}" for name, n in alarm_counts(results).items())
    if not found:
        return f"pictures: no alarm in {len(results)} episodes"
    return f"pictures: {found} of {len(results)} episodes"


def success(results: Results) -> dict[str, Any]:
    """Goal, kinematic and each constraint's rate with intervals, as plain JSON types."""
    goal, kinematic = rates(results)
    own = benchmark_rate(results)
    return {
        "episodes": len(results),
        **({"benchmark_goal": own.to_json()} if own.n else {}),
        "goal_success": goal.value,
        "goal_success_interval": goal.interval,
        "kinematic_success": kinematic.value,
        "kinematic_success_interval": kinematic.interval,
        "constraints": {name: rate.to_json() for name, rate in constraint_rates(results).items()},
    }


def rates(results: Results) -> tuple[Rate, Rate]:
    """Goal success and kinematic success."""
    return Rate.of(r.goal for r in results), Rate.of(r.kinematic for r in results)


def benchmark_rate(results: Results) -> Rate:
    """How often the benchmark's own predicate held, where it has one for the goal."""
    return Rate.of(r.benchmark_goal for r in results if r.benchmark_goal is not None)


def constraint_rates(results: Results) -> dict[str, Rate]:
    """How often each constraint was kept where it was asked for."""
    names = dict.fromkeys(name for r in results for name in r.constraints)
    return {
        name: Rate.of(r.constraints[name] for r in results if name in r.constraints)
        for name in names
    }


def _inferences(results: Results) -> dict[str, Any]:
    number = sum(len(r.warm) for r in results)
    no_motion: Counter[str] = Counter()
    for result in results:
        no_motion.update(result.no_motion)
    return {
        "inferences": number,
        "reasoning_correct": sum(r.reasoning_correct for r in results) / max(number, 1),
        "draft_accepted": sum(sum(r.warm) for r in results) / max(number, 1),
        "no_motion": dict(no_motion),
        "refused_chunks": sum(r.refused_chunks for r in results),
        "faults": dict(Counter(r.fault for r in results if r.fault)),
        "picture_alarms": alarm_counts(results),
    }


def _cells(results: Results, constraints: Sequence[str]) -> list[str]:
    def with_interval(rate: Rate) -> str:
        low, high = (f"{bound * 100:.0f}" for bound in rate.interval)
        return f"{rate.value * 100:.0f} [dim]{low}-{high}[/dim]"

    kept = {name: f"{rate.value * 100:.0f}" for name, rate in constraint_rates(results).items()}
    return [
        str(len(results)),
        *map(with_interval, rates(results)),
        *(kept.get(name, "-") for name in constraints),
    ]


def _episode(result: EpisodeResult) -> dict[str, Any]:
    return {
        "task": result.episode.task,
        "trial": result.episode.trial,
        "instruction": result.instruction,
        "goal": result.goal,
        "kinematic": result.kinematic,
        "benchmark_goal": result.benchmark_goal,
        "constraints": result.constraints,
        # JSON has no infinity and no NaN: a grasp that never was has no place.
        "executed": result.executed,
        "measures": {k: v if math.isfinite(v) else None for k, v in result.measures.items()},
        "seconds": result.seconds,
        "inferences": len(result.warm),
        "reasoning_correct": result.reasoning_correct,
        "draft_accepted": sum(result.warm),
        "no_motion": result.no_motion,
        "refused_chunks": result.refused_chunks,
        "fault": result.fault,
        "picture_alarms": result.picture_alarms,
        "disagreement": [round(x, 5) if math.isfinite(x) else None for x in result.disagreement],
    }
