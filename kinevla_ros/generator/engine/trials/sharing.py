"""How attention is shared out among a GPU's programs, as a trial at the engine's start finds."""

from __future__ import annotations

import math
from contextlib import suppress
from functools import partial

import torch

from kinevla_ros.generator.engine.fused_operations import FEW, SOME, FusedOperations, Sharing
from kinevla_ros.generator.engine.operations import Look
from kinevla_ros.generator.engine.trials.timing import GAIN, Timer, relative_error, seconds
from kinevla_ros.generator.network.segments import Segment

TOLERANCE = 1e-2
"""Largest error relative to the largest number; results are rounded to 8 bits of mantissa."""
CACHES = 8
"""So many that one cannot stay in the GPU's own cache until it is read again."""
OTHERS = {
    FEW: (Sharing(FEW, 64, 16), Sharing(FEW, 128, 8)),
    SOME: (Sharing(64, 64, 2), Sharing(64, 64, 4)),
    math.inf: (Sharing(64, 64, 1, stages=3), Sharing(128, 64, 1, 8), Sharing(64, 32, 1)),
}
"""Tried beside what operations have, by the most new positions that each is for."""
NEW, FILLED = {FEW: 1, SOME: 256, math.inf: 640}, 896
"""New positions of each trial, and filled ones with them: about a chunk's."""


@torch.inference_mode()
def share_out(
    operations: FusedOperations,
    device: torch.device,
    dtype: torch.dtype,
    heads: int,
    size: int,
    timer: Timer = seconds,
) -> str:
    """Give operations the fastest sharings that are right, and say which.

    Args:
        heads, size: of the attention, and the numbers of each.
        timer: gives the mean seconds of several works.
    """
    source = torch.Generator(device).manual_seed(0)
    shape = CACHES, 2, heads, FILLED, size
    caches = torch.randn(shape, device=device, generator=source).to(dtype)
    segments = torch.randint(1, len(Segment), (FILLED,), device=device, generator=source)
    said = []
    for most, others in OTHERS.items():
        own, new = operations.sharings[most], NEW[most]
        query = torch.randn((heads, new, size), device=device, generator=source).to(dtype)
        # The widest pass comes first of all.
        first = 0 if math.isinf(most) else FILLED - new
        start = torch.full((1,), first, device=device)
        look = operations.look(start, start, segments, caches[0, 0, :2])
        wanted = torch.as_tensor(operations.attend(query, caches[0], look, None))
        times = {own: _time(operations, query, caches, look, timer)}
        for other in others:
            operations.sharings[most] = other
            # A card may have too little memory for one, or a compiler no way to make it.
            with suppress(Exception):
                found = torch.as_tensor(operations.attend(query, caches[0], look, None))
                if relative_error(found, wanted) <= TOLERANCE:
                    times[other] = _time(operations, query, caches, look, timer)
        best = min(times, key=lambda each: times[each])
        best = best if times[best] < GAIN * times[own] else own
        operations.sharings[most] = best
        said.append(f"{new} new {1e6 * times[best]:.1f} ({'×'.join(map(str, best))})")
    return f"attention in µs: {', '.join(said)}"


def _time(
    operations: FusedOperations, query: torch.Tensor, caches: torch.Tensor, look: Look, timer: Timer
) -> float:
    return timer([partial(operations.attend, query, cache, look, None) for cache in caches])
