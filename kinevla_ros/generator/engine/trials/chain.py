"""Whether kernels are chained (see `kernels`), as a trial at the engine's start decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from kinevla_ros.base.files.damage import one_line
from kinevla_ros.generator.engine.graph import captures
from kinevla_ros.generator.engine.trials.timing import Timer, relative_error, seconds
from kinevla_ros.generator.network.segments import Segment

CAPABILITY = (9, 0)
"""Of GPUs that start a kernel before the one before it has ended."""
TOLERANCE = 1e-2
"""Largest error relative to the largest number; the kernels are the same."""
NEW = (32, 1)
"""New positions of the passes tried, one after the other."""


def chain(
    run: Callable[[Tensor, Tensor, Tensor], Tensor],
    parts: tuple[Any, ...],
    like: Tensor,
    timer: Timer = seconds,
) -> str:
    """Chain the kernels of parts where the card can and passes are right and faster; says which.

    Args:
        run: a pass; see `FusedLlama`.
        parts: with an attribute `chained`.
        like: numbers of a position, (1, width), of the type that passes read.
        timer: gives the mean seconds of several works.
    """
    if not captures(like.device) or torch.cuda.get_device_capability(like.device) < CAPABILITY:
        return "kernels one after the other"
    try:
        found, why = _tried(run, parts, like, timer)
    # A compiler that is missing or too old raises errors of many kinds.
    except Exception as problem:
        found, why = False, one_line(problem)
    _set(parts, found)
    return f"kernels {'chained' if found else 'one after the other'}: {why}"


@torch.inference_mode()
def _tried(
    run: Callable[[Tensor, Tensor, Tensor], Tensor],
    parts: tuple[Any, ...],
    like: Tensor,
    timer: Timer,
) -> tuple[bool, str]:
    """Whether chained kernels are to stay, and why."""
    source = torch.Generator(like.device).manual_seed(0)
    width = like.shape[1]
    given = torch.randn((sum(NEW), width), device=like.device, generator=source).to(like.dtype)
    segments = torch.full((len(given),), int(Segment.OBSERVATION), device=like.device)
    start = torch.zeros(1, dtype=torch.int64, device=like.device)
    result = torch.empty_like(given)

    def passes() -> None:
        at = 0
        for new in NEW:
            rows = slice(at, at + new)
            result[rows].copy_(run(given[rows], segments[rows], start + at))
            at += new

    _set(parts, False)
    apart = timer([passes])
    wanted = result.clone()
    _set(parts, True)
    together = timer([passes])
    # What the last replay left: only in a graph do kernels follow one another so closely.
    if not (error := relative_error(result, wanted)) <= TOLERANCE:
        return False, f"chained ones are wrong by {error:.1g} of the largest number"
    said = f"{1e3 * together:.2f} ms chained, {1e3 * apart:.2f} ms not, for two passes"
    return together < apart, said


def _set(parts: tuple[Any, ...], chained: bool) -> None:
    for part in parts:
        part.chained = chained
