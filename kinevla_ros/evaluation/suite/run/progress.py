"""How far an evaluation is, while its results come."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures.process import BrokenProcessPool

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from kinevla_ros.base.interrupts import INTERRUPTED
from kinevla_ros.evaluation.report.summary import rates
from kinevla_ros.evaluation.suite.episode import EpisodeResult


def gathered(
    stream: Iterable[EpisodeResult], total: int, console: Console, errors: Console
) -> tuple[list[EpisodeResult], int]:
    """Results as far as they have come, and the exit code."""
    results: list[EpisodeResult] = []
    try:
        gather(stream, total, results, console)
    except KeyboardInterrupt:
        errors.print("[yellow]interrupted; this is what was done")
        return results, INTERRUPTED
    except BrokenProcessPool:
        errors.print("[red]a worker process died, perhaps for want of memory; use fewer --workers")
        return results, 1
    return results, 0


def gather(
    stream: Iterable[EpisodeResult], total: int, results: list[EpisodeResult], console: Console
) -> None:
    """Append results as they come, and show how far they are; in a file, every tenth."""
    columns = (
        TextColumn("evaluate"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("loading", total=total)
        for result in stream:
            results.append(result)
            same = [r for r in results if r.episode.condition == result.episode.condition]
            goal, kinematic = (rate.value for rate in rates(same))
            text = f"{result.episode.condition}: goal {goal:.0%} kinematic {kinematic:.0%}"
            progress.update(bar, advance=1, description=text)
            if not console.is_terminal and len(results) % max(1, total // 10) == 0:
                console.print(f"{len(results)}/{total} {text}", highlight=False)
