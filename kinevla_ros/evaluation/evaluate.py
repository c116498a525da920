"""The work behind `kinevla evaluate`: run a suite, show its progress, report it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from kinevla_ros.evaluation.report import remarks, summary, table
from kinevla_ros.evaluation.rollout import EpisodeResult
from kinevla_ros.evaluation.statistics import Rate
from kinevla_ros.evaluation.suite import episodes, run_checkpoint
from kinevla_ros.generator.decode import GenerationError
from kinevla_ros.generator.policy import CheckpointError
from kinevla_ros.language.grammar import Split
from kinevla_ros.share import share_path

INTERRUPTED = 130
"""Exit code of a process ended by Ctrl-C."""


def evaluate(
    model: Path | None,
    suite: str,
    trials: int,
    seed: int,
    phrasing: Split,
    workers: int = 1,
    report: Path | None = None,
    inspect: Path | None = None,
) -> int:
    """Evaluate a checkpoint and return the exit code: 0 when every episode has run.

    Ctrl-C or the death of a worker ends the run; what is done until then is reported.

    Args:
        model: checkpoint folder; the shipped one without it.
        trials: scenes per task.
        report: JSON file to write.
        inspect: folder for a video of each failure.
    """
    console, errors = Console(), Console(stderr=True)
    results: list[EpisodeResult] = []
    code = 0
    try:
        plan = episodes(suite, trials, seed, phrasing)
        folder = model or share_path("models", "kinevla-tiny")
        _prepare(report, inspect)
        with closing(run_checkpoint(folder, plan, workers, inspect)) as stream:
            _collect(stream, len(plan), results, console)
    except KeyboardInterrupt:
        errors.print("[yellow]interrupted; this is what was done")
        code = INTERRUPTED
    except BrokenProcessPool:
        errors.print("[red]a worker process died, perhaps for want of memory; use fewer --workers")
        code = 1
    except (CheckpointError, GenerationError, ValueError, OSError) as problem:
        errors.print(f"[red]{problem}", highlight=False)
        return 1
    if not results:
        errors.print("no episode was finished")
        return code or 1
    console.print(table(results))
    for line in remarks(results):
        console.print(line, highlight=False)
    if report:
        settings = {"suite": suite, "trials": trials, "seed": seed, "phrasing": phrasing}
        _write(report, {**settings, "model": str(folder), "complete": not code, **summary(results)})
    return code


def _prepare(report: Path | None, inspect: Path | None) -> None:
    """Find out now, not after the last episode, whether the files can be written."""
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.open("a").close()
    if inspect:
        inspect.mkdir(parents=True, exist_ok=True)


def _collect(
    stream: Iterable[EpisodeResult], total: int, results: list[EpisodeResult], console: Console
) -> None:
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
            goal = Rate.of(r.goal for r in results).value
            kinematic = Rate.of(r.kinematic for r in results).value
            text = f"goal {goal:.0%} kinematic {kinematic:.0%}"
            progress.update(bar, advance=1, description=text)


def _write(path: Path, content: dict[str, Any]) -> None:
    """Replace the file in one step, so that a reader never sees half of it."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
    part.replace(path)
