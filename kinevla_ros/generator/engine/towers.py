"""Vision towers compiled block by block, where a trial at the engine's start finds that faster."""

from __future__ import annotations

import math
import time
from functools import partial

import torch
from torch import Tensor, nn
from transformers.modeling_layers import GradientCheckpointingLayer

from kinevla_ros.base.files.damage import one_line
from kinevla_ros.generator.engine.joined_projections import join_projections
from kinevla_ros.generator.engine.trials.timing import GAIN, Timer, relative_error, seconds

LARGE = 100_000_000
"""Parameters of towers that are worth the compiler's time."""
TOLERANCE = 5e-2
"""Largest error relative to the largest number: two dozen blocks in bfloat16, rounded elsewhere."""


@torch.inference_mode()
def compile_towers(vision: nn.Module, pixels: Tensor, timer: Timer = seconds) -> str:
    """Compile the blocks if the compiler is there, they are large, right and faster; says which.

    First with query, key and value of each attention in one product, then, if that fails, without.

    Args:
        pixels: what the engine shows them, of its type; other shapes would be compiled again.
        timer: gives the mean seconds of works.
    """
    blocks = [part for part in vision.modules() if isinstance(part, GradientCheckpointingLayer)]
    size = sum(p.numel() for p in vision.parameters())
    if pixels.device.type != "cuda" or size < LARGE:
        return "vision as it is"
    wanted, plain = _looked(vision, pixels), timer([partial(vision, pixels)])
    failures = []
    for joined in (True, False):
        put_back = join_projections(vision) if joined else lambda: None
        try:
            found, why = _tried(vision, blocks, pixels, timer, wanted)
        # A compiler that is missing or too old raises errors of many kinds.
        except Exception as problem:
            found, why = math.inf, one_line(problem)
        if found < GAIN * plain:
            how = ", query, key and value in one product" if joined else ""
            return f"vision compiled{how}: {why}, {1e3 * plain:.2f} ms not"
        failures.append(why)
        for block in blocks:
            # What `Module.compile` sets; torch has no way back of its own.
            block._compiled_call_impl = None
        put_back()
    return f"vision as it is ({1e3 * plain:.2f} ms): {'; '.join(dict.fromkeys(failures))}"


@torch.inference_mode()
def _looked(vision: nn.Module, pixels: Tensor) -> Tensor:
    """What vision makes of the pixels."""
    return torch.as_tensor(vision(pixels)[0])


@torch.inference_mode()
def _tried(
    vision: nn.Module,
    blocks: list[GradientCheckpointingLayer],
    pixels: Tensor,
    timer: Timer,
    wanted: Tensor,
) -> tuple[float, str]:
    """Seconds with compiled blocks, infinite where they are wrong; and what is to be said."""
    started = time.perf_counter()
    for block in blocks:
        block.compile(dynamic=False)
    error = relative_error(_looked(vision, pixels), wanted)
    took = time.perf_counter() - started
    if not error <= TOLERANCE:
        return math.inf, f"compiled blocks are wrong by {error:.1g} of the largest number"
    compiled = timer([partial(vision, pixels)])
    return compiled, f"{1e3 * compiled:.2f} ms compiled (in {took:.0f} s)"
