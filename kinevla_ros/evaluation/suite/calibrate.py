"""The work behind `kinevla calibrate`: how badly codes must fit the words for the arm to hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

from kinevla_ros.base.files.atomic import write_text
from kinevla_ros.base.files.damage import for_user
from kinevla_ros.base.files.lock import only_writer
from kinevla_ros.base.observation import Observation
from kinevla_ros.base.resources import resource_path
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.bench.recording import record
from kinevla_ros.evaluation.report.statistics import Roc
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.generator.decoding.override import Override
from kinevla_ros.generator.inference import Inference, NotUnderstood
from kinevla_ros.generator.policy import Policy
from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import instruction
from kinevla_ros.sim.cell.tasks import require_cell

USEFUL_AUC = 0.8
"""Below it the score separates too little to hold an arm by."""

RESAMPLES = 1000

FAR = 0.05
"""By how much a joint target must differ for codes to move otherwise (rad).

Most commands with one goal begin alike, and where they do no score can separate them.
"""

SAME_GOAL, OTHER_GOAL = "codes of another command with the same goal", "codes of another goal"
SAME_GOAL_FAR = f"{SAME_GOAL}, a joint {FAR} rad elsewhere"


@dataclass
class Scores:
    """Of one demonstration: consistency of words and codes that belong together, and of others.

    What is under `SAME_GOAL_FAR` is under `SAME_GOAL` too.
    """

    matched: list[float] = field(default_factory=list)
    mismatched: dict[str, list[float]] = field(
        default_factory=lambda: {SAME_GOAL: [], SAME_GOAL_FAR: [], OTHER_GOAL: []}
    )


def calibrate(
    model: Path | None, scenes: int, seed: int, report: Path | None, figures: Path | None = None
) -> int:
    """Measure how well the score separates matched from mismatched codes; returns the exit code.

    Args:
        model: checkpoint folder; the shipped one without it.
        scenes: demonstrations of each task along which it is measured.
        report: folder for a page with the ROC.
        figures: JSON file to write.
    """
    try:
        if report and not find_spec("matplotlib"):
            raise ValueError("a report needs matplotlib; pip install matplotlib")
        with only_writer(report) if report else nullcontext():
            _calibrate(model, scenes, seed, report, figures)
    except (ValueError, OSError) as problem:
        Console(stderr=True).print(for_user(problem), style="red", markup=False, highlight=False)
        return 1
    return 0


def _calibrate(
    model: Path | None, scenes: int, seed: int, report: Path | None, figures: Path | None
) -> None:
    folder = model or resource_path("models", "kinevla-tiny")
    policy = Policy(folder)
    require_cell(policy.tasks)
    with Progress(transient=True) as progress:
        bar = progress.add_task("calibrate", total=scenes)
        scores = measure(policy, scenes, seed, lambda: progress.advance(bar))
    measured = {"model": str(folder), "scenes": scenes, "seed": seed, **summary(scores)}
    content = publish(measured, lambda found: "\n".join(lines(found)), figures)
    if report:
        write_text(report / "index.html", page(scores, content))
        Console().print(f"report: {report / 'index.html'}", highlight=False)


def measure(
    policy: Policy, scenes: int, seed: int, advance: Callable[[], object] = lambda: None
) -> list[Scores]:
    """Score words with their own codes and with those that the policy writes for other words.

    Codes that are the same for both commands are no mismatch and are left out.

    Returns:
        One for each demonstration: chunks of one depend on each other.
    """
    found, rng = [], np.random.default_rng(seed)
    for scene in range(scenes):
        for command, observations in record(seed + scene).items():
            found.append(Scores())
            for seen in observations:
                _compare(policy, command, seen, rng, found[-1])
        advance()
    return found


def _compare(
    policy: Policy, command: Command, seen: Observation, rng: np.random.Generator, scores: Scores
) -> None:
    other_goals = [other for other in command.tasks.commands if other.goal != command.goal]
    own = _infer(policy, command, seen, rng)
    if own is None:
        return
    scores.matched.append(own.consistency)
    for kind, others in ((SAME_GOAL, command.siblings()), (OTHER_GOAL, other_goals)):
        other = _infer(policy, others[int(rng.integers(len(others)))], seen, rng)
        if other is None or _codes(other) == _codes(own):
            continue
        override = Override(own.goal, own.kinematics, other.goal_codes, other.kinematics_codes)
        mixed = _infer(policy, command, seen, rng, override)
        if mixed is None:
            continue
        scores.mismatched[kind].append(mixed.consistency)
        if kind == SAME_GOAL and np.abs(own.chunk.positions - other.chunk.positions).max() > FAR:
            scores.mismatched[SAME_GOAL_FAR].append(mixed.consistency)


def _infer(
    policy: Policy,
    command: Command,
    seen: Observation,
    rng: np.random.Generator,
    override: Override | None = None,
) -> Inference | None:
    said = instruction(command, rng, "held_out")
    try:
        return policy.infer(said, seen, override, consistency=True)
    except (NotUnderstood, GenerationError):
        return None


def _codes(inference: Inference) -> tuple[int, ...]:
    return (*inference.goal_codes, *inference.kinematics_codes)


def summary(scores: Sequence[Scores]) -> dict[str, Any]:
    """Threshold, AUC with interval and share of mismatches held, as plain JSON types.

    The threshold is just below the lowest score of codes that belong to their words: what is held
    is seen and written the same again, so a single one can end an episode. It is None where the
    score cannot separate them.

    Raises:
        ValueError: there are no scores of one kind.
    """
    matched = pooled(scores)
    auc, interval = Roc.of(matched, pooled(scores, SAME_GOAL, OTHER_GOAL)).auc, _interval(scores)
    threshold = math.floor(100 * min(matched)) / 100
    kinds = {
        kind: {
            "n": len(found),
            "auc": Roc.of(matched, found).auc,
            "held": float(np.mean(np.array(found) < threshold)),
        }
        for kind in (SAME_GOAL, SAME_GOAL_FAR, OTHER_GOAL)
        if (found := pooled(scores, kind))
    }
    return {
        "min_consistency": threshold if interval[0] >= USEFUL_AUC and threshold > 0 else None,
        "lowest": min(matched),
        "matched": len(matched),
        "demonstrations": len(scores),
        "auc": auc,
        "auc_interval": interval,
        "mismatched": kinds,
    }


def pooled(scores: Sequence[Scores], *kinds: str) -> list[float]:
    """All scores of the kinds of mismatch, of the matched without any."""
    if not kinds:
        return [score for own in scores for score in own.matched]
    return [score for own in scores for kind in kinds for score in own.mismatched[kind]]


def _interval(scores: Sequence[Scores]) -> tuple[float, float]:
    """95 % interval of the AUC, by resampling demonstrations."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(RESAMPLES):
        drawn = [scores[i] for i in rng.integers(len(scores), size=len(scores))]
        good, bad = pooled(drawn), pooled(drawn, SAME_GOAL, OTHER_GOAL)
        if good and bad:
            found.append(Roc.of(good, bad).auc)
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


def lines(found: Mapping[str, Any]) -> list[str]:
    """The same for people to read, with what to do."""
    low, high = found["auc_interval"]
    rows = [
        f"consistency separates codes of the words shown ({found['matched']} chunks of "
        f"{found['demonstrations']} demonstrations, lowest {found['lowest']:.3f}) from codes of "
        f"others: AUC {found['auc']:.3f} ({low:.3f} to {high:.3f}); 0.5 is chance"
    ]
    rows += [
        f"{kind} ({own['n']}): AUC {own['auc']:.3f}, {own['held']:.0%} held where none of the "
        "matched are"
        for kind, own in found["mismatched"].items()
    ]
    if found["min_consistency"] is None:
        rows.append(
            f"This is too little (AUC below {USEFUL_AUC}, or a matched one at 0): set the policy "
            "node's min_consistency to 0, or train longer."
        )
    else:
        rows.append(f"policy node: min_consistency: {found['min_consistency']:.2f}")
    return rows


def page(scores: Sequence[Scores], content: Mapping[str, Any]) -> str:
    """The ROC, the scores behind it and the figures, as one HTML page."""
    from kinevla_ros.evaluation.report.page import document, table
    from kinevla_ros.evaluation.report.plots import roc_plot, scores_plot

    matched, others = pooled(scores), pooled(scores, SAME_GOAL, OTHER_GOAL)
    roc, threshold = Roc.of(matched, others), content["lowest"]
    text = "".join(f"<p>{line}</p>" for line in lines(content))
    chosen = 0.0, float(np.mean(np.array(others) < threshold))
    pictures = roc_plot(roc.false_alarms, roc.hits, chosen, roc.auc)
    kinds = {kind: pooled(scores, kind) for kind in content["mismatched"]}
    pictures += scores_plot({"matched": matched, **kinds}, threshold)
    rows = [[key, str(content[key])] for key in ("model", "scenes", "seed")]
    rows += [[key, str(v)] for part in ("machine", "versions") for key, v in content[part].items()]
    return document("kinevla calibrate", text + pictures + table(("", ""), rows))
