"""Which operations the engine's blocks run with: kernels where they hold, or plain torch."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from kinevla_ros.base.files.damage import one_line
from kinevla_ros.generator.engine.operations import Operations, PlainOperations
from kinevla_ros.generator.engine.trials.timing import relative_error
from kinevla_ros.generator.network.segments import Segment

WIDE = 1024
"""Width of models that are worth a trial of how attention is shared out."""
TRIED = 20
"""New positions of the trial that kernels pass before they are used."""
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 3e-2, torch.float16: 4e-3}
"""Largest error relative to the largest number, by type."""


class Chosen(NamedTuple):
    """Operations, and why they are these."""

    operations: Operations
    why: str


def choose_operations(
    whole: bool, device: torch.device, dtype: torch.dtype, heads: int, size: int
) -> Chosen:
    """Kernels on a GPU if they are there and give what plain torch gives, plain torch otherwise.

    Args:
        whole: whether the observation sees itself whole.
        heads, size: of the attention, and the numbers of each.
    """
    plain = PlainOperations(whole, device)
    if device.type != "cuda":
        return Chosen(plain, f"kernels want a GPU, not {device.type}")
    try:
        from kinevla_ros.generator.engine.fused_operations import FusedOperations
        from kinevla_ros.generator.engine.trials.sharing import share_out

        fused = FusedOperations(whole, device, size)
        error = largest_error(fused, plain, device, dtype, heads, size)
        wide = heads * size >= WIDE
        shared = f"; {share_out(fused, device, dtype, heads, size)}" if wide else ""
    except ImportError as problem:
        return Chosen(plain, f"triton is missing ({one_line(problem)})")
    # A compiler that is missing or too old raises errors of many kinds.
    except Exception as problem:
        return Chosen(plain, f"the kernels do not run here ({one_line(problem)})")
    if not error <= TOLERANCE[dtype]:
        return Chosen(plain, f"the kernels are wrong here, by {error:.1g} of the largest number")
    return Chosen(fused, f"within {error:.1g} of plain torch on this device{shared}")


class _Norm(NamedTuple):
    """What operations read of an RMS norm."""

    weight: Tensor
    variance_epsilon: float

    def __call__(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.weight.shape, self.weight, self.variance_epsilon)


@torch.inference_mode()
def largest_error(
    one: Operations,
    other: Operations,
    device: torch.device,
    dtype: torch.dtype,
    heads: int,
    size: int,
) -> float:
    """Of all results for random numbers, relative to the largest; a wide pass and a narrow one."""
    length, width = 3 * TRIED, heads * size
    source = torch.Generator(device).manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, device=device, generator=source).to(dtype)

    table, norm = drawn(2, length, size // 2).repeat(1, 1, 2), _Norm(drawn(width), 1e-6)
    segments = torch.randint(1, len(Segment), (length,), device=device, generator=source)
    caches = [torch.zeros(2, heads, length, size, device=device, dtype=dtype) for _ in range(2)]
    error = 0.0
    for first, new in ((0, TRIED), (TRIED, 1)):
        given: Any = drawn(new, width), drawn(new, width), drawn(new, 3 * width), drawn(new, 256)
        start = torch.full((1,), first, device=device)
        places = start + torch.arange(new, device=device)
        filled = segments * (torch.arange(length, device=device) < first + new)
        results = [
            _all(operations, given, norm, cache, (start, places, filled, table))
            for operations, cache in zip((one, other), caches, strict=True)
        ]
        for found, wanted in zip(*results, strict=True):
            error = max(error, relative_error(found, wanted))
    return error


def _all(operations: Operations, given: Any, norm: Any, cache: Tensor, where: Any) -> list[Any]:
    """Results of every operation, and the cache."""
    hidden, change, mixed, both = given
    look = operations.look(*where)
    query = operations.turn(mixed, look, cache)
    seen = operations.attend(query, cache, look, None)
    parts = operations.add_norm(hidden, change, norm, None)
    first = operations.add_norm(hidden, None, norm, None)[1]
    return [query, cache, seen, *parts, first, operations.gate(both, None)]
