"""Verbs that try a policy in the simulated cell."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from kinevla_ros.cli.options import (
    Cameras,
    Datasets,
    DepthHead,
    EightBit,
    Model,
    Report,
    camera_map,
    plain_errors,
)

if TYPE_CHECKING:
    from kinevla_ros.evaluation.suite.episode import Intervention

app = typer.Typer()


# typer takes several values of an Enum, not of a Literal.
class Intervene(str, Enum):
    """What replaces the policy's words."""

    random = "random"
    mismatched = "mismatched"
    empty = "empty"
    oracle = "oracle"
    goal_only = "goal-only"
    swap = "swap"


@app.command()
def evaluate(
    suite: Annotated[
        Literal["kine_realman", "carrot_lay", "kine_libero", "libero_goal_relabeled"],
        typer.Option(help="Set of tasks, the model's; the last two in LIBERO's world."),
    ] = "kine_realman",
    trials: Annotated[
        int, typer.Option(min=1, help="Random scenes per task; of LIBERO its first initial states.")
    ] = 20,
    seed: Annotated[
        int, typer.Option(min=0, help="Same seed, same scenes, whatever the policy.")
    ] = 1000,
    report: Report = None,
    inspect: Annotated[
        Path | None, typer.Option(help="Folder for a video of each failure.")
    ] = None,
    model: Model = None,
    phrasing: Annotated[
        Literal["held_out", "train"],
        typer.Option(help="Wordings never trained on, or those of training."),
    ] = "held_out",
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    intervene: Annotated[
        list[Intervene] | None,
        typer.Option(
            help="Repeat all trials with other words instead of the policy's own, image "
            "and instruction unchanged: random words; mismatched: those of another command "
            "with the same goal; empty; oracle: the right ones; goal-only: its own goal words and "
            "no kinematics words; swap: goal words and codes of this instruction, kinematics "
            "words and codes of another. May be given several times."
        ),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND[=STRENGTH,...]",
            help="Repeat all trials in a changed cell. camera: front camera moved aside by a tenth "
            "of its distance; lights: halved; distractors: five unknown objects on the table; "
            "latency: chunks that come 0.2 s after their picture, not 0.1 s; all: these four at "
            "once. Other strengths as in camera=0.05,0.1,0.2 or lights=0.25,2: one row each, and "
            "with --report a curve. May be given several times.",
        ),
    ] = None,
    paired: Annotated[
        bool,
        typer.Option(
            "--paired",
            help="Each trial also with one word of the instruction changed, which must change "
            "the motion, and reworded, which must not.",
        ),
    ] = False,
    phrasings: Annotated[
        int, typer.Option(min=0, help="Wordings of each task to test in scenes without motion.")
    ] = 0,
    bertscore: Annotated[
        Path | None,
        typer.Option(help="Folder of a model for BERTScore (needs the package bert-score)."),
    ] = None,
    weights: EightBit = None,
    depth_head: DepthHead = False,
    page: Annotated[
        Path | None,
        typer.Option("--report", help="Folder for a page with plots, figures and videos."),
    ] = None,
    open_loop: Annotated[
        Path | None,
        typer.Option(
            help="Compare words and chunks with those of this held-out dataset, of whatever arm, "
            "and move nothing; takes --model, --camera and --json alone."
        ),
    ] = None,
    camera: Cameras = None,
    skills: Annotated[
        Path | None,
        typer.Option(help="Folder of skills that act in the place of a checkpoint."),
    ] = None,
    keypoints: Annotated[
        Path | None,
        typer.Option(
            help="What finds the objects for the skills in the pictures: a file of `kinevla train "
            "keypoints`, or a checkpoint; default: the simulator's own poses."
        ),
    ] = None,
    rows: Annotated[
        Path | None,
        typer.Option(help="One line of JSON an episode; what it holds is not run again."),
    ] = None,
) -> None:
    """Let the policy act in the simulated cell, or in LIBERO, and count its successes."""
    if open_loop is not None:
        from kinevla_ros.evaluation.open_loop import open_loop as compare

        with plain_errors():
            cameras = camera_map(camera)
        raise typer.Exit(compare(model, open_loop, cameras, report))
    from kinevla_ros.evaluation.suite.evaluate import evaluate as run
    from kinevla_ros.evaluation.suite.settings import EvaluationSettings
    from kinevla_ros.sim.cell.variation import read_variations

    with plain_errors():
        variations = tuple(dict.fromkeys(v for text in vary or () for v in read_variations(text)))
    interventions = cast(
        "tuple[Intervention, ...]", tuple(dict.fromkeys(choice.value for choice in intervene or ()))
    )
    settings = EvaluationSettings(
        suite,
        trials,
        seed,
        phrasing,
        interventions,
        variations,
        paired,
        phrasings,
        bertscore,
        weights,
        depth_head,
        keypoints,
    )
    raise typer.Exit(run(model, settings, workers, report, inspect, page, skills, rows))


@app.command()
def calibrate(
    model: Model = None,
    scenes: Annotated[int, typer.Option(min=1, help="Demonstrations of each task.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of scenes and wordings.")] = 4000,
    figures: Report = None,
    report: Annotated[Path | None, typer.Option(help="Folder for a page with the ROC.")] = None,
    episodes: Annotated[
        list[Path] | None,
        typer.Option(
            help="What `kinevla evaluate --json` wrote about the checkpoint: write its doubt.json, "
            "from which disagreement of its chunks on it doubts itself, and measure nothing; takes "
            "--model alone. May be given several times."
        ),
    ] = None,
) -> None:
    """Find the min_consistency below which the policy node should send no chunk."""
    if episodes:
        from kinevla_ros.base.resources import resource_path
        from kinevla_ros.evaluation.doubt.threshold import calibrate_doubt

        with plain_errors():
            folder = model or resource_path("models", "kinevla-tiny")
            most, count = calibrate_doubt(folder, episodes)
        typer.echo(
            f"{folder} doubts itself above a disagreement of {most:.3f}, from {count} episodes"
        )
        return
    from kinevla_ros.evaluation.suite.calibrate import calibrate as run

    raise typer.Exit(run(model, scenes, seed, report, figures))


@app.command()
def ablate(
    dataset: Datasets,
    out: Annotated[
        Path, typer.Option(help="Folder for checkpoints and table; an existing one is continued.")
    ],
    variants: Annotated[
        str | None,
        typer.Option(
            help="Names with commas between; default: all. bilevel: the shipped recipe; "
            "no-infonce: words and codes not compared; literal: one encoder for both levels of "
            "the codec; goal-only: kinematics codes not decoded; single-level: one stack of as "
            "many codes; no-reasoning: codes read the instruction; regression: L1, as OpenVLA-OFT; "
            "bins: 256 for each number, as OpenVLA; flow: flow matching, after pi0.5."
        ),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Batches of 64, for each variant.")] = 6500,
    trials: Annotated[int, typer.Option(min=1, help="Random scenes per task.")] = 20,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of weights, batches and scenes, the same for all.")
    ] = 1000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that evaluate.")] = 1,
    encoder: Annotated[
        Path | None,
        typer.Option(
            help="Checkpoint whose vision all variants start from, such as one trained with as "
            "many --encoder-steps as --steps; default: random weights."
        ),
    ] = None,
) -> None:
    """Train baselines and ablations on the same data, try them in the same scenes, compare them.

    Writes ablation.md and ablation.json after each variant. Ctrl-C keeps what is done:
    the same command continues, trains nothing twice, and may name more variants.
    """
    from kinevla_ros.evaluation.ablation.ablate import ablate as run
    from kinevla_ros.training.variants.variants import VARIANTS

    known = [variant.name for variant in VARIANTS]
    names = [name.strip() for name in variants.split(",")] if variants is not None else known
    raise typer.Exit(run(dataset, out, names, steps, trials, seed, workers, encoder))
