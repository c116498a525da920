"""The `kinevla` command: one function for each verb, which imports what it needs when called."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(
    help="Say what, and how, and the arm does it.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)

train = typer.Typer(help="Learn from demonstrations.", no_args_is_help=True)
app.add_typer(train, name="train")

bench = typer.Typer(help="Measure speed on this machine.", no_args_is_help=True)
app.add_typer(bench, name="bench")

Model = Annotated[Path | None, typer.Option(help="Checkpoint folder; default: the shipped one.")]
Datasets = Annotated[
    list[Path], typer.Option(help="Folder of a dataset; several are drawn from equally often.")
]
Report = Annotated[Path | None, typer.Option("--json", help="File for the figures.")]
Rate = Annotated[float, typer.Option(min=20, max=200, help="Targets sent a second (Hz).")]

EightBit = Annotated[
    Literal["int8", "fp8"] | None,
    typer.Option(help="Round the language model's weights to 8 bits; fp8 needs a GPU that has it."),
]
DepthHead = Annotated[
    bool,
    typer.Option("--depth-head", help="Choose later codes by the head of `train depth-head`."),
]

DEMO_INSTRUCTION = "hold the carrot by the upper part and place it on the right side of the plate"


# typer takes several values of an Enum, not of a Literal.
class Intervene(str, Enum):
    """What stands in the place of the policy's words."""

    random = "random"
    mismatched = "mismatched"
    empty = "empty"
    oracle = "oracle"
    goal_only = "goal-only"
    swap = "swap"


class Half(str, Enum):
    """What one of two machines runs."""

    policy = "policy"
    robot = "robot"


class Vary(str, Enum):
    """What is other in the cell than in training."""

    camera = "camera"
    lights = "lights"
    distractors = "distractors"


def main() -> None:
    """Run the command line; ends the process."""
    app()


@app.command()
def up(
    sim: Annotated[bool, typer.Option(help="Simulated cell instead of the arm at arm_ip.")] = True,
    arm_ip: Annotated[
        str | None,
        typer.Option(help="Address of the arm's controller; default: parameter file."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Checkpoint folder; default: parameter file.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Parameter file; default: config/realman.yaml.")
    ] = None,
    only: Annotated[
        Half | None, typer.Option(help="Half of the nodes, for two machines (docs/remote.md).")
    ] = None,
) -> None:
    """Start the nodes and keep them until Ctrl-C."""
    from kinevla_ros.nodes.launcher import up as start

    raise typer.Exit(start(sim, arm_ip, model, config, only.value if only else ""))


@app.command()
def say(
    instruction: Annotated[str, typer.Argument(help='What to do and how; "stop" ends it.')],
    timeout: Annotated[float, typer.Option(help="Longest wait for the policy (s).")] = 10.0,
) -> None:
    """Publish an instruction on /instruction."""
    from kinevla_ros.nodes.say import say as publish

    raise typer.Exit(publish(instruction, timeout))


@app.command()
def demo(
    instruction: Annotated[str, typer.Option(help="What to do and how.")] = DEMO_INSTRUCTION,
    video: Annotated[Path, typer.Option(help="Where the video goes.")] = Path("demo.mp4"),
    timeout: Annotated[float, typer.Option(help="Longest time for the task (s).")] = 40.0,
    seed: Annotated[int, typer.Option(help="Random scene.")] = 0,
) -> None:
    """Let the simulated arm carry out an instruction and judge what it did."""
    from kinevla_ros.nodes.demo import demo as run

    raise typer.Exit(run(instruction, video, timeout, seed))


@app.command()
def evaluate(
    suite: Annotated[Literal["kine_realman"], typer.Option(help="Set of tasks.")] = "kine_realman",
    trials: Annotated[int, typer.Option(min=1, help="Random scenes per task.")] = 20,
    seed: Annotated[
        int, typer.Option(min=0, help="Same seed, same scenes, whatever the policy.")
    ] = 1000,
    report: Report = None,
    inspect: Annotated[
        Path | None, typer.Option(help="Folder for a video of each failure.")
    ] = None,
    model: Model = None,
    phrasing: Annotated[
        Literal["held_out", "train"], typer.Option(help="Wordings never trained on, or others.")
    ] = "held_out",
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    intervene: Annotated[
        list[Intervene] | None,
        typer.Option(
            help="All trials once more with other words in the place of the policy's own, image "
            "and instruction as they were: random words; mismatched: those of another command "
            "with the same goal; empty; oracle: the right ones; goal-only: its own goal words and "
            "no kinematics words; swap: goal words and codes of this instruction, kinematics "
            "words and codes of another. May be given several times."
        ),
    ] = None,
    vary: Annotated[
        list[Vary] | None,
        typer.Option(
            help="All trials once more in another cell: front camera moved aside by a tenth of "
            "its distance; lights halved; unknown objects on the table. May be given several times."
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
        int, typer.Option(min=0, help="Wordings of each task to be read in still scenes.")
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
) -> None:
    """Let the policy act in the simulated cell and count what it does right."""
    from kinevla_ros.evaluation.evaluate import Settings
    from kinevla_ros.evaluation.evaluate import evaluate as run

    interventions, variations = (
        tuple(dict.fromkeys(choice.value for choice in chosen or ()))
        for chosen in (intervene, vary)
    )
    settings = Settings(
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
    )
    raise typer.Exit(run(model, settings, workers, report, inspect, page))


@app.command()
def calibrate(
    model: Model = None,
    scenes: Annotated[int, typer.Option(min=1, help="Demonstrations of each task.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Scenes and wordings.")] = 2000,
    figures: Report = None,
    report: Annotated[Path | None, typer.Option(help="Folder for a page with the ROC.")] = None,
) -> None:
    """Choose the agreement of codes and words below which the policy node sends no chunk."""
    from kinevla_ros.evaluation.calibrate import calibrate as run

    raise typer.Exit(run(model, scenes, seed, report, figures))


@app.command()
def ablate(
    dataset: Datasets,
    out: Annotated[Path, typer.Option(help="Folder for checkpoints and table; one goes on.")],
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
        int, typer.Option(min=0, help="Of weights, batches and scenes, the same for all.")
    ] = 1000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that evaluate.")] = 1,
    eye: Annotated[
        Path | None,
        typer.Option(
            help="Checkpoint whose eye all start from, such as one trained with as many "
            "--eye-steps as --steps; a random one without it."
        ),
    ] = None,
) -> None:
    """Train baselines and ablations on the same data, try them in the same scenes, compare them.

    Writes ablation.md and ablation.json after each variant. Ctrl-C loses nothing that is done:
    the same command goes on, trains nothing twice, and may name more variants.
    """
    from kinevla_ros.evaluation.ablate import ablate as run
    from kinevla_ros.training.variants import VARIANTS

    known = [variant.name for variant in VARIANTS]
    names = [name.strip() for name in variants.split(",")] if variants is not None else known
    raise typer.Exit(run(dataset, out, names, steps, trials, seed, workers, eye))


@app.command()
def collect(
    out: Annotated[Path, typer.Option(help="Folder of the dataset; an existing one goes on.")],
    episodes: Annotated[int, typer.Option(min=1, help="Episodes it shall hold.")] = 1050,
    seed: Annotated[int, typer.Option(min=0, help="Scenes, phrasings, perturbations.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that simulate.")] = 2,
    moments: Annotated[
        bool, typer.Option("--moments", help="Episodes of 0.5 s, near an object or at the start.")
    ] = False,
) -> None:
    """Write demonstrations of all seven tasks as a LeRobotDataset v3.0."""
    from kinevla_ros.sim.collect import Moment, PerturbedDemonstrator
    from kinevla_ros.sim.collect import collect as run

    added = run(out, episodes, seed, workers, Moment if moments else PerturbedDemonstrator)
    typer.echo(f"{added} episodes added to {out}")


@app.command()
def correct(
    model: Annotated[Path, typer.Option(help="Checkpoint that drives.")],
    out: Annotated[Path, typer.Option(help="Folder of the dataset; an existing one goes on.")],
    episodes: Annotated[int, typer.Option(min=1, help="Episodes it shall hold.")] = 210,
    seed: Annotated[int, typer.Option(min=0, help="Scenes and phrasings.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes that simulate.")] = 2,
) -> None:
    """Let a checkpoint act and write what the demonstrator would do in each state it reaches."""
    from kinevla_ros.evaluation.correct import correct as run

    added = run(model, out, episodes, seed, workers)
    typer.echo(f"{added} episodes added to {out}")


@app.command()
def emulate(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.2",
    port: Annotated[int, typer.Option(min=0, help="TCP port; 0 takes a free one.")] = 8080,
    control_port: Annotated[
        int, typer.Option(min=0, help="Port of 127.0.0.1 for faults and records; 0: a free one.")
    ] = 0,
) -> None:
    """Emulate an RM75's controller, without cell and cameras, until Ctrl-C."""
    from kinevla_ros.sim.emulate import emulate as run

    raise typer.Exit(run(host, port, control_port))


@app.command("convert-openvla")
def convert_openvla(
    source: Annotated[Path, typer.Argument(help="Folder of the published checkpoint.")],
    target: Annotated[Path, typer.Argument(help="Folder for ours; must hold no checkpoint yet.")],
) -> None:
    """Turn the published OpenVLA checkpoint into one that can be fine-tuned here."""
    from kinevla_ros.generator.openvla import convert_openvla as run

    try:
        run(source, target)
    except (ValueError, OSError) as problem:
        typer.secho(str(problem), fg="red", err=True)
        raise typer.Exit(1) from problem


@train.command()
def codec(
    dataset: Datasets,
    out: Annotated[Path, typer.Option(help="Folder for the codec and its log.")],
    seed: Annotated[int, typer.Option(min=0)] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after a stop.")] = False,
) -> None:
    """Train the bi-level codec in two stages and export its ONNX decoder."""
    from kinevla_ros.training.codec import CodecSettings
    from kinevla_ros.training.pipeline import codec_from_dataset, device

    settings = CodecSettings(seed=seed, device=device())
    typer.echo(codec_from_dataset(dataset, out, settings, resume))


@train.command()
def generator(
    dataset: Datasets,
    codec: Annotated[Path, typer.Option(help="Folder of the trained codec.")],
    out: Annotated[Path, typer.Option(help="Folder for the checkpoint and its log.")],
    steps: Annotated[int, typer.Option(min=1, help="Batches of 64.")] = 6500,
    eye_steps: Annotated[
        int,
        typer.Option(
            min=0,
            help="Of these so many at the start teach only the eye, from the objects' places that "
            "a simulated dataset tells.",
        ),
    ] = 0,
    learning_rate: Annotated[float, typer.Option(help="After warm-up; falls as a cosine.")] = 8e-4,
    start: Annotated[
        Path | None, typer.Option(help="Checkpoint to start from; random weights without it.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after a stop.")] = False,
) -> None:
    """Train the tiny generator; the result is a complete checkpoint."""
    from kinevla_ros.training.batches import GeneratorSettings
    from kinevla_ros.training.pipeline import generator_from_dataset

    settings = GeneratorSettings(
        steps=steps, eye_steps=eye_steps, learning_rate=learning_rate, seed=seed
    )
    typer.echo(generator_from_dataset(dataset, codec, out, settings, start, resume))


@train.command()
def lora(
    base: Annotated[Path, typer.Option(help="Folder that convert-openvla wrote.")],
    dataset: Datasets,
    codec: Annotated[Path, typer.Option(help="Folder of the trained codec.")],
    out: Annotated[Path, typer.Option(help="Folder for the checkpoint, adapters and log.")],
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps.")] = 50_000,
    batch_size: Annotated[int, typer.Option(min=2, help="Samples on one device at once.")] = 8,
    accumulation: Annotated[int, typer.Option(min=1, help="Passes of an optimiser step.")] = 8,
    learning_rate: Annotated[float, typer.Option(help="Constant.")] = 5e-4,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after a stop.")] = False,
) -> None:
    """Fine-tune a converted OpenVLA by adapters.

    On several GPUs: accelerate launch --config_file config/fsdp.yaml -m kinevla_ros.cli train lora
    """
    from kinevla_ros.training.lora import LoraSettings
    from kinevla_ros.training.lora_pipeline import lora_from_dataset

    settings = LoraSettings(steps, batch_size, accumulation, learning_rate, seed=seed)
    typer.echo(lora_from_dataset(dataset, codec, base, out, settings, resume))


@train.command("depth-head")
def depth_head(
    model: Annotated[Path, typer.Option(help="Checkpoint folder; the head is saved there.")],
    dataset: Datasets,
    codec: Annotated[Path, typer.Option(help="Folder of the trained codec.")],
    batches: Annotated[int, typer.Option(min=1, help="Batches that the model reads.")] = 1500,
    batch_size: Annotated[int, typer.Option(min=2, help="Samples of a batch.")] = 64,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the head over all of them.")] = 4000,
    learning_rate: Annotated[float, typer.Option(help="Highest.")] = 1e-3,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Train what chooses a level's later codes without the language model; it stays as it is."""
    from kinevla_ros.training.batches import GeneratorSettings
    from kinevla_ros.training.depth_head import depth_head_from_dataset

    settings = GeneratorSettings(batches, batch_size, learning_rate, seed=seed)
    right = depth_head_from_dataset(dataset, codec, model, settings, steps)
    typer.echo(
        f"depth head saved in {model}; of the later codes it has {right.head:.1%} right, "
        f"the model itself {right.generator:.1%}"
    )


@bench.command()
def chunk(
    model: Model = None,
    chunks: Annotated[int, typer.Option(min=1, help="Warm chunks to measure.")] = 1000,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the model.")] = 1,
    random_7b: Annotated[
        bool, typer.Option("--random-7b", help="OpenVLA-7B at random; cut down without a GPU.")
    ] = False,
    weights: EightBit = None,
    depth_head: DepthHead = False,
    report: Report = None,
) -> None:
    """Measure how long a chunk takes: cold, warm, in the tail; and the ONNX decoder alone."""
    from kinevla_ros.generator.openvla import is_openvla

    if random_7b or (model and is_openvla(model)):
        from kinevla_ros.evaluation.engine_bench import bench_engine

        folder = None if random_7b else model
        raise typer.Exit(bench_engine(folder, chunks, threads, weights, depth_head, report))
    if weights or depth_head:
        raise typer.BadParameter("weights and depth head are options of OpenVLA's engine")
    from kinevla_ros.evaluation.latency import bench_chunk

    raise typer.Exit(bench_chunk(model, chunks, threads, report))


@bench.command()
def stack(
    model: Model = None,
    trials: Annotated[int, typer.Option(min=1, help="Random scenes of each task.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Scenes and wordings.")] = 3000,
    report: Report = None,
) -> None:
    """Say every task to the running stack, in real time, and count what it does right."""
    from kinevla_ros.nodes.stack_trials import bench_stack

    raise typer.Exit(bench_stack(model, trials, seed, report))


@bench.command()
def flips(
    model: Model = None,
    cases: Annotated[int, typer.Option(min=1, help="Random pictures and instructions.")] = 200,
    weights: EightBit = None,
    depth_head: DepthHead = False,
    report: Report = None,
) -> None:
    """Count how often bfloat16, drafts, 8-bit weights and depth head change words and codes."""
    from kinevla_ros.evaluation.bench_flips import bench_flips

    raise typer.Exit(bench_flips(model, cases, weights, depth_head, report))


@bench.command()
def faults(
    count: Annotated[int, typer.Option(min=1, help="Faults to inject.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Kinds and moments.")] = 0,
    report: Report = None,
) -> None:
    """Kill, freeze or cut off parts of the stack while the arm moves; see it come to rest."""
    from kinevla_ros.nodes.fault_run import bench_faults

    raise typer.Exit(bench_faults(count, seed, report))


@bench.command()
def stream(
    seconds: Annotated[float, typer.Option(min=1, help="How long each row takes (s).")] = 20.0,
    rates: Annotated[
        list[float] | None, typer.Option("--rate", help="Targets a second; default: 50 100 200.")
    ] = None,
    report: Report = None,
) -> None:
    """Measure how even the stream is, with and without policy load and real-time priority."""
    from kinevla_ros.evaluation.bench_stream import RATES, bench_stream

    raise typer.Exit(bench_stream(seconds, rates or RATES, report))


@bench.command()
def gate(
    calls: Annotated[int, typer.Option(min=20, help="Calls of each check.")] = 1000,
    rate: Rate = 50.0,
    report: Report = None,
) -> None:
    """Measure how long each check of the safety gate takes, and a chunk's whole way."""
    from kinevla_ros.evaluation.bench_gate import bench_gate

    raise typer.Exit(bench_gate(calls, rate, report))


@bench.command()
def seam(
    seams: Annotated[int, typer.Option(min=1, help="Chunks that take over.")] = 1000,
    rate: Rate = 50.0,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same run.")] = 0,
    report: Report = None,
) -> None:
    """Measure the largest jump in position, velocity and acceleration from chunk to chunk."""
    from kinevla_ros.evaluation.bench_seam import bench_seam

    raise typer.Exit(bench_seam(seams, rate, seed, report))


@bench.command()
def adversarial(
    targets: Annotated[int, typer.Option(min=1, help="Targets to offer.")] = 1_000_000,
    rate: Rate = 50.0,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same run.")] = 0,
    report: Report = None,
) -> None:
    """Offer the arm core what would break every limit, and count what gets through."""
    from kinevla_ros.evaluation.bench_adversarial import bench_adversarial

    raise typer.Exit(bench_adversarial(targets, seed, rate, report))


@bench.command("lora")
def bench_lora(
    batch_size: Annotated[int, typer.Option(min=2, help="Samples of a step.")] = 8,
    steps: Annotated[int, typer.Option(min=1, help="Steps to measure.")] = 20,
    report: Report = None,
) -> None:
    """Measure a fine-tuning step of OpenVLA-7B at random; cut down without a GPU."""
    from kinevla_ros.evaluation.lora_bench import bench_lora as run

    raise typer.Exit(run(batch_size, steps, report))


if __name__ == "__main__":
    main()
