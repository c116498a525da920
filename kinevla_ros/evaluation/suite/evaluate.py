"""The work behind `kinevla evaluate`: run all trials, show their progress, report them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from kinevla_ros.base.files.atomic import write_json
from kinevla_ros.base.files.damage import for_user
from kinevla_ros.base.files.lock import FolderInUse, only_writer
from kinevla_ros.base.interrupts import INTERRUPTED
from kinevla_ros.evaluation.libero.episodes import libero_episodes, run_libero
from kinevla_ros.evaluation.report.failures import VIDEOS, copy_videos
from kinevla_ros.evaluation.report.reasoning import bert_score, metrics, read_phrasings, readings_of
from kinevla_ros.evaluation.report.reasoning import lines as word_lines
from kinevla_ros.evaluation.report.summary import alarm_line, remarks, summary, table
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
from kinevla_ros.evaluation.suite.run.progress import gathered
from kinevla_ros.evaluation.suite.run.rows import Rows, run_of
from kinevla_ros.evaluation.suite.settings import EvaluationSettings
from kinevla_ros.evaluation.suite.tried import Tried, checkpoint, skilled
from kinevla_ros.generator.checkpoint import CheckpointError
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.generator.policy import Policy
from kinevla_ros.sim.cell.tasks import require_cell
from kinevla_ros.sim.libero.tasks import SUITES as LIBERO_SUITES


def evaluate(
    model: Path | None,
    settings: EvaluationSettings,
    workers: int = 1,
    figures: Path | None = None,
    inspect: Path | None = None,
    report: Path | None = None,
    skills: Path | None = None,
    rows: Path | None = None,
) -> int:
    """Evaluate a checkpoint, or skills, and return the exit code: 0 when every episode has run.

    Ctrl-C or the death of a worker ends the run; what is done until then is reported.

    Args:
        model: checkpoint folder; the shipped one without it and without `skills`.
        figures: JSON file to write.
        inspect: folder for a video of each failure; the report has them in any case.
        report: folder for a page with plots, figures and videos.
        skills: folder of skills, in the place of a checkpoint.
        rows: file of results, one a line; what it holds of the same run is not run again.
    """
    console, errors = Console(), Console(stderr=True)
    try:
        with ExitStack() as held:
            for folder in {path.resolve() for path in (inspect, report) if path}:
                held.enter_context(only_writer(folder))
            tried = skilled(skills, model, settings) if skills else checkpoint(model, settings)
            return _evaluate(
                tried, settings, workers, figures, inspect, report, rows, console, errors
            )
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
    rows: Path | None,
    console: Console,
    errors: Console,
) -> int:
    inspect = inspect or (report / VIDEOS if report else None)
    try:
        plan, found_pairs = _plan(tried, settings)
        _require(settings, report)
        kept = Rows(rows, run_of(tried, settings), plan) if rows else None
        if inspect:
            inspect.mkdir(parents=True, exist_ok=True)
        with closing(_results(tried, settings, plan, workers, inspect, kept)) as stream:
            results, code = gathered(stream, len(plan), console, errors)
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


def _plan(tried: Tried, settings: EvaluationSettings) -> tuple[list[EpisodeSetup], list[Pair]]:
    """All episodes, and the pairs that some of them make."""
    found: list[Pair] = []
    if settings.suite in LIBERO_SUITES:
        return libero_episodes(tried.tasks, settings), found
    plain = episodes(settings.suite, settings.trials, settings.seed, settings.phrasing)
    require_cell(tried.tasks, settings.suite)
    if settings.paired:
        found = pairs(plain)
        plain = [pair.asked for pair in found]
    others = [episode for pair in found for episode in (pair.changed, pair.reworded)]
    return [*plain, *others, *under(plain, settings.interventions, settings.variations)], found


def _results(
    tried: Tried,
    settings: EvaluationSettings,
    plan: Sequence[EpisodeSetup],
    workers: int,
    inspect: Path | None,
    kept: Rows | None,
) -> Generator[EpisodeResult]:
    """Results of the plan, those that a file of rows holds first."""
    left = kept.left() if kept else plan
    if not left:
        stream: Generator[EpisodeResult] = (done for done in list[EpisodeResult]())
    elif settings.suite in LIBERO_SUITES and tried.load_model:
        stream = run_libero(tried.load_model, left, workers, inspect)
    else:
        stream = run_checkpoint(tried.load, left, workers, inspect)
    with closing(stream):
        yield from kept.kept(stream) if kept else stream


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
