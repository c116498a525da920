"""Vision towers compiled block by block, where a trial at the engine's start finds that faster."""

from __future__ import annotations

import time
from functools import partial

import torch
from torch import Tensor, nn
from transformers.modeling_layers import GradientCheckpointingLayer

from kinevla_ros.base.files.damage import one_line
from kinevla_ros.generator.engine.trial import GAIN, Timer, relative_error, seconds

LARGE = 100_000_000
"""Parameters of towers that are worth the compiler's time."""
TOLERANCE = 5e-2
"""Largest error relative to the largest number: two dozen blocks in bfloat16, rounded elsewhere."""


def compile_towers(vision: nn.Module, pixels: Tensor, timer: Timer = seconds) -> str:
    """Compile the blocks if the compiler is there, they are large, right and faster; says which.

    Args:
        pixels: what the engine shows them, of its type; other shapes would be compiled anew.
        timer: gives the mean seconds of works.
    """
    blocks = [part for part in vision.modules() if isinstance(part, GradientCheckpointingLayer)]
    size = sum(p.numel() for p in vision.parameters())
    if pixels.device.type != "cuda" or size < LARGE:
        return "vision as it is"
    try:
        found, why = _tried(vision, blocks, pixels, timer)
    # A compiler that is missing or too old raises errors of many kinds.
    except Exception as problem:
        found, why = False, one_line(problem)
    if not found:
        for block in blocks:
            # What `Module.compile` sets; torch has no way back of its own.
            block._compiled_call_impl = None
    return f"vision {'compiled' if found else 'as it is'}: {why}"


@torch.inference_mode()
def _tried(
    vision: nn.Module, blocks: list[GradientCheckpointingLayer], pixels: Tensor, timer: Timer
) -> tuple[bool, str]:
    """Whether compiled blocks are to stay, and why."""
    look = partial(vision, pixels)
    wanted, plain = look()[0], timer([look])
    started = time.perf_counter()
    for block in blocks:
        block.compile(dynamic=False)
    error = relative_error(look()[0], wanted)
    took = time.perf_counter() - started
    if not error <= TOLERANCE:
        return False, f"compiled blocks are wrong by {error:.1g} of the largest number"
    compiled = timer([look])
    said = f"{1e3 * compiled:.2f} ms compiled (in {took:.0f} s), {1e3 * plain:.2f} ms not"
    return compiled < GAIN * plain, said
