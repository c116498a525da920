"""The product of a single position with a layer's weight, by one Triton kernel.

It reads each weight once, as it is stored, and sums in float32.
"""

# Triton types the arguments of a kernel.
# mypy: allow-untyped-defs

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from kinevla_ros.generator.engine.kernels import chain, launched
from kinevla_ros.generator.engine.operations import Rounded
from kinevla_ros.generator.engine.quantised import QuantisedLinear


class Tiling(NamedTuple):
    """Rows of the weight that a program takes, columns of a step, warps, and whether weights are
    read a step ahead: an H200 is faster so in bfloat16 and slower in fp8."""

    rows: int
    columns: int
    warps: int
    ahead: bool = False


_SHAPES = (
    (1, 2048, 4),
    (2, 1024, 4),
    (4, 1024, 8),
    (8, 512, 8),
    # Each number of what is given is widened once for several weights, which counts with 8 bits.
    (2, 2048, 4),
    (4, 2048, 4),
)
TILINGS = tuple(Tiling(*shape, ahead) for ahead in (False, True) for shape in _SHAPES)


@triton.jit
def multiply(
    given, weight, scales, row_scale, out, height, width,
    SCALED: tl.constexpr, ROUNDED: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
    AHEAD: tl.constexpr, CHAINED: tl.constexpr,
):  # fmt: skip
    """Some rows of weight (height, width) times given (width,), each times its scale and that of
    what is given.

    Ahead and chained, the first weights are read while the kernel before still runs.
    """
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    there = rows < height
    place = weight + rows.to(tl.int64)[:, None] * width
    columns = tl.arange(0, COLUMNS)[None, :]
    # Weights come by once in a pass; what is multiplied with them shall stay in the cache.
    if AHEAD:
        w = tl.load(
            place + columns, mask=there[:, None] & (columns < width), other=0.0,
            eviction_policy="evict_first",
        )  # fmt: skip
    chain(CHAINED)
    total = tl.zeros([ROWS, COLUMNS], tl.float32)
    for at in range(0, width, COLUMNS):
        x = tl.load(given + at + columns, mask=at + columns < width, other=0.0).to(tl.float32)
        coming = at + COLUMNS * AHEAD + columns
        read = tl.load(
            place + coming, mask=there[:, None] & (coming < width), other=0.0,
            eviction_policy="evict_first",
        )  # fmt: skip
        if AHEAD:
            total += w.to(tl.float32) * x
            w = read
        else:
            total += read.to(tl.float32) * x
    result = tl.sum(total, 1)
    if SCALED:
        result *= tl.load(scales + rows, mask=there, other=0.0)
    if ROUNDED:
        result *= tl.load(row_scale)
    tl.store(out + rows, result.to(out.dtype.element_ty), mask=there)


def row_product(tiling: Tiling, layer: Any, x: Tensor | Rounded, chained: bool = False) -> Tensor:
    """What `layer(x)` gives for one position, (1, in) to (1, out).

    Args:
        layer: linear without bias, of 8 bits or not; one of fp8 wants a row that is rounded.
        chained: see `kernels`.
    """
    rows, scale = x if isinstance(x, Rounded) else (x, x)
    rounded, scaled = isinstance(x, Rounded), isinstance(layer, QuantisedLinear)
    weight = layer.weight
    height, width = weight.shape
    out = rows.new_empty(1, height, dtype=torch.bfloat16 if rounded else rows.dtype)
    multiply[(triton.cdiv(height, tiling.rows),)](
        rows.contiguous(), weight, layer.scale if scaled else weight, scale, out, height, width,
        scaled, rounded, tiling.rows, tiling.columns, tiling.ahead, num_warps=tiling.warps,
        **launched(chained),
    )  # fmt: skip
    return out
