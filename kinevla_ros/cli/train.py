"""The verbs of `kinevla train`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinevla_ros.cli.options import Cameras, Datasets, camera_map, plain_errors

if TYPE_CHECKING:
    from kinevla_ros.training.generator.samples import PictureSource

app = typer.Typer(help="Learn from demonstrations.", no_args_is_help=True)


@app.command()
def codec(
    dataset: Datasets,
    out: Annotated[Path, typer.Option(help="Folder for the codec and its log.")],
    steps: Annotated[
        int,
        typer.Option(min=30, help="Batches of 256; a third is for the goal."),
    ] = 12_000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a run that was stopped.")
    ] = False,
    camera: Cameras = None,
) -> None:
    """Train the bi-level codec in two stages and export its ONNX decoder."""
    from rich.console import Console

    from kinevla_ros.training.codec.report import table
    from kinevla_ros.training.codec.stages import CodecSettings
    from kinevla_ros.training.pipeline import codec_from_dataset, device

    settings = CodecSettings.of_steps(steps, seed=seed, device=device())
    with plain_errors():
        found = codec_from_dataset(dataset, out, settings, resume, camera_map(camera))
    Console().print(table(found), f"codec written to {out}", highlight=False)


@app.command()
def generator(
    dataset: Datasets,
    codec: Annotated[Path, typer.Option(help="Folder of the trained codec.")],
    out: Annotated[Path, typer.Option(help="Folder for the checkpoint and its log.")],
    steps: Annotated[int, typer.Option(min=1, help="Batches.")] = 6500,
    batch_size: Annotated[
        int, typer.Option(min=4, help="Sequences of a batch, two of each frame; a GPU takes more.")
    ] = 64,
    encoder_steps: Annotated[
        int,
        typer.Option(
            min=0,
            help="How many of the steps, at the start, train only the vision, on the positions "
            "of objects that a simulated dataset holds.",
        ),
    ] = 0,
    learning_rate: Annotated[
        float, typer.Option(help="Learning rate after warm-up; decays as a cosine.")
    ] = 8e-4,
    start: Annotated[
        Path | None, typer.Option(help="Checkpoint to start from; default: random weights.")
    ] = None,
    looks: Annotated[
        int,
        typer.Option(
            min=0,
            help="Render each frame of a dataset of the cell so often, with other cameras, lights, "
            "colours and clutter each time, and train on that; default: on its videos.",
        ),
    ] = 0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a run that was stopped.")
    ] = False,
    camera: Cameras = None,
) -> None:
    """Train the tiny generator; the result is a complete checkpoint."""
    from kinevla_ros.training.generator.batches import GeneratorSettings
    from kinevla_ros.training.pipeline import generator_from_dataset

    settings = GeneratorSettings(
        steps=steps, batch_size=batch_size, encoder_steps=encoder_steps,
        learning_rate=learning_rate, seed=seed,
    )  # fmt: skip
    with plain_errors():
        cameras, pictures = camera_map(camera), rendered(looks)
        generator_from_dataset(dataset, codec, out, settings, start, resume, cameras, pictures)
    typer.echo(f"checkpoint written to {out}")


def rendered(looks: int) -> PictureSource:
    """Where pictures come from: the videos, or the states that are rendered again."""
    from kinevla_ros.training.generator.square_cache import FROM_VIDEOS

    if not looks:
        return FROM_VIDEOS
    from kinevla_ros.sim.cell.rendering import RenderedLooks

    return RenderedLooks(looks, os.cpu_count() or 1)


@app.command()
def lora(
    base: Annotated[Path, typer.Option(help="Folder that convert-openvla wrote.")],
    dataset: Datasets,
    codec: Annotated[Path, typer.Option(help="Folder of the trained codec.")],
    out: Annotated[Path, typer.Option(help="Folder for the checkpoint, adapters and log.")],
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps.")] = 50_000,
    batch_size: Annotated[int, typer.Option(min=2, help="Samples on one device at once.")] = 8,
    accumulation: Annotated[
        int, typer.Option(min=1, help="Batches accumulated for an optimiser step.")
    ] = 8,
    learning_rate: Annotated[float, typer.Option(help="Constant learning rate.")] = 5e-4,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a run that was stopped.")
    ] = False,
    camera: Cameras = None,
) -> None:
    """Fine-tune a converted OpenVLA with adapters.

    On several GPUs: accelerate launch --config_file config/fsdp.yaml -m kinevla_ros.cli train lora
    """
    from kinevla_ros.training.lora.adapters import LoraSettings
    from kinevla_ros.training.lora.pipeline import lora_from_dataset

    settings = LoraSettings(steps, batch_size, accumulation, learning_rate, seed=seed)
    with plain_errors():
        cameras = camera_map(camera)
        lora_from_dataset(dataset, codec, base, out, settings, resume, cameras)
    typer.echo(f"checkpoint written to {out}")


@app.command("depth-head")
def depth_head(
    model: Annotated[Path, typer.Option(help="Checkpoint folder; the head is saved there.")],
    dataset: Datasets,
    codec: Annotated[Path, typer.Option(help="Folder of the trained codec.")],
    batches: Annotated[int, typer.Option(min=1, help="Batches to record from the model.")] = 1500,
    batch_size: Annotated[int, typer.Option(min=2, help="Samples of a batch.")] = 64,
    steps: Annotated[int, typer.Option(min=1, help="Training steps of the head.")] = 4000,
    learning_rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 1e-3,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    camera: Cameras = None,
) -> None:
    """Train the depth head, which chooses later codes; the language model is not changed."""
    from kinevla_ros.training.generator.batches import GeneratorSettings
    from kinevla_ros.training.generator.depth_head import depth_head_from_dataset

    settings = GeneratorSettings(batches, batch_size, learning_rate, seed=seed)
    with plain_errors():
        cameras = camera_map(camera)
        right = depth_head_from_dataset(dataset, codec, model, settings, steps, cameras)
    typer.echo(
        f"depth head saved in {model}; it gets {right.head:.1%} of the later codes right, "
        f"the model itself {right.generator:.1%}"
    )


@app.command()
def keypoints(
    out: Annotated[Path, typer.Option(help="Folder for scenes, the run and keypoints.onnx.")],
    scenes: Annotated[
        int,
        typer.Option(
            min=1,
            help="Scenes of the cell to render and label, each with other cameras, lights, colours "
            "and clutter; those in the folder are kept.",
        ),
    ] = 6000,
    steps: Annotated[int, typer.Option(min=1, help="Batches.")] = 1500,
    batch_size: Annotated[int, typer.Option(min=2, help="Scenes of a batch.")] = 8,
    learning_rate: Annotated[
        float, typer.Option(min=1e-6, max=1.0, help="Highest learning rate.")
    ] = 2e-3,
    seed: Annotated[int, typer.Option(min=0, help="Of weights and batches.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that render.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a run that was stopped.")
    ] = False,
) -> None:
    """Train a network that finds the keypoints of the cell's objects in its pictures."""
    from functools import partial

    from kinevla_ros.sim.cell.keypoint_rig import cell_rig
    from kinevla_ros.sim.cell.labelled import SEED, labelled_scenes
    from kinevla_ros.training.keypoints.batches import KeypointSettings
    from kinevla_ros.training.keypoints.training import train_keypoints

    settings = KeypointSettings(steps, batch_size, learning_rate, seed=seed)
    make = partial(labelled_scenes, workers=workers)
    with plain_errors():
        found = train_keypoints(cell_rig(), make, {"seed": SEED}, scenes, settings, out, resume)
    typer.echo(f"written: {found}; how far off it sees: kinevla bench locate --keypoints {found}")
