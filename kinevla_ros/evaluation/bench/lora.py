"""How long a fine-tuning step takes and what memory it needs, on random weights."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Any, cast

import torch
from peft import PeftModel
from rich.console import Console
from rich.json import JSON
from rich.progress import track

from kinevla_ros.evaluation.bench.engine.random_model import (
    cut_down,
    full_size,
    nameless_vocabulary,
    random_generator,
)
from kinevla_ros.evaluation.bench.engine.roofline import synchronise
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.report.statistics import percentiles
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.network.segments import Segment
from kinevla_ros.training.generator.objective import Batch
from kinevla_ros.training.lora.adapters import (
    BilevelObjective,
    LoraSettings,
    add_adapters,
    as_fields,
)
from kinevla_ros.training.lora.memory import estimate, room_on

WORDS = 120
"""Written words of both levels, delimiters included."""
DISCARDED = 3


def bench_lora(batch_size: int, steps: int, report: Path | None = None) -> int:
    """Measure steps on the full size on a GPU, on a cut-down one elsewhere; the exit code."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config = full_size() if device.type == "cuda" else cut_down()
    try:
        figures = measure_steps(config, batch_size, steps, device)
    except torch.OutOfMemoryError:
        Console(stderr=True).print(f"[red]batch size {batch_size} does not fit; take a smaller one")
        return 1
    publish(figures, JSON.from_data, report)
    return 0


def measure_steps(
    config: GeneratorConfig, batch_size: int, steps: int, device: torch.device
) -> dict[str, Any]:
    """Seconds of a step of adapters on bfloat16 weights, as `fine_tune` takes it; memory."""
    vocabulary = nameless_vocabulary(config)
    generator = random_generator(config, device, torch.bfloat16)
    model = add_adapters(generator, vocabulary, LoraSettings()).to(device).train()
    batch = random_batch(config, batch_size, device)
    wanted = estimate(model, config, batch_size, batch.tail.shape[1]).filling(room_on(device))
    cast(BilevelObjective, model.get_base_model()).held_blocks = wanted.held
    model.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    trained = [p for p in model.parameters() if p.requires_grad]
    cuda = device.type == "cuda"
    optimiser = torch.optim.AdamW(trained, 5e-4, fused=cuda)
    times = []
    for _ in track(range(DISCARDED + steps), description="steps", transient=True):
        synchronise(device)
        started = time.perf_counter()
        _step(model, optimiser, batch, device)
        synchronise(device)
        times.append(time.perf_counter() - started)
    memory = (
        torch.cuda.max_memory_allocated(device)
        if cuda
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    )
    return {
        "model": "OpenVLA-7B, random weights" if cuda else "cut-down OpenVLA (no GPU)",
        "device": torch.cuda.get_device_name(device) if cuda else "cpu",
        "batch_size": batch_size,
        "images": 2,
        "trained_parameters": sum(p.numel() for p in trained),
        "blocks_computed_again": len(wanted.blocks) - wanted.held,
        "step": percentiles(times[DISCARDED:]),
        "memory_gb": round(memory / 1e9, 2),
        "estimated_gb": round(wanted.total / 1e9, 2),
    }


def random_batch(config: GeneratorConfig, size: int, device: torch.device) -> Batch:
    """A batch of the right shapes; what it says does not matter."""
    codes = config.goal_codes + config.kinematics_codes
    parts = {Segment.WORDS: WORDS, Segment.READING: WORDS, Segment.CODES: codes}
    held = [
        int(kind) for kind, count in (parts | {Segment.ECHO: codes}).items() for _ in range(count)
    ]
    segments = torch.tensor(held, device=device).expand(size, -1)
    ids = torch.randint(3, 1000, segments.shape, device=device)
    side = config.image_size
    prompt = torch.full((size, config.max_instruction_tokens), 3, device=device)
    return Batch(
        images=torch.randn(size, 2, 6, side, side, device=device),
        state=torch.zeros(size, 8, device=device),
        prompt=prompt,
        prompt_segments=torch.full_like(prompt, int(Segment.INSTRUCTION)),
        tail=ids,
        tail_segments=segments,
        targets=ids,
        text=segments == Segment.WORDS,
        code=segments == Segment.CODES,
        command=torch.arange(size, device=device),
        starts=torch.full((size, 2), 2 * WORDS, device=device),
        motion=torch.zeros(size, 2, 40, device=device),
        scene=torch.zeros(size, 0, device=device),
    )


def _step(
    model: PeftModel, optimiser: torch.optim.Optimizer, batch: Batch, device: torch.device
) -> None:
    with torch.autocast(device.type, torch.bfloat16):
        loss = model(**as_fields(batch))["loss"]
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
