"""Verbs that make what training starts from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from kinevla_ros.cli.options import plain_errors

app = typer.Typer()


@app.command()
def collect(
    out: Annotated[Path, typer.Option(help="Folder of the dataset; an existing one is continued.")],
    episodes: Annotated[int, typer.Option(min=1, help="Episodes it will hold.")] = 1050,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of scenes, phrasings and perturbations.")
    ] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that simulate.")] = 2,
    moments: Annotated[
        bool, typer.Option("--moments", help="Episodes of 0.5 s, near an object or at the start.")
    ] = False,
    world: Annotated[
        Literal["kine_realman", "kine_libero", "libero_goal_relabeled"],
        typer.Option(help="Task set, and with it the world: the cell, or LIBERO."),
    ] = "kine_realman",
    varied: Annotated[
        bool,
        typer.Option(
            "--varied", help="Draw cameras, lights, colours and clutter for each episode (cell)."
        ),
    ] = False,
) -> None:
    """Write demonstrations of all ways of a task set as a LeRobotDataset v3.0."""
    if world != "kine_realman":
        from kinevla_ros.sim.libero.collect import collect as collect_libero

        if moments or varied:
            raise typer.BadParameter("--moments and --varied are for the cell; leave them out")
        with plain_errors():
            added = collect_libero(world, out, episodes, seed, workers)
        typer.echo(f"{added} episodes added to {out}")
        return
    from kinevla_ros.sim.demonstrations.collect import Moment, PerturbedDemonstrator
    from kinevla_ros.sim.demonstrations.collect import collect as run

    with plain_errors():
        driver = Moment if moments else PerturbedDemonstrator
        added = run(out, episodes, seed, workers, driver, varied=varied)
    typer.echo(f"{added} episodes added to {out}")


@app.command()
def correct(
    model: Annotated[Path, typer.Option(help="Checkpoint that drives the arm.")],
    out: Annotated[Path, typer.Option(help="Folder of the dataset; an existing one is continued.")],
    episodes: Annotated[int, typer.Option(min=1, help="Episodes it will hold.")] = 210,
    seed: Annotated[int, typer.Option(min=0, help="Seed of scenes and phrasings.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes that simulate.")] = 2,
    varied: Annotated[
        bool,
        typer.Option(
            "--varied", help="Draw cameras, lights, colours and clutter for each episode (cell)."
        ),
    ] = False,
) -> None:
    """Let a checkpoint act and write what the demonstrator would do in each state it reaches."""
    from kinevla_ros.evaluation.suite.corrections import correct as run

    with plain_errors():
        added = run(model, out, episodes, seed, workers, varied=varied)
    typer.echo(f"{added} episodes added to {out}")


@app.command()
def augment(
    dataset: Annotated[
        Path, typer.Argument(help="Folder of a LeRobotDataset with the poses of objects.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the new dataset; must hold none.")],
    scenes: Annotated[int, typer.Option(min=1, help="New scenes to try with each episode.")] = 10,
    episode: Annotated[
        list[int] | None, typer.Option(min=0, help="Use this episode, and others named; else all.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the scenes and the arm's starts.")] = 0,
) -> None:
    """Put recorded episodes into new scenes of the simulator, and keep what the judge accepts."""
    from kinevla_ros.evaluation.augment import augment as run
    from kinevla_ros.evaluation.augment import reasons

    with plain_errors():
        kept, left_out = run(dataset, out, scenes, seed, episode or ())
    tried = kept + left_out.total()
    typer.echo(f"{kept} of {tried} episodes kept in {out}; every frame is marked as made")
    if left_out:
        typer.echo(f"left out, {reasons(left_out)}")


@app.command("convert-openvla")
def convert_openvla(
    source: Annotated[Path, typer.Argument(help="Folder of the published checkpoint.")],
    target: Annotated[
        Path, typer.Argument(help="Folder for the result; must hold no checkpoint yet.")
    ],
) -> None:
    """Turn the published OpenVLA checkpoint into one that can be fine-tuned here."""
    from kinevla_ros.generator.openvla.openvla import convert_openvla as run

    with plain_errors():
        run(source, target)


@app.command()
def manifest(
    folder: Annotated[Path, typer.Argument(help="Folder of a checkpoint or of a codec.")],
) -> None:
    """Write manifest.json: the SHA-256 of each file, without which no checkpoint is loaded.

    Whatever writes a checkpoint writes it. By hand it is for files from elsewhere, or changed on
    purpose: it accepts them as they are.
    """
    from kinevla_ros.base.files.lock import only_writer
    from kinevla_ros.base.files.manifest import FILE_NAME, write_manifest

    with plain_errors():
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} is no folder; give that of a checkpoint")
        with only_writer(folder):
            write_manifest(folder)
    typer.echo(f"written: {folder / FILE_NAME}")


@app.command("export-graphs")
def export_graphs(
    model: Annotated[Path, typer.Argument(help="Checkpoint folder; the graphs are saved there.")],
) -> None:
    """Write the ONNX graphs with which a CPU runs a tiny generator three times as fast."""
    from kinevla_ros.base.files.lock import only_writer
    from kinevla_ros.base.files.manifest import checked
    from kinevla_ros.generator.config import FILE_NAME
    from kinevla_ros.generator.onnx.export import export_graphs as run

    with plain_errors():
        checked(model, FILE_NAME)
        with only_writer(model):
            run(model)
    typer.echo(f"{model} has its graphs")


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
