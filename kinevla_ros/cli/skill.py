"""The verbs about skills."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinevla_ros.cli.options import plain_errors

app = typer.Typer(
    help="Learn a way from one demonstration, look at it, or try it.", no_args_is_help=True
)


@app.command()
def learn(
    dataset: Annotated[
        Path, typer.Argument(help="Folder of a LeRobotDataset with the poses of objects.")
    ],
    episode: Annotated[
        list[int],
        typer.Option(
            min=0,
            help="Number of the demonstration. Given several times: the first one is followed, "
            "the others help to tell what its ends belong to.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="File to write, such as skills/bread_left.yaml.")
    ],
) -> None:
    """Learn a skill from a recorded episode; no training."""
    from kinevla_ros.skills.folder import add_skill
    from kinevla_ros.skills.learning.learn import learn as run
    from kinevla_ros.skills.show import lines

    with plain_errors():
        skill, tasks = run(dataset, episode)
        add_skill(out, skill, tasks)
    typer.echo("\n".join(lines(skill)))
    typer.echo(f"written: {out}; try the folder: kinevla evaluate --skills {out.parent}")


@app.command()
def show(
    skill: Annotated[Path, typer.Argument(help="File of a skill, or a folder of them.")],
    plot: Annotated[
        Path | None,
        typer.Option(help="Picture to draw, such as skill.png: its motions and others like them."),
    ] = None,
) -> None:
    """Print what a skill does and what its ends belong to."""
    from kinevla_ros.skills.folder import load_skills
    from kinevla_ros.skills.show import lines
    from kinevla_ros.skills.show import plot as draw
    from kinevla_ros.skills.skill import load_skill

    with plain_errors():
        if skill.is_dir() and plot:
            raise ValueError(f"--plot draws one skill; name its file in {skill}")
        found = load_skills(skill)[1].values() if skill.is_dir() else [load_skill(skill)]
        typer.echo("\n\n".join("\n".join(lines(each)) for each in found))
        if plot:
            draw(load_skill(skill), plot)
            typer.echo(f"written: {plot}")


@app.command()
def run(
    skill: Annotated[Path, typer.Argument(help="File of a skill, beside its tasks.yaml.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the scene.")] = 1000,
    keypoints: Annotated[
        Path | None,
        typer.Option(
            help="What finds the objects in the pictures: a file of `kinevla train keypoints`, or "
            "a checkpoint; default: the simulator's own poses."
        ),
    ] = None,
    vary: Annotated[
        str | None, typer.Option(metavar="KIND[=STRENGTH]", help="As of `kinevla evaluate`.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Picture to write, such as run.png: moments of the run.")
    ] = None,
) -> None:
    """Try one skill in a scene of the simulated cell; exit code 1 without kinematic success."""
    from kinevla_ros.evaluation.skill_run import run_skill
    from kinevla_ros.sim.cell.variation import read_variations

    with plain_errors():
        varied = read_variations(vary) if vary else []
        if len(varied) > 1:
            raise ValueError("--vary takes one strength here")
        right, told = run_skill(skill, seed, keypoints, varied[0] if varied else None, picture)
    typer.echo("\n".join(told))
    if picture:
        typer.echo(f"written: {picture}")
    raise typer.Exit(0 if right else 1)
