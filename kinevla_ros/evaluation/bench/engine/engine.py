"""How long a chunk of the full-size model takes: warm, cold, by stage, against `generate`."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console, Group
from rich.progress import Progress

from kinevla_ros.base.files.damage import for_user
from kinevla_ros.evaluation.bench.decoder import decoder_times
from kinevla_ros.evaluation.bench.engine.engine_tables import tables
from kinevla_ros.evaluation.bench.engine.generate import best, generate_times
from kinevla_ros.evaluation.bench.engine.kernel_table import write_kernel_table
from kinevla_ros.evaluation.bench.engine.random_model import cut_down, full_size
from kinevla_ros.evaluation.bench.engine.roofline import (
    chunk_work,
    floors,
    measure_device,
    synchronise,
)
from kinevla_ros.evaluation.bench.engine.subject import Subject, checkpoint_subject, random_subject
from kinevla_ros.evaluation.bench.publish import publish, with_machine, write_figures
from kinevla_ros.evaluation.report.statistics import percentiles
from kinevla_ros.generator.decoding.decode import Draft, Generation, GenerationError
from kinevla_ros.generator.engine.engine import FastDecoder
from kinevla_ros.generator.engine.quantised import Weights, quantise
from kinevla_ros.generator.weights import skeleton

COLD_RUNS, STAGE_RUNS = 20, 20
WARM_TO_COLD = 10
"""A cold chunk takes as long as ten warm ones."""
FLIP_SECONDS = 3.0
"""After which no other moment is looked at: each is written word by word."""
STAGES = ("preprocess", "vision", "verify", "codes", "decoder")


def bench_engine(
    folder: Path | None,
    chunks: int,
    threads: int,
    weights: Weights | None = None,
    depth_head: bool = False,
    report: Path | None = None,
    profile: Path | None = None,
    generate: bool = True,
) -> int:
    """Measure a fine-tuned checkpoint, or random weights without a folder; the exit code.

    Random weights have OpenVLA's full size on a GPU and a cut-down one elsewhere.

    Args:
        profile: file for where the time of warm chunks goes; see `write_kernel_table`.
        generate: whether to measure `transformers`' own generate too.
    """
    torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def keep(figures: dict[str, Any]) -> None:
        if report:
            write_figures(with_machine(figures), report)

    try:
        if folder is None:
            config = full_size() if device.type == "cuda" else cut_down()
            subject = random_subject(config, device, depth_head)
        else:
            subject = checkpoint_subject(folder, device, depth_head)
        figures = measure(subject, chunks, device, weights, keep, profile, generate)
    except (ValueError, RuntimeError, OSError) as problem:
        Console(stderr=True).print(for_user(problem), style="red", markup=False, highlight=False)
        return 1
    publish(figures, lambda found: Group(*tables(found)), report)
    return 0


@torch.inference_mode()
def measure(
    subject: Subject,
    chunks: int,
    device: torch.device,
    weights: Weights | None = None,
    keep: Callable[[dict[str, Any]], None] = lambda figures: None,
    profile: Path | None = None,
    generate: bool = True,
) -> dict[str, Any]:
    """All figures of a subject; times in ms, from pictures as a camera gives them.

    `generate` is measured where weights and codes are as they were.

    Args:
        keep: is given what there is so far after each part, the most important first.
        profile, generate: see `bench_engine`.
    """
    began = time.perf_counter()
    model = subject.model
    if weights:
        quantise(model, weights)
    subject.plant()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    engine = FastDecoder(model, subject.vocabulary, depth_head=subject.depth_head)
    started = time.perf_counter()
    engine.warm_up()
    synchronise(device)
    figures: dict[str, Any] = {"warm_up_seconds": round(time.perf_counter() - started, 2)}

    def add(**found: Any) -> None:
        figures.update(found)
        # When the first figures of each part were there: a bench in a hurry drops the slowest.
        figures.setdefault("seconds", {}).setdefault(
            next(iter(found)), round(time.perf_counter() - began, 1)
        )
        keep(figures)

    words = _written(subject, engine)
    figures.update(_conditions(subject, words, device, weights), path=engine.path)
    outputs = [_run(subject, engine, words) for _ in range(2)]
    add(
        warm=percentiles(_times(lambda: _run(subject, engine, words), chunks, "warm chunks")),
        draft_accepted=all(output.draft_accepted for output in outputs),
        passes=outputs[0].passes,
    )
    add(stages={n: percentiles(v) for n, v in _stages(subject, engine, words, device).items()})
    add(**_roofline(subject, words, device, weights))
    for name, draft in (("cold_drafted", words), ("cold", None)):
        runs = max(1, min(COLD_RUNS, chunks // WARM_TO_COLD))
        add(**{name: percentiles(_cold_times(subject, engine, draft, runs))})
    if profile:
        write_kernel_table(engine, lambda: _run(subject, engine, words), device, profile)
    add(drafted_and_written_differ=_flips(subject, engine))
    if generate and weights is None and subject.depth_head is None:
        found: dict[str, Any] = {}

        def against(name: str, times: dict[str, Any]) -> None:
            found[name] = times
            add(generate=found, faster=best(found, figures["warm"]["p50_ms"]))

        generate_times(subject, words, against)
    return figures


def _run(subject: Subject, engine: FastDecoder, draft: Draft | None) -> Generation:
    """One chunk at the first moment, read back."""
    return engine.generate(subject.instruction, subject.images(), torch.zeros(8), draft)


def _written(subject: Subject, engine: FastDecoder) -> Draft:
    """What the model writes. Raises RuntimeError if that is not what was planted."""
    words = _run(subject, engine, None).words
    if subject.words not in (None, words):
        raise RuntimeError("the planted words were not written; the figures would mean nothing")
    return words


def _cold_times(
    subject: Subject, engine: FastDecoder, draft: Draft | None, runs: int
) -> list[float]:
    """Seconds of chunks whose instruction is new to the engine, with or without a draft."""
    times = []
    for _ in range(runs):
        engine.forget()
        times += _times(lambda: _run(subject, engine, draft), 1, "cold chunks")
    return times


def _conditions(
    subject: Subject, words: Draft, device: torch.device, weights: Weights | None
) -> dict[str, Any]:
    """What was measured, and the most memory it took."""
    config, model = subject.model.config, subject.model
    cuda = device.type == "cuda"
    memory = (
        torch.cuda.max_memory_allocated(device)
        if cuda
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    )
    return {
        "model": subject.name,
        "parameters": sum(p.numel() for p in skeleton(config).parameters()),
        "dtype": str(model.language.dtype).removeprefix("torch."),
        "weights": weights or "as they are",
        "depth_head": subject.depth_head is not None,
        "device": torch.cuda.get_device_name(device) if cuda else "cpu",
        "threads": torch.get_num_threads(),
        "memory_gb": round(memory / 1e9, 2),
        "tokens": {
            "images": config.cameras * config.image_tokens,
            "prompt": config.max_instruction_tokens,
            "goal_words": len(words.goal),
            "kinematics_words": len(words.kinematics),
            "codes": config.goal_codes + config.kinematics_codes,
        },
    }


def _roofline(
    subject: Subject, words: Draft, device: torch.device, weights: Weights | None
) -> dict[str, Any]:
    """Measured ceilings of the device, the work of a warm chunk, and its least time."""
    dtype = subject.model.language.dtype
    ceilings = measure_device(device, dtype)
    size = dtype.itemsize
    work = chunk_work(
        subject.model.config,
        len(words.goal),
        len(words.kinematics),
        size,
        block_itemsize=1 if weights else size,
        depth_head=subject.depth_head is not None,
    )
    return {
        "bandwidth_gb_s": round(ceilings.bandwidth / 1e9, 1),
        "matmul_tflops": round(ceilings.rate / 1e12, 3),
        "operations_gflop": {
            name: round(sum(w.operations for w in passes) / 1e9, 2) for name, passes in work.items()
        },
        "bytes_gb": {
            name: round(sum(w.bytes for w in passes) / 1e9, 3) for name, passes in work.items()
        },
        "floor_ms": {name: round(value, 3) for name, value in floors(work, ceilings).items()},
    }


def _times(work: Callable[[], object], count: int, name: str) -> list[float]:
    """Seconds of each call; every call ends with its result read back."""
    times = []
    with Progress(transient=True) as progress:
        for _ in progress.track(range(count), description=name):
            started = time.perf_counter()
            work()
            times.append(time.perf_counter() - started)
    return times


def _flips(subject: Subject, engine: FastDecoder) -> dict[str, int]:
    """At how many moments a chunk comes out differently when its own words are the draft.

    In float32 at none: widths of passes differ, and with them the rounding of near ties.
    """
    found = {"n": 0, "differ": 0}
    end = time.monotonic() + FLIP_SECONDS
    for moment in range(len(subject.cameras)):
        if time.monotonic() > end:
            break
        images, state = subject.images(moment), torch.zeros(8)
        try:
            written = engine.generate(subject.instruction, images, state)
            drafted = engine.generate(subject.instruction, images, state, written.words)
        except GenerationError:
            continue  # random weights need not end their texts for other pictures
        found["n"] += 1
        found["differ"] += (written.words, written.goal_codes, written.kinematics_codes) != (
            drafted.words,
            drafted.goal_codes,
            drafted.kinematics_codes,
        )
    return found


def _stages(
    subject: Subject, engine: FastDecoder, words: Draft, device: torch.device
) -> dict[str, list[float]]:
    """Seconds of each stage of warm chunks; waits for the device after each."""
    found: dict[str, list[float]] = {name: [] for name in STAGES}
    clock = [0.0]

    def ended(stage: str) -> None:
        synchronise(device)
        now = time.perf_counter()
        spent[stage] = spent.get(stage, 0.0) + now - clock[0]
        clock[0] = now

    engine.on_stage = ended
    for _ in range(STAGE_RUNS):
        spent: dict[str, float] = {}
        clock[0] = time.perf_counter()
        images = subject.images()
        ended("preprocess")
        engine.generate(subject.instruction, images, torch.zeros(8), words)
        for stage, value in spent.items():
            found[stage].append(value)
    engine.on_stage = lambda stage: None
    if subject.decoder is not None:
        found["decoder"] = decoder_times(subject.decoder, STAGE_RUNS)
    return found
