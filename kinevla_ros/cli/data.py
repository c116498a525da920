"""Verbs that bring a dataset into shape."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from kinevla_ros.cli.options import plain_errors

app = typer.Typer()


@app.command()
def check(
    dataset: Annotated[Path, typer.Argument(help="Folder of a LeRobotDataset.")],
) -> None:
    """Hold every part of a dataset against the others; training does so first, too.

    Each fault is one line: episode, frame, feature, what to do. Exit code 1 when there is one.
    """
    from kinevla_ros.data.checks.dataset import check_amount, check_dataset

    faults = 0
    with plain_errors():
        for finding in check_dataset(dataset):
            typer.secho(str(finding), fg="red" if finding.stops else "yellow")
            faults += finding.stops
    if faults:
        typer.secho(f"{faults} to put right before {dataset} can be trained on", fg="red", err=True)
        raise typer.Exit(1)
    with plain_errors():
        few = list(check_amount(dataset))
    for finding in few:
        typer.secho(str(finding), fg="yellow")
    typer.echo(f"{dataset} can be trained on{', but not alone' if few else ''}")


@app.command()
def convert(
    source: Annotated[
        Path,
        typer.Argument(help="LeRobotDataset v3.0 or v2.1, a bag, or a folder of bags; it stays."),
    ],
    target: Annotated[Path, typer.Argument(help="Folder of the new dataset.")],
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="OURS=THEIRS: a camera, observation.state, action, joint1 … or gripper."
        ),
    ] = None,
    units: Annotated[
        list[str] | None,
        typer.Option(
            "--unit",
            help="joints=deg|mdeg, gripper=share|percent|permille|mm, action=delta; state. or "
            "action. before it where only one is so.",
        ),
    ] = None,
    drop: Annotated[
        list[int] | None, typer.Option(help="Number of an episode to leave out.")
    ] = None,
    only: Annotated[
        Literal["takeover"] | None,
        typer.Option(help="Of bags: only where a person led the arm."),
    ] = None,
) -> None:
    """Write a dataset that training reads: 10 Hz, joint1 to joint7 in rad, gripper in m, videos.

    Nothing is filled in: an episode is cut at its gaps, and each line says what was left out.
    """
    from kinevla_ros.data.convert.bags import convert_bags, is_bag
    from kinevla_ros.data.convert.dataset import convert_dataset, left_out
    from kinevla_ros.data.convert.mapping import FeatureNames, FeatureUnits, read_pairs

    with plain_errors():
        ours, others = FeatureNames(read_pairs(names or ())), []
        if is_bag(source):
            if names or units or drop:
                raise ValueError("--map, --unit and --drop are for datasets, not for bags")
            lines = convert_bags(source, target, only == "takeover")
        else:
            if only:
                raise ValueError(f"--only {only} is for bags; a dataset does not say who led")
            lines = convert_dataset(
                source, target, ours, FeatureUnits.read(units or ()), drop or ()
            )
            others = left_out(source, ours)
        for line in lines:
            typer.echo(str(line))
        if others:
            typer.secho(f"not converted: {', '.join(others)}", fg="yellow")
    typer.echo(f"{target} is written; look at it with kinevla check {target}")


@app.command()
def view(
    recording: Annotated[
        Path, typer.Argument(help="LeRobotDataset at 10 Hz, bag, folder of bags, or .rrd file.")
    ],
    episode: Annotated[int, typer.Option(min=0, help="Number of the episode.")] = 0,
    save: Annotated[
        Path | None, typer.Option(help="Write this .rrd file and open nothing.")
    ] = None,
    web: Annotated[
        bool, typer.Option("--web", help="As a page of this computer, until Ctrl-C.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(help="Parameter file whose gate judges a dataset; default: the cell's."),
    ] = None,
) -> None:
    """Look at an episode in rerun: pictures, joints, path of the tool, words, gate's verdicts.

    Of a dataset each chunk is held against the gate; of a bag it is what the arm node said.
    """
    from kinevla_ros.evaluation.view.show import show

    with plain_errors():
        raise typer.Exit(show(recording, episode, save, web, config))


@app.command()
def annotate(
    dataset: Annotated[Path, typer.Argument(help="Folder of a LeRobotDataset at 10 Hz.")],
    locate: Annotated[
        Path | None,
        typer.Option(help="Checkpoint that finds the things in the pictures, such as ours."),
    ] = None,
    from_task: Annotated[
        bool, typer.Option("--from-task", help="Go by the instruction where it names all.")
    ] = False,
    given: Annotated[
        Path | None,
        typer.Option("--import", help="JSON lines: episode, and slots or goal and kinematics."),
    ] = None,
    ask: Annotated[
        str | None,
        typer.Option(help="Ask a vision model at this OpenAI-compatible URL; it gets pictures."),
    ] = None,
    ask_model: Annotated[str, typer.Option(help="Name of that model.")] = "default",
    page: Annotated[
        bool, typer.Option("--page", help="Look at the episodes on a page of this computer first.")
    ] = False,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Write nothing; compare with the words that are there."),
    ] = False,
) -> None:
    """Propose the words of both levels from the motion, and write what is sure or accepted.

    They are written as reasoning.goal and reasoning.kinematics, and as LeRobot's
    language_persistent rows (subtask, motion). Exit code 1 when episodes are left to look at.
    """
    from kinevla_ros.data.annotate.dataset import annotate as write
    from kinevla_ros.data.annotate.dataset import score
    from kinevla_ros.data.annotate.page import ReviewPage
    from kinevla_ros.data.annotate.proposals import Suggester, read_import
    from kinevla_ros.data.annotate.reviews import Reviews
    from kinevla_ros.data.checks.texts import slot_reader
    from kinevla_ros.data.lerobot.reader import DatasetReader

    with plain_errors():
        reader = DatasetReader(dataset)
        locator = None
        if locate:
            from kinevla_ros.data.annotate.locate import Locator

            locator = Locator(locate)
        imported = read_import(given, slot_reader(reader)) if given else {}
        if ask:
            from kinevla_ros.data.annotate.ask_model import ask_model as asked

            key = os.environ.get("KINEVLA_MODEL_KEY", "")
            imported = asked(Suggester(reader), ask, ask_model, key) | imported
        suggester = Suggester(reader, locator, from_task, imported, own_words=not compare)
        if compare:
            typer.echo(str(score(suggester)))
            return
        suggestions, reviews = suggester.suggestions(), Reviews(dataset)
        if page:
            shown = ReviewPage(suggester, suggestions, reviews)
            typer.echo(f"look at {shown.url}, then press its last button")
            shown.run()
        outcome = write(suggester, suggestions, reviews.decided)
    for one in outcome.open:
        typer.secho(f'episode {one.episode}, "{one.instruction}": {one.note}', fg="yellow")
    typer.echo(f"{len(outcome.written)} of {len(suggestions)} episodes have their words")
    if outcome.discarded:
        drops = " ".join(f"--drop {number}" for number in outcome.discarded)
        typer.echo(f"leave out what was discarded: kinevla convert {dataset} NEW_FOLDER {drops}")
    if outcome.open:
        typer.echo(f"look at the others: kinevla annotate {dataset} --page")
        raise typer.Exit(1)
