"""Verbs that make datasets in a simulator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from kinevla_ros.cli.options import plain_errors

app = typer.Typer()

Varied = Annotated[
    bool,
    typer.Option(
        "--varied",
        help="Draw for each episode how the cell looks, and how late chunks come (cell alone).",
    ),
]


@app.command()
def collect(
    out: Annotated[Path, typer.Option(help="Folder of the dataset; an existing one is continued.")],
    episodes: Annotated[int, typer.Option(min=1, help="Episodes it will hold.")] = 1050,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of scenes, phrasings and perturbations.")
    ] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that simulate.")] = 2,
    moments: Annotated[
        bool,
        typer.Option(
            "--moments",
            help="Episodes of 0.5 s, near an object or at the start; of LIBERO every fourth frame "
            "of an episode, with the chunk that follows.",
        ),
    ] = False,
    world: Annotated[
        Literal["kine_realman", "kine_libero", "libero_goal_relabeled", "libero"],
        typer.Option(
            help="Task set, and with it the world: the cell, or LIBERO; libero is both of its sets."
        ),
    ] = "kine_realman",
    varied: Varied = False,
) -> None:
    """Write demonstrations of all ways of a task set as a LeRobotDataset v3.0."""
    if world != "kine_realman":
        from kinevla_ros.sim.libero.collect import SPARSE_VECTORS, VECTORS, perturbed, sparse
        from kinevla_ros.sim.libero.collect import collect as collect_libero

        if varied:
            raise typer.BadParameter("--varied is for the cell; leave it out")
        kind = (sparse, SPARSE_VECTORS) if moments else (perturbed, VECTORS)
        with plain_errors():
            added = collect_libero(world, out, episodes, seed, workers, *kind)
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
    world: Annotated[
        Literal["kine_realman", "libero"], typer.Option(help="The cell, or LIBERO.")
    ] = "kine_realman",
    varied: Varied = False,
) -> None:
    """Let a checkpoint act and write what the demonstrator would do in each state it reaches."""
    from kinevla_ros.evaluation.libero.corrections import correct_libero
    from kinevla_ros.evaluation.suite.corrections import correct as run

    if world == "libero":
        if varied:
            raise typer.BadParameter("--varied is for the cell; leave it out")
        with plain_errors():
            added = correct_libero(model, out, episodes, seed, workers)
        typer.echo(f"{added} episodes added to {out}")
        return
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
