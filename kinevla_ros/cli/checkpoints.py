"""Verbs that prepare a checkpoint's files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinevla_ros.cli.options import plain_errors

app = typer.Typer()


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
