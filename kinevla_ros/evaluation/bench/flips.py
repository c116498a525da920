"""The work behind `kinevla bench flips`: how often rounding changes what the model writes.

The vision towers compute in the type that they were loaded in; what is compared are types of the
language model.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from torch import Tensor, nn

from kinevla_ros.base.files.damage import for_user
from kinevla_ros.base.resources import resource_path
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.report.statistics import Rate
from kinevla_ros.generator.checkpoint import load_generator, load_task_set
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.decoding.decode import BilevelDecoder, Draft, Generation, GenerationError
from kinevla_ros.generator.decoding.depth_head import DepthHead, load_depth_head
from kinevla_ros.generator.engine.engine import FastDecoder
from kinevla_ros.generator.engine.quantised import Weights
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.onnx.generator import ENCODER_FILE, OnnxGenerator
from kinevla_ros.generator.pictures.squares import camera_pixels, state_tensor
from kinevla_ros.language.grammar import instruction
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary


@dataclass(frozen=True)
class Case:
    """Inputs of one chunk, as decoders take them."""

    instruction: str
    images: Tensor
    state: Tensor


@dataclass
class Flips:
    """Whether each word, each code and each chunk came out differently."""

    words: list[bool] = field(default_factory=list)
    codes: list[bool] = field(default_factory=list)
    chunks: list[bool] = field(default_factory=list)

    def add(self, found: Generation | None, wanted: Generation | None) -> None:
        """Compare place by place; None is an output without end, which only chunks count."""
        if found is None or wanted is None:
            if found is not wanted:
                self.chunks.append(True)
            return
        words = [
            a != b
            for level in ("goal", "kinematics")
            for a, b in itertools.zip_longest(
                getattr(found.words, level), getattr(wanted.words, level)
            )
        ]
        pairs = zip(_codes(found), _codes(wanted), strict=True)
        codes = [a != b for a, b in pairs]
        self.words += words
        self.codes += codes
        self.chunks.append(any(words) or any(codes))

    def to_json(self) -> dict[str, Any]:
        """Rates with their intervals."""
        return {
            name: Rate.of(getattr(self, name)).to_json() for name in ("words", "codes", "chunks")
        }


def bench_flips(
    folder: Path | None,
    count: int,
    weights: Weights | None,
    depth_head: bool,
    report: Path | None = None,
) -> int:
    """Compare on random cases, print the table, write the JSON file; returns the exit code."""
    folder = folder or resource_path("models", "kinevla-tiny")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        model, vocabulary = load_generator(folder)
        dtype = model.language.dtype
        head = load_depth_head(folder, model.config, dtype, device) if depth_head else None
        graphs = None
        if device.type == "cpu" and (folder / ENCODER_FILE).is_file():
            graphs = OnnxGenerator(model, folder)
        drawn = random_cases(model.config, load_task_set(folder), count, device)
        found = flips(model.to(device), vocabulary, drawn, weights, head, graphs)
    except (ValueError, RuntimeError, OSError, ModuleNotFoundError) as problem:
        # Its pictures are of the simulator, which a machine for models alone need not have.
        Console(stderr=True).print(for_user(problem), style="red", markup=False, highlight=False)
        return 1
    figures = {
        "model": str(folder),
        "cases": count,
        "differing": {name: counted.to_json() for name, counted in found.items()},
    }
    publish(figures, lambda _: table(found, count), report)
    return 0


def random_cases(
    config: GeneratorConfig,
    tasks: TaskSet,
    count: int,
    device: torch.device,
    seed: int = 0,
) -> list[Case]:
    """Moments of demonstrations, each with a random command in a random wording."""
    from kinevla_ros.evaluation.bench.recording import record

    rng = np.random.default_rng(seed)
    moments = [seen for recording in record(seed).values() for seen in recording]
    cases = []
    for _ in range(count):
        seen = moments[int(rng.integers(len(moments)))]
        said = instruction(tasks.commands[int(rng.integers(len(tasks.commands)))], rng)
        images = camera_pixels(config, seen.images)
        state = state_tensor(seen.state)
        cases.append(Case(said, images.to(device), state.to(device)))
    return cases


def flips(
    model: Generator,
    vocabulary: Vocabulary,
    cases: Sequence[Case],
    weights: Weights | None = None,
    head: DepthHead | None = None,
    graphs: OnnxGenerator | None = None,
) -> dict[str, Flips]:
    """Decode every case in every way, and compare.

    Args:
        weights: also compare weights of 8 bits with the model's own.
        head: also compare it with the shared head.
        graphs: also compare the same weights run by ONNX Runtime.

    Returns:
        What differed, by what was compared.
    """
    own = model.language.dtype
    exact = model if own == torch.float32 else _in_type(model, torch.float32)
    half = model if own == torch.bfloat16 else _in_type(model, torch.bfloat16)
    rounded = FastDecoder(copy.deepcopy(model), vocabulary, weights) if weights else None
    variants: dict[str, FastDecoder | BilevelDecoder] = {}
    if rounded:
        variants[f"{weights} weights"] = rounded
    if head is not None:
        variants["depth head"] = FastDecoder(model, vocabulary, depth_head=head)
    if graphs is not None:
        variants["ONNX graphs, drafted,"] = BilevelDecoder(graphs, vocabulary)
    types = {"float32": exact, "bfloat16": half}
    plain = {name: BilevelDecoder(each, vocabulary) for name, each in types.items()}
    drafted = {name: FastDecoder(each, vocabulary) for name, each in types.items()}
    found: dict[str, Flips] = {}
    with Progress(transient=True) as progress:
        for case in progress.track(cases, description="bench flips"):
            written = {name: _decoded(decoder, case) for name, decoder in plain.items()}
            verified = {
                name: _decoded(decoder, case, written[name]) for name, decoder in drafted.items()
            }
            pairs = {
                f"{name}, drafted, from {name}": (verified[name], written[name]) for name in types
            }
            pairs["bfloat16 from float32"] = written["bfloat16"], written["float32"]
            pairs["bfloat16, drafted, from float32"] = verified["bfloat16"], written["float32"]
            base = written[str(own).removeprefix("torch.")]
            for name, decoder in variants.items():
                pairs[f"{name} from without"] = _decoded(decoder, case, base), base
            if graphs is not None:
                written_by_graphs = _decoded(variants["ONNX graphs, drafted,"], case)
                pairs["ONNX graphs from without"] = written_by_graphs, base
            for name, pair in pairs.items():
                found.setdefault(name, Flips()).add(*pair)
    return found


def table(found: dict[str, Flips], count: int) -> Table:
    """One row for each comparison, shares in %."""
    grid = Table(title=f"Share that differs, in %, of {count} random cases")
    grid.add_column("")
    for heading in ("words", "codes", "chunks"):
        grid.add_column(heading, justify="right")
    for name, flipped in found.items():
        lists = flipped.words, flipped.codes, flipped.chunks
        grid.add_row(name, *(f"{100 * np.mean(x):.2f}" if x else "" for x in lists))
    return grid


def _decoded(
    decoder: BilevelDecoder | FastDecoder, case: Case, before: Generation | None = None
) -> Generation | None:
    """What is written, with the words of `before` as the draft; None if a text does not end."""
    draft = before.words if before else Draft()
    try:
        return decoder.generate(case.instruction, case.images, case.state, draft)
    except GenerationError:
        return None


def _codes(written: Generation) -> tuple[int, ...]:
    return (*written.goal_codes, *written.kinematics_codes)


def _in_type(model: Generator, dtype: torch.dtype) -> Generator:
    """A copy whose language model computes in another type; its vision towers stay as they are."""
    copied = copy.deepcopy(model)
    language: nn.Module = copied.language
    language.to(dtype)
    observe = copied.observe

    def observe_in_type(images: Tensor, state: Tensor) -> Tensor:
        return observe(images, state).to(dtype)

    copied.observe = observe_in_type  # type: ignore[method-assign]
    return copied
