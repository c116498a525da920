"""How long a chunk of the full-size model takes: cold, warm, by stage, against plain `generate`."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from kinevla_ros.codec.onnx_decoder import OnnxDecoder
from kinevla_ros.evaluation.engine_tables import tables
from kinevla_ros.evaluation.latency import decoder_times, record
from kinevla_ros.evaluation.machine import machine, versions
from kinevla_ros.evaluation.random_model import (
    cut_down,
    full_size,
    nameless_vocabulary,
    plant_words,
    random_generator,
)
from kinevla_ros.evaluation.roofline import chunk_work, floors, measure_device, synchronise
from kinevla_ros.evaluation.statistics import percentiles
from kinevla_ros.generator.checkpoint import load_decoder, load_generator
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.decode import Draft, GenerationError
from kinevla_ros.generator.engine import FastDecoder
from kinevla_ros.generator.images import pixels, square
from kinevla_ros.generator.model import Generator
from kinevla_ros.generator.sequence import instruction_ids
from kinevla_ros.language.grammar import TASKS, instruction
from kinevla_ros.language.vocabulary import Vocabulary

GOAL_WORDS, KINEMATICS_WORDS = 10, 100
"""About what the paper's tables hold, in Llama's tokens."""
COLD_RUNS, STAGE_RUNS, PLAIN_RUNS, MOMENTS = 20, 20, 3, 20
STAGES = ("preprocess", "vision", "verify", "codes", "decoder")


@dataclass(frozen=True)
class Subject:
    """A model and what to measure it on.

    Attributes:
        cameras: front and wrist at several moments [n, 2, H, W, 3]; times are of the first.
        words: what it is known to write for the first, if that is known.
    """

    name: str
    model: Generator
    vocabulary: Vocabulary
    instruction: str
    cameras: NDArray[np.uint8]
    words: Draft | None
    decoder: OnnxDecoder | None

    def images(self, moment: int = 0) -> Tensor:
        """Front and wrist as the model reads them."""
        config = self.model.config
        squares = [square(image, config.image_size) for image in self.cameras[moment]]
        return pixels(config, np.stack(squares))


def bench_engine(folder: Path | None, chunks: int, threads: int, report: Path | None = None) -> int:
    """Measure a fine-tuned checkpoint, or random weights without a folder; the exit code.

    Random weights have OpenVLA's full size on a GPU and a cut-down one elsewhere.
    """
    torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        if folder is None:
            config = full_size() if device.type == "cuda" else cut_down()
            subject = random_subject(config, device)
        else:
            subject = _subject(folder, device)
        figures = measure(subject, chunks, device)
    except (ValueError, RuntimeError, OSError) as problem:
        Console(stderr=True).print(f"[red]{problem}", highlight=False)
        return 1
    for part in tables(figures):
        Console().print(part)
    if report:
        report.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def random_subject(config: GeneratorConfig, device: torch.device) -> Subject:
    """Random weights with about 110 words of reasoning planted."""
    cuda = device.type == "cuda"
    name = "OpenVLA-7B, random weights" if cuda else "cut-down OpenVLA, random weights (no GPU)"
    model = random_generator(config, device, torch.bfloat16 if cuda else torch.float32)
    vocabulary = nameless_vocabulary(config)
    rng = np.random.default_rng(0)
    cameras = rng.integers(0, 256, (MOMENTS, 2, 480, 640, 3), dtype=np.uint8)
    text = np.flatnonzero(vocabulary.text_mask)
    goal, kinematics = (
        tuple(rng.choice(text, count).tolist()) for count in (GOAL_WORDS, KINEMATICS_WORDS)
    )
    subject = Subject(name, model, vocabulary, "do it", cameras, Draft(goal, kinematics), None)
    images = subject.images().to(device)
    plant_words(model, vocabulary, "do it", images, torch.zeros(8), goal, kinematics)
    return subject


def _subject(folder: Path, device: torch.device) -> Subject:
    """A checkpoint and pictures of a demonstration."""
    model, vocabulary = load_generator(folder)
    seen = record()[TASKS[0]][:MOMENTS]
    cameras = np.stack([[o.images[name] for name in ("front", "wrist")] for o in seen])
    said = instruction(TASKS[0], np.random.default_rng(0))
    decoder = load_decoder(folder, model.config)
    return Subject(str(folder), model.to(device), vocabulary, said, cameras, None, decoder)


@torch.inference_mode()
def measure(subject: Subject, chunks: int, device: torch.device) -> dict[str, Any]:
    """All figures of a subject; times in ms."""
    model = subject.model
    dtype = model.language.dtype
    engine = FastDecoder(model, subject.vocabulary)
    started = time.perf_counter()
    engine.warm_up()
    synchronise(device)
    warm_up = time.perf_counter() - started
    images, state = subject.images(), torch.zeros(8)

    def run(draft: Draft | None) -> Any:
        return engine.generate(subject.instruction, images, state, draft)

    first = run(None)
    if subject.words is not None and first.words != subject.words:
        raise RuntimeError("the planted words were not written; the figures would mean nothing")
    words = first.words
    # The cold figure is of a new instruction, so its words are written one by one.
    cold = _times(lambda: run(None), COLD_RUNS, "cold chunks")
    flips = _flips(subject, engine)
    outputs = [run(words) for _ in range(2)]
    warm = _times(lambda: run(words), chunks, "warm chunks")
    stages = _stages(subject, engine, words, device)
    plain = _plain_times(subject, images, words, device)
    ceilings = measure_device(device, dtype)
    work = chunk_work(model.config, len(words.goal), len(words.kinematics), dtype.itemsize)
    memory = (
        torch.cuda.max_memory_allocated(device)
        if device.type == "cuda"
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    )
    warm_figures, plain_figures = percentiles(warm), percentiles(plain)
    return {
        "model": subject.name,
        "parameters": sum(p.numel() for p in model.parameters()),
        "dtype": str(dtype).removeprefix("torch."),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "memory_gb": round(memory / 1e9, 2),
        "warm_up_seconds": round(warm_up, 2),
        "tokens": {
            "images": 2 * model.config.image_tokens,
            "prompt": model.config.max_instruction_tokens,
            "goal_words": len(words.goal),
            "kinematics_words": len(words.kinematics),
            "codes": model.config.goal_codes + model.config.kinematics_codes,
        },
        "draft_accepted": all(output.draft_accepted for output in outputs),
        "passes": outputs[0].passes,
        "drafted_and_written_differ": flips,
        "cold": percentiles(cold),
        "warm": warm_figures,
        "stages": {name: percentiles(values) for name, values in stages.items()},
        "plain_generate": plain_figures,
        "times_faster_than_generate": round(plain_figures["p50_ms"] / warm_figures["p50_ms"], 2),
        "bandwidth_gb_s": round(ceilings.bandwidth / 1e9, 1),
        "matmul_tflops": round(ceilings.rate / 1e12, 3),
        "operations_gflop": {
            name: round(sum(w.operations for w in passes) / 1e9, 2) for name, passes in work.items()
        },
        "bytes_gb": {
            name: round(sum(w.bytes for w in passes) / 1e9, 3) for name, passes in work.items()
        },
        "floor_ms": {name: round(value, 3) for name, value in floors(work, ceilings).items()},
        "machine": machine(),
        "versions": versions(),
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
    for moment in range(len(subject.cameras)):
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


def _plain_times(
    subject: Subject, images: Tensor, words: Draft, device: torch.device
) -> list[float]:
    """Seconds of `transformers`' generate for as many tokens, from the same images and weights."""
    model, vocabulary = subject.model, subject.vocabulary
    config = model.config
    count = len(words.goal) + len(words.kinematics) + 4
    count += config.goal_codes + config.kinematics_codes
    ids, segments = (
        torch.tensor([x], device=device)
        for x in instruction_ids(vocabulary, config, subject.instruction)
    )

    generate: Any = getattr(model.language, "generate")  # noqa: B009  (typed for other classes)

    def run() -> None:
        observed = model.observe(images[None].to(device), torch.zeros(1, 8, device=device))
        embeddings, _ = model.context(ids, segments, observed)
        written = generate(
            inputs_embeds=embeddings,
            attention_mask=torch.ones(embeddings.shape[:2], device=device, dtype=torch.int64),
            max_new_tokens=count,
            min_new_tokens=count,
            do_sample=False,
        )
        torch.as_tensor(written).tolist()

    run()
    return _times(run, PLAIN_RUNS, "plain generate")
