"""The verbs of `kinevla bench`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from kinevla_ros.base.arm import STREAM_PERIOD
from kinevla_ros.cli.options import DepthHead, EightBit, Model, Profile, Rate, Report, plain_errors

app = typer.Typer(help="Measure on this machine.", no_args_is_help=True)


@app.command()
def chunk(
    model: Model = None,
    chunks: Annotated[int, typer.Option(min=1, help="Warm chunks to measure.")] = 1000,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the model.")] = 1,
    random_7b: Annotated[
        bool, typer.Option("--random-7b", help="OpenVLA-7B at random; cut down without a GPU.")
    ] = False,
    weights: EightBit = None,
    depth_head: DepthHead = False,
    profile: Profile = None,
    generate: Annotated[
        bool, typer.Option(help="Measure transformers' own generate too, where it can run.")
    ] = True,
    report: Report = None,
) -> None:
    """Measure how long a chunk takes, by ONNX graphs and by plain torch: cold, warm, the tail."""
    from kinevla_ros.generator.openvla.openvla import is_openvla

    if random_7b or (model and is_openvla(model)):
        from kinevla_ros.evaluation.bench.engine.engine import bench_engine

        folder = None if random_7b else model
        raise typer.Exit(
            bench_engine(folder, chunks, threads, weights, depth_head, report, profile, generate)
        )
    if weights or depth_head or profile:
        raise typer.BadParameter(
            "bench chunk takes weights, depth head and profile with --random-7b or a converted "
            "OpenVLA; kinevla evaluate takes the first two for any checkpoint"
        )
    from kinevla_ros.evaluation.bench.chunk import bench_chunk

    raise typer.Exit(bench_chunk(model, chunks, threads, report))


@app.command()
def stack(
    model: Model = None,
    trials: Annotated[int, typer.Option(min=1, help="Random scenes of each task.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Seed of scenes and wordings.")] = 3000,
    report: Report = None,
) -> None:
    """Give every task to the running stack in real time, and count its successes."""
    from kinevla_ros.stack.bench.trials import bench_stack

    with plain_errors():
        raise typer.Exit(bench_stack(model, trials, seed, report))


@app.command()
def sentences(
    file: Annotated[
        Path | None, typer.Argument(help="Tab-separated columns `sentence` and `meaning`.")
    ] = None,
    model: Model = None,
    scenes: Annotated[int, typer.Option(min=1, help="Scenes of each sentence.")] = 30,
    phrasings: Annotated[
        int, typer.Option(min=0, help="Compare each way's own sentence with; 0: none.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Scenes and phrasings.")] = 8000,
    report: Report = None,
) -> None:
    """Count which sentences are taken as meant, in every scene, and how sure the model is."""
    from kinevla_ros.evaluation.bench.sentences import bench_sentences

    raise typer.Exit(bench_sentences(model, file, scenes, phrasings, seed, report))


@app.command()
def flips(
    model: Model = None,
    cases: Annotated[int, typer.Option(min=1, help="Random pictures and instructions.")] = 200,
    weights: EightBit = None,
    depth_head: DepthHead = False,
    report: Report = None,
) -> None:
    """Count how often bfloat16, drafts, ONNX graphs and 8-bit weights change words and codes."""
    from kinevla_ros.evaluation.bench.flips import bench_flips

    raise typer.Exit(bench_flips(model, cases, weights, depth_head, report))


@app.command()
def failures(
    figures: Annotated[
        list[Path], typer.Argument(help="What `kinevla evaluate --json` wrote; one or several.")
    ],
    model: Model = None,
    report: Report = None,
) -> None:
    """Count which failed episodes of evaluations the policy foresaw, and how often in vain."""
    from kinevla_ros.base.resources import resource_path
    from kinevla_ros.evaluation.doubt.failures import bench_failures

    with plain_errors():
        folder = model or resource_path("models", "kinevla-tiny")
        raise typer.Exit(bench_failures(folder, figures, report))


@app.command()
def faults(
    count: Annotated[int, typer.Option(min=1, help="Faults to inject.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of kinds and moments.")] = 0,
    report: Report = None,
) -> None:
    """Kill, freeze or cut off parts of the stack in motion; check that the arm comes to rest."""
    from kinevla_ros.stack.faults.run import bench_faults

    with plain_errors():
        raise typer.Exit(bench_faults(count, seed, report))


@app.command()
def stream(
    seconds: Annotated[float, typer.Option(min=1, help="How long each row takes (s).")] = 20.0,
    rates: Annotated[
        list[float] | None, typer.Option("--rate", help="Targets a second; default: 50 100 200.")
    ] = None,
    report: Report = None,
) -> None:
    """Measure how even the stream is, with and without policy load and real-time priority."""
    from kinevla_ros.evaluation.bench.arm.stream import RATES, bench_stream

    raise typer.Exit(bench_stream(seconds, rates or RATES, report))


@app.command()
def console(
    stops: Annotated[int, typer.Option(min=1, help="Stops of each row.")] = 500,
    pages: Annotated[int, typer.Option(min=1, max=7, help="Further pages that are open.")] = 2,
    rounds: Annotated[int, typer.Option(min=0, help="Of a task, without and with them.")] = 5,
    report: Report = None,
) -> None:
    """Measure a stop from the console's page to the arm's answer, and what open pages cost."""
    from kinevla_ros.stack.bench.console import bench_console

    raise typer.Exit(bench_console(stops, pages, rounds, report))


@app.command("record")
def bench_record(
    seconds: Annotated[float, typer.Option(min=1, help="In which losses are counted (s).")] = 60.0,
    kills: Annotated[int, typer.Option(min=0, help="Kill -9 of the recorder.")] = 20,
    report: Report = None,
) -> None:
    """Record two cameras at 640x480 and 30 Hz and joints at 100 Hz, and kill the recorder."""
    from kinevla_ros.stack.bench.record import bench_record as run

    raise typer.Exit(run(seconds, kills, report))


@app.command()
def gate(
    calls: Annotated[int, typer.Option(min=20, help="Calls of each check.")] = 1000,
    rate: Rate = 1 / STREAM_PERIOD,
    report: Report = None,
) -> None:
    """Measure how long each check of the safety gate takes, and a chunk's whole way."""
    from kinevla_ros.evaluation.bench.arm.gate import bench_gate

    raise typer.Exit(bench_gate(calls, rate, report))


@app.command()
def seam(
    seams: Annotated[int, typer.Option(min=1, help="Seams between chunks.")] = 1000,
    rate: Rate = 1 / STREAM_PERIOD,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same run.")] = 0,
    report: Report = None,
) -> None:
    """Measure the largest jump in position, velocity and acceleration from chunk to chunk."""
    from kinevla_ros.evaluation.bench.arm.seam import bench_seam

    raise typer.Exit(bench_seam(seams, rate, seed, report))


@app.command()
def adversarial(
    targets: Annotated[int, typer.Option(min=1, help="Targets to offer.")] = 1_000_000,
    rate: Rate = 1 / STREAM_PERIOD,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same run.")] = 0,
    report: Report = None,
) -> None:
    """Offer targets that break every limit, and count those that get through."""
    from kinevla_ros.evaluation.bench.arm.adversarial import bench_adversarial

    raise typer.Exit(bench_adversarial(targets, seed, rate, report))


@app.command()
def shapes(
    data: Annotated[
        Path | None,
        typer.Option(help="Handwriting, a .mat file or a folder of them; default: drawn strokes."),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Samples of each shape.")] = 20,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of demonstrations and displaced ends.")
    ] = 0,
    report: Report = None,
) -> None:
    """Measure how well movement primitives keep a shape between displaced ends."""
    from kinevla_ros.evaluation.bench.shapes.shapes import bench_shapes

    with plain_errors():
        raise typer.Exit(bench_shapes(data, trials, seed, report))


@app.command()
def skills(
    folder: Annotated[Path, typer.Argument(help="Folder of skills for all ways of the cell.")],
    trials: Annotated[int, typer.Option(min=1, help="Random scenes per task.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same scenes.")] = 1000,
    report: Report = None,
) -> None:
    """Compare ways to generalise the same demonstrations: success in the cell, and time."""
    from kinevla_ros.evaluation.bench.skills import bench_skills

    with plain_errors():
        raise typer.Exit(bench_skills(folder, trials, seed, report))


@app.command()
def locate(
    model: Model = None,
    keypoints: Annotated[
        Path | None,
        typer.Option(help="File of `kinevla train keypoints`, in the place of a checkpoint."),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND[=STRENGTH,...]", help="As of `kinevla evaluate`."),
    ] = None,
    scenes: Annotated[int, typer.Option(min=1, help="Random scenes.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same scenes.")] = 1000,
    report: Report = None,
) -> None:
    """Measure how far from the truth the objects of the cell are seen."""
    from kinevla_ros.base.resources import resource_path
    from kinevla_ros.evaluation.bench.locate import bench_locate
    from kinevla_ros.sim.cell.variation import read_variations

    with plain_errors():
        variations = [v for text in vary or () for v in read_variations(text)]
        if model and keypoints:
            raise ValueError("--model and --keypoints both find objects; give one of them")
        path = keypoints or model or resource_path("models", "kinevla-tiny")
        raise typer.Exit(bench_locate(path, variations, scenes, seed, report))


@app.command()
def operations(report: Report = None) -> None:
    """Count the operations of a block of the engine, by plain torch and with its kernels."""
    if not Path("/dev/nvidiactl").exists():
        os.environ["TRITON_INTERPRET"] = "1"  # read once, when triton is imported
    from kinevla_ros.evaluation.bench.engine.block_operations import bench_operations

    raise typer.Exit(bench_operations(report))


@app.command("lora")
def bench_lora(
    batch_size: Annotated[int, typer.Option(min=2, help="Samples of a step.")] = 8,
    steps: Annotated[int, typer.Option(min=1, help="Steps to measure.")] = 20,
    report: Report = None,
) -> None:
    """Measure a fine-tuning step of OpenVLA-7B with random weights; smaller without a GPU."""
    from kinevla_ros.evaluation.bench.lora import bench_lora as run

    raise typer.Exit(run(batch_size, steps, report))


@app.command()
def demonstrators(
    world: Annotated[
        Literal["kine_libero", "libero_goal_relabeled"], typer.Option(help="Task set.")
    ] = "kine_libero",
    states: Annotated[
        int,
        typer.Option(min=1, max=50, help="Fixed initial states of each way, from the first on."),
    ] = 50,
    workers: Annotated[int, typer.Option(min=1, help="Processes that simulate.")] = 1,
    rows: Annotated[
        Path, typer.Option(help="One line of JSON an episode; an existing file is continued.")
    ] = Path("demonstrators.jsonl"),
    report: Report = None,
) -> None:
    """Count how often each way of LIBERO is demonstrated as judged, and judged as another."""
    from kinevla_ros.evaluation.bench.demonstrators import bench_demonstrators

    with plain_errors():
        raise typer.Exit(bench_demonstrators(world, states, workers, rows, report))
