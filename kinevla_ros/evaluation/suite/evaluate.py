"""The work behind `kinevla evaluate`: run all trials, show their progress, report them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
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

from kinevla_ros.base.files.atomic import write_json
from kinevla_ros.base.files.damage import for_user
from kinevla_ros.base.files.lock import FolderInUse, only_writer
from kinevla_ros.base.interrupts import INTERRUPTED
from kinevla_ros.evaluation.report.failures import VIDEOS, copy_videos
from kinevla_ros.evaluation.report.reasoning import bert_score, metrics, read_phrasings, readings_of
from kinevla_ros.evaluation.report.reasoning import lines as word_lines
from kinevla_ros.evaluation.report.summary import alarm_line, rates, remarks, summary, table
from kinevla_ros.evaluation.suite.codes import code_usage
from kinevla_ros.evaluation.suite.conditions import by_condition, comparison
from kinevla_ros.evaluation.suite.conditions import table as condition_table
from kinevla_ros.evaluation.suite.episode import PLAIN, EpisodeResult, EpisodeSetup
from kinevla_ros.evaluation.suite.episodes import episodes, run_checkpoint, under
from kinevla_ros.evaluation.suite.pairs import (
    CHANGED,
    REWORDED,
    Pair,
    pair_lines,
    pairs,
    sensitivity,
)
from kinevla_ros.evaluation.suite.refusals import read_out_of_scope, refusal_figures, refusal_line
from kinevla_ros.evaluation.suite.settings import EvaluationSettings
from kinevla_ros.evaluation.suite.tried import Tried, checkpoint, skilled
from kinevla_ros.generator.checkpoint import CheckpointError
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.generator.policy import Policy
from kinevla_ros.sim.cell.tasks import require_cell

"""Exit code of a process ended by Ctrl-C."""


def evaluate(
    model: Path | None,
    settings: EvaluationSettings,
    workers: int = 1,
    figures: Path | None = None,
    inspect: Path | None = None,
    report: Path | None = None,
    skills: Path | None = None,
) -> int:
    """Evaluate a checkpoint, or skills, and return the exit code: 0 when every episode has run.

    Ctrl-C or the death of a worker ends the run; what is done until then is reported.

    Args:
        model: checkpoint folder; the shipped one without it and without `skills`.
        figures: JSON file to write.
        inspect: folder for a video of each failure; the report has them in any case.
        report: folder for a page with plots, figures and videos.
        skills: folder of skills, in the place of a checkpoint.
    """
    console, errors = Console(), Console(stderr=True)
    try:
        with ExitStack() as held:
            for folder in {path.resolve() for path in (inspect, report) if path}:
                held.enter_context(only_writer(folder))
            tried = skilled(skills, model, settings) if skills else checkpoint(model, settings)
            return _evaluate(tried, settings, workers, figures, inspect, report, console, errors)
    except (FolderInUse, ValueError, OSError) as problem:
        errors.print(for_user(problem), style="red", markup=False, highlight=False)
        return 1


def _evaluate(
    tried: Tried,
    settings: EvaluationSettings,
    workers: int,
    figures: Path | None,
    inspect: Path | None,
    report: Path | None,
    console: Console,
    errors: Console,
) -> int:
    inspect = inspect or (report / VIDEOS if report else None)
    try:
        plan, found_pairs = _plan(settings)
        require_cell(tried.tasks, settings.suite)
        _require(settings, report)
        if inspect:
            inspect.mkdir(parents=True, exist_ok=True)
        with closing(run_checkpoint(tried.load, plan, workers, inspect)) as stream:
            results, code = _run(stream, len(plan), console, errors)
        if inspect and report:
            copy_videos(inspect, report / VIDEOS)
        groups = by_condition(results)
        if not groups[PLAIN]:
            errors.print("no episode was finished")
            return code or 1
        content = {
            **asdict(settings),
            "bert_model": settings.bert_model and settings.bert_model.name,
            "keypoints": settings.keypoints and settings.keypoints.name,
            "model": str(tried.folder),
            "complete": not code,
            **_content(groups, found_pairs, results),
            "codes": code_usage(groups[PLAIN], tried.contract) if tried.contract else {},
            "reasoning": {},
        }
    except (CheckpointError, GenerationError, ValueError, OSError) as problem:
        errors.print(for_user(problem), style="red", markup=False, highlight=False)
        return 1
    try:
        if tried.load_model:
            content |= _words(groups[PLAIN], tried.folder, tried.load_model, settings, console)
    except KeyboardInterrupt:
        errors.print("[yellow]interrupted; figures of the words are missing")
        code = INTERRUPTED
    except (ValueError, OSError) as problem:
        text = f"{for_user(problem)}; figures of the words are missing"
        errors.print(text, style="red", markup=False, highlight=False)
        code = 1
    content["complete"] = not code
    _print(console, groups, content)
    _save(figures, report, groups, content, console)
    return code


def _plan(settings: EvaluationSettings) -> tuple[list[EpisodeSetup], list[Pair]]:
    """All episodes, and the pairs that some of them make."""
    plain = episodes(settings.suite, settings.trials, settings.seed, settings.phrasing)
    found: list[Pair] = []
    if settings.paired:
        found = pairs(plain)
        plain = [pair.asked for pair in found]
    others = [episode for pair in found for episode in (pair.changed, pair.reworded)]
    return [*plain, *others, *under(plain, settings.interventions, settings.variations)], found


def _content(
    groups: Mapping[str, list[EpisodeResult]],
    found: Sequence[Pair],
    results: Sequence[EpisodeResult],
) -> dict[str, Any]:
    """All figures as plain JSON types."""
    content = summary(groups[PLAIN])
    others = {n: own for n, own in groups.items() if n not in (PLAIN, CHANGED, REWORDED)}
    if others:
        content["conditions"] = {n: comparison(groups[PLAIN], o) for n, o in others.items()}
    if found:
        content["language_sensitivity"] = sensitivity(found, {r.episode: r for r in results})
    return content


def _words(
    plain: Sequence[EpisodeResult],
    folder: Path,
    load: Callable[[], Policy],
    settings: EvaluationSettings,
    console: Console,
) -> dict[str, Any]:
    """Figures of the words: of the episodes and, if asked for, of phrasings and of nonsense."""
    sources, found = {"episodes": readings_of(plain)}, {}
    if settings.phrasings:
        policy = load()
        count = settings.phrasings * len(policy.tasks.commands)
        chance = settings.seed, settings.phrasing
        with Progress(console=console, transient=True) as progress:
            bar = progress.add_task("phrasings", total=count)
            advance = partial(progress.advance, bar)
            sources["phrasings"] = read_phrasings(policy, settings.phrasings, *chance, advance)
            bar = progress.add_task("out of scope", total=count)
            advance = partial(progress.advance, bar)
            answers = read_out_of_scope(policy, count, *chance, advance)
        found["refusals"] = refusal_figures(answers)
    scores = {name: metrics(readings, folder) for name, readings in sources.items() if readings}
    if settings.bert_model:
        for name, own in scores.items():
            own["bert_score"] = bert_score(sources[name], settings.bert_model)
    return {"reasoning": scores, **found}


def _print(
    console: Console, groups: Mapping[str, list[EpisodeResult]], content: Mapping[str, Any]
) -> None:
    console.print(table(groups[PLAIN]))
    for line in remarks(groups[PLAIN]):
        console.print(line, highlight=False)
    for name, own in content["reasoning"].items():
        for line in word_lines(name, own):
            console.print(line, highlight=False)
    if "refusals" in content:
        console.print(refusal_line(content["refusals"]), highlight=False)
    compared = content.get("conditions", {})
    if compared:
        names = (PLAIN, *compared)
        console.print(condition_table({name: groups[name] for name in names}))
        for name in compared:
            console.print(f"{name}: {alarm_line(groups[name])}", highlight=False)
    if "language_sensitivity" in content:
        for line in pair_lines(content["language_sensitivity"]):
            console.print(line, highlight=False)


def _require(settings: EvaluationSettings, report: Path | None) -> None:
    """Find out now, not after the last episode, whether the packages are there."""
    needed = {"sacrebleu": True, "matplotlib": report, "bert_score": settings.bert_model}
    missing = [
        name.replace("_", "-") for name, wanted in needed.items() if wanted and not find_spec(name)
    ]
    if missing:
        raise ValueError(f"not installed: {', '.join(missing)}; pip install {' '.join(missing)}")
    if settings.bert_model and not (settings.bert_model / "config.json").is_file():
        raise ValueError(f"{settings.bert_model} holds no model: config.json is missing")


def _run(
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


def _save(
    figures: Path | None,
    report: Path | None,
    groups: Mapping[str, list[EpisodeResult]],
    content: dict[str, Any],
    console: Console,
) -> None:
    if figures:
        write_json(figures, content)
    if report:
        from kinevla_ros.evaluation.report.page import write_page

        console.print(f"report: {write_page(report, groups, content)}", highlight=False)
