"""One kernel for each thing that a block does between its matrix products, by Triton."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
import triton
from torch import Tensor, nn

from kinevla_ros.generator.engine import kernels
from kinevla_ros.generator.engine.operations import Look, Rounded
from kinevla_ros.generator.engine.quantised import FP8, Fp8Linear
from kinevla_ros.generator.network.segments import Segment, may_look

FEW, SOME = 16, 320
"""So many new positions, at most; attention is shared out for each kind of pass on its own."""
HEADS_AT_ONCE, COLUMNS_AT_ONCE, ROWS_AT_ONCE = 8, 1024, 8
SMALLEST_HEAD = 16
"""Numbers of a head: tensor cores take no smaller matrices."""


class Sharing(NamedTuple):
    """How attention is shared out: new and filled positions that a program takes at once, among
    how many programs the filled ones are split; warps of a program, stages of its loads."""

    rows: int
    columns: int
    splits: int
    warps: int = 4
    stages: int = 2


class FusedOperations:
    """See `Operations`; attention reads what is filled, under no mask.

    Args:
        whole: whether the observation sees itself whole.

    Attributes:
        sharings: of attention, by the most new positions that each is for.
        chained: whether kernels are, see `kernels`.

    Raises:
        ValueError: the heads are of a size that the kernels do not take.
    """

    name = "Triton kernels"

    def __init__(self, whole: bool, device: torch.device, head_size: int) -> None:
        if head_size < SMALLEST_HEAD or head_size & (head_size - 1):
            raise ValueError(f"heads of {head_size} numbers are no power of two from 16")
        self._whole = whole
        wide = Sharing(64, 64, 1)
        self.sharings: dict[float, Sharing] = {FEW: Sharing(FEW, 64, 8), SOME: wide, math.inf: wide}
        self.chained = False
        may = may_look(device).int()
        self._rule = (may << torch.arange(len(may), device=device)).sum(1).int()

    def look(self, start: Tensor, places: Tensor, segments: Tensor, table: Tensor) -> Look:
        """See `Operations`."""
        return Look(start, places, segments, (self._rule, *table))

    def add_norm(
        self, hidden: Tensor, change: Tensor | None, norm: Any, into: nn.Module | None
    ) -> tuple[Tensor, Tensor | Rounded]:
        """See `Operations`."""
        hidden = hidden.contiguous()
        changed, rounded = change is not None, isinstance(into, Fp8Linear)
        total = torch.empty_like(hidden) if changed else hidden
        out, scale = _target(hidden, hidden.shape[1], rounded)
        width = hidden.shape[1]
        kernels.add_norm[(len(hidden),)](
            hidden, change if changed else hidden, norm.weight, total, out, scale, width,
            norm.variance_epsilon, changed, rounded, triton.next_power_of_2(width), num_warps=8,
            **kernels.launched(self.chained),
        )  # fmt: skip
        return total, Rounded(out, scale) if rounded else out

    def turn(self, mixed: Tensor, look: Look, cache: Tensor) -> Tensor:
        """See `Operations`."""
        heads, length, size = cache.shape[1:]
        query = mixed.new_empty(heads, len(mixed), size)
        group = min(HEADS_AT_ONCE, triton.next_power_of_2(heads))
        kernels.turn[(len(mixed), triton.cdiv(heads, group))](
            mixed,
            *look.rule[1:],
            look.start,
            query,
            *cache,
            heads,
            length,
            len(mixed),
            group,
            size // 2,
            **kernels.launched(self.chained),
        )
        return query

    def attend(
        self, query: Tensor, cache: Tensor, look: Look, into: nn.Module | None
    ) -> Tensor | Rounded:
        """See `Operations`."""
        heads, new, size = query.shape
        sharing = next(each for most, each in self.sharings.items() if new <= most)
        splits, chained = sharing.splits, kernels.launched(self.chained)
        out = query.new_empty(new, heads * size)
        parts, tops, sums = (
            torch.empty(splits, heads, new, *tail, device=query.device) if splits > 1 else out
            for tail in ((size,), (), ())
        )
        # Numbers of 32 bits take twice the room.
        columns = sharing.columns if query.dtype.itemsize < 4 else min(sharing.columns, 32)
        kernels.attend[(heads, triton.cdiv(new, sharing.rows), splits)](
            query, *cache, look.segments, look.rule[0], look.start, out, parts, tops, sums,
            math.log2(math.e) * size**-0.5, heads, cache.shape[2], new, self._whole,
            int(Segment.OBSERVATION), splits, size, sharing.rows, columns,
            num_warps=sharing.warps, num_stages=sharing.stages, **chained,
        )  # fmt: skip
        if splits > 1:
            rows = min(ROWS_AT_ONCE, triton.next_power_of_2(new))
            grid = heads, triton.cdiv(new, rows)
            kernels.join[grid](parts, tops, sums, out, heads, new, splits, size, rows, **chained)
        return round_rows(out, self.chained) if isinstance(into, Fp8Linear) else out

    def gate(self, both: Tensor, into: nn.Module | None) -> Tensor | Rounded:
        """See `Operations`."""
        width, rounded = both.shape[1] // 2, isinstance(into, Fp8Linear)
        out, scale = _target(both, width, rounded)
        # A row's scale wants the whole row in one program.
        block = triton.next_power_of_2(width) if rounded else COLUMNS_AT_ONCE
        grid = len(both), triton.cdiv(width, block)
        kernels.gate[grid](
            both, out, scale, width, rounded, block, num_warps=16 if rounded else 4,
            **kernels.launched(self.chained),
        )  # fmt: skip
        return Rounded(out, scale) if rounded else out


def round_rows(x: Tensor, chained: bool = False) -> Rounded:
    """Rows of (Q, width) in fp8, in one kernel."""
    out, scale = _target(x, x.shape[1], True)
    block = triton.next_power_of_2(x.shape[1])
    options = kernels.launched(chained)
    kernels.round_rows[(len(x),)](x, out, scale, x.shape[1], block, num_warps=8, **options)
    return Rounded(out, scale)


def _target(like: Tensor, width: int, rounded: bool) -> tuple[Tensor, Tensor]:
    """Room for rows, and for their scales where they are rounded."""
    out = like.new_empty(len(like), width, dtype=FP8 if rounded else like.dtype)
    return out, like.new_empty(len(like), 1, dtype=torch.float32) if rounded else out
