"""Verbs that record episodes and recover them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from kinevla_ros.cli.options import (
    Namespace,
    NodeDiscovery,
    ParameterFile,
    Report,
    named,
    plain_errors,
)

app = typer.Typer()


@app.command()
def record(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Where the episodes go; default: parameter file, else recordings."),
    ] = None,
    instruction: Annotated[
        str | None,
        typer.Option(help="What the episodes show, where nobody says it to a policy."),
    ] = None,
    teaching: Annotated[
        Literal["targets", "hand"] | None,
        typer.Option(
            help="hand: the arm is guided by hand, and its measured motion is the action."
        ),
    ] = None,
    image_transport: Annotated[
        Literal["raw", "compressed"] | None, typer.Option(help="How the pictures come.")
    ] = None,
    task_set: Annotated[
        Path | None,
        typer.Option(
            "--tasks", help="tasks.yaml, or a checkpoint with it; default: the shipped one."
        ),
    ] = None,
    config: ParameterFile = None,
    discovery: NodeDiscovery = None,
    namespace: Namespace = "",
) -> None:
    """Record episodes by keys: s starts, y keeps as a success, n as a failure, d discards, q quits.

    Drives the recorder of `kinevla up --record` where one runs. Each episode is a rosbag2 folder
    for `kinevla convert`, called unfinished until it is whole.
    """
    from kinevla_ros.stack.record.record import record as run

    given = {
        "folder": str(folder.resolve()) if folder else None,
        "instruction": instruction,
        "teaching": teaching,
        "image_transport": image_transport,
        "tasks": str(task_set.resolve()) if task_set else None,
    }
    values = {name: value for name, value in given.items() if value is not None}
    raise typer.Exit(run(values, config, named(discovery), namespace))


@app.command("compare-shadow")
def compare_shadow(
    recordings: Annotated[Path, typer.Argument(help="An episode, or a folder of them.")],
    report: Report = None,
) -> None:
    """Compare what the policy would have done with what a person did, where the arm followed none.

    For recordings of `kinevla up --shadow` and of takeovers.
    """
    from kinevla_ros.evaluation.shadow import report_shadow

    raise typer.Exit(report_shadow(recordings, report))


@app.command()
def recover(
    folder: Annotated[
        Path, typer.Argument(help="An unfinished episode, or a folder with some of them.")
    ],
    success: Annotated[
        bool,
        typer.Option("--success", help="They were a success; default: a failure, left out later."),
    ] = False,
) -> None:
    """Make episodes whole whose recorder was killed: all but the last moment is kept."""
    from kinevla_ros.data.recording.bag import FAILURE, SUCCESS, unfinished
    from kinevla_ros.data.recording.folders import recover as run

    with plain_errors():
        found = unfinished(folder) if folder.is_dir() else []
        if not found:
            raise FileNotFoundError(f"there is no unfinished episode in {folder}")
        failed = False
        for each in found:
            try:
                final, contents = run(each, SUCCESS if success else FAILURE)
            except (ValueError, OSError) as problem:
                typer.secho(str(problem), fg="red", err=True)
                failed = True
                continue
            seconds = (contents.last - contents.first) / 1e9
            count = sum(contents.counts.values())
            typer.echo(f"{final}: {seconds:.1f} s, {count} messages")
    if failed:
        raise typer.Exit(1)
