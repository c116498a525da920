"""Triton kernels for what a block does between its matrix products; see `FusedOperations`.

No library has the attention: what may be seen follows from the segments. liger-kernel has norm and
gate, which cannot round to fp8 in the same kernel, and torch.compile would compile each again for
every width of a pass.

A chained kernel (programmatic dependent launch, Hopper and later) is started while the one before
it still runs, and waits for its end before it reads what that one wrote. Every chained kernel
waits, so that what any earlier one wrote is there as well.
"""

# Triton types the arguments of a kernel.
# mypy: allow-untyped-defs

from __future__ import annotations

from typing import Any

import triton
import triton.language as tl

FP8_LARGEST = tl.constexpr(448.0)
SMALLEST = tl.constexpr(1e-12)
NEVER = tl.constexpr(-1.0e30)


def launched(chained: bool) -> dict[str, Any]:
    """Options of a launch, chained or not."""
    return {"CHAINED": True, "launch_pdl": True} if chained else {"CHAINED": False}


@triton.jit
def chain(CHAINED: tl.constexpr):
    """Let the next kernel be started, and wait until the one before has ended."""
    if CHAINED:
        tl.extra.cuda.gdc_launch_dependents()
        tl.extra.cuda.gdc_wait()


@triton.jit
def _store_row(row, columns, values, out, scales, width, ROUND: tl.constexpr):
    """Store what a row has in some columns; rounded to fp8 with a scale of its own: in all."""
    if ROUND:
        scale = tl.maximum(tl.max(tl.abs(values), 0), SMALLEST) / FP8_LARGEST
        tl.store(scales + row, scale)
        values = values / scale
    place = out + row.to(tl.int64) * width + columns
    tl.store(place, values.to(out.dtype.element_ty), mask=columns < width)


@triton.jit
def add_norm(
    hidden, change, weight, total, out, scales, width, eps,
    CHANGED: tl.constexpr, ROUND: tl.constexpr, BLOCK: tl.constexpr, CHAINED: tl.constexpr,
):  # fmt: skip
    """Row by row: residual sum, RMS norm as Llama has it, rounding."""
    chain(CHAINED)
    row = tl.program_id(0)
    columns = tl.arange(0, BLOCK)
    inside = columns < width
    place = row.to(tl.int64) * width + columns
    own = hidden.dtype.element_ty
    x = tl.load(hidden + place, mask=inside, other=0.0).to(tl.float32)
    if CHANGED:
        x += tl.load(change + place, mask=inside, other=0.0).to(tl.float32)
        tl.store(total + place, x.to(own), mask=inside)
        x = x.to(own).to(tl.float32)
    normed = (x * tl.rsqrt(tl.sum(x * x, 0) / width + eps)).to(own).to(tl.float32)
    scaled = normed * tl.load(weight + columns, mask=inside, other=0.0).to(tl.float32)
    _store_row(row, columns, scaled.to(own).to(tl.float32), out, scales, width, ROUND)


@triton.jit
def gate(
    both, out, scales, width, ROUND: tl.constexpr, BLOCK: tl.constexpr, CHAINED: tl.constexpr
):  # fmt: skip
    """SiLU of the first half of a row times the second, rounding; all columns or a block."""
    chain(CHAINED)
    row = tl.program_id(0)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = columns < width
    own = both.dtype.element_ty
    place = both + row.to(tl.int64) * 2 * width + columns
    first = tl.load(place, mask=inside, other=0.0).to(tl.float32)
    second = tl.load(place + width, mask=inside, other=0.0).to(tl.float32)
    opened = (first / (1.0 + tl.exp(-first))).to(own).to(tl.float32)
    values = (opened * second).to(own).to(tl.float32)
    _store_row(row, columns, values, out, scales, width, ROUND)


@triton.jit
def round_rows(given, out, scales, width, BLOCK: tl.constexpr, CHAINED: tl.constexpr):
    """Row by row: rounding to fp8."""
    chain(CHAINED)
    row = tl.program_id(0)
    columns = tl.arange(0, BLOCK)
    inside = columns < width
    place = given + row.to(tl.int64) * width + columns
    values = tl.load(place, mask=inside, other=0.0).to(tl.float32)
    _store_row(row, columns, values, out, scales, width, True)


@triton.jit
def turn(
    mixed, cosines, sines, start, query, keys, values, heads, length, new,
    GROUP: tl.constexpr, HALF: tl.constexpr, CHAINED: tl.constexpr,
):  # fmt: skip
    """One new position, some heads: rotary embedding, keys and values into the cache."""
    chain(CHAINED)
    row, group = tl.program_id(0), tl.program_id(1)
    head = group * GROUP + tl.arange(0, GROUP)[:, None]
    inside = head < heads
    half = tl.arange(0, HALF)[None, :]
    size = 2 * HALF
    at = tl.load(start) + row
    own = mixed.dtype.element_ty
    cos = tl.load(cosines + at * size + half).to(tl.float32)
    sin = tl.load(sines + at * size + half).to(tl.float32)
    given = mixed + row.to(tl.int64) * 3 * heads * size + head * size + half
    cached = head.to(tl.int64) * length * size + at * size + half
    first = tl.load(given, mask=inside, other=0.0).to(tl.float32)
    second = tl.load(given + HALF, mask=inside, other=0.0).to(tl.float32)
    turned = query + (head.to(tl.int64) * new + row) * size + half
    tl.store(turned, (first * cos - second * sin).to(own), mask=inside)
    tl.store(turned + HALF, (second * cos + first * sin).to(own), mask=inside)
    given += heads * size
    first = tl.load(given, mask=inside, other=0.0).to(tl.float32)
    second = tl.load(given + HALF, mask=inside, other=0.0).to(tl.float32)
    tl.store(keys + cached, (first * cos - second * sin).to(own), mask=inside)
    tl.store(keys + cached + HALF, (second * cos + first * sin).to(own), mask=inside)
    given += heads * size
    tl.store(values + cached, tl.load(given, mask=inside, other=0.0), mask=inside)
    tl.store(values + cached + HALF, tl.load(given + HALF, mask=inside, other=0.0), mask=inside)


@triton.jit
def _bits(segments, columns, end):
    """A bit for the segment of each position; none for those from `end` on."""
    there = columns < end
    kinds = tl.load(segments + columns, mask=there, other=0).to(tl.int32)
    return tl.where(there, 1 << kinds, 0)


@triton.jit
def attend(
    query, keys, values, segments, rule, start, out, parts, tops, sums,
    scale, heads, length, new,
    WHOLE: tl.constexpr, OBSERVATION: tl.constexpr, SPLITS: tl.constexpr,
    SIZE: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, CHAINED: tl.constexpr,
):  # fmt: skip
    """Some new positions, one head, a share of the filled positions: attention, flash fashion.

    `rule` (7,) holds a bit for each segment that a segment may look at, itself always among them;
    `scale` goes to powers of two. With one split the result
    goes to `out` (new, heads, SIZE); else sums, greatest scores and weighted values go to the
    parts, [SPLITS, heads, new(, SIZE)].
    """
    chain(CHAINED)
    head, split = tl.program_id(0), tl.program_id(2)
    # The last rows see most, so they come first.
    block = tl.num_programs(1) - 1 - tl.program_id(1)
    first = tl.load(start).to(tl.int32)
    rows = block * ROWS + tl.arange(0, ROWS)
    inside = rows < new
    size = tl.arange(0, SIZE)
    row_place = (head.to(tl.int64) * new + rows[:, None]) * SIZE + size[None, :]
    q = tl.load(query + row_place, mask=inside[:, None], other=0.0)
    places = first + rows
    kinds = tl.load(segments + places, mask=inside, other=0).to(tl.int32)
    may = tl.load(rule + kinds)
    filled = first + new
    end = filled
    if not WHOLE:
        end = tl.minimum(filled, first + (block + 1) * ROWS)
    share = tl.cdiv(tl.cdiv(end, COLUMNS), SPLITS) * COLUMNS
    top = tl.full([ROWS], NEVER, tl.float32)
    total = tl.zeros([ROWS], tl.float32)
    seen = tl.zeros([ROWS, SIZE], tl.float32)
    past = head.to(tl.int64) * length * SIZE
    columns = split * share + tl.arange(0, COLUMNS)
    others = _bits(segments, columns, end)
    for at in range(split * share, tl.minimum(end, (split + 1) * share), COLUMNS):
        columns = at + tl.arange(0, COLUMNS)
        there = columns < end
        k = tl.load(
            keys + past + columns[None, :] * SIZE + size[:, None], mask=there[None, :], other=0.0
        )
        scores = tl.dot(q, k, input_precision="ieee") * scale
        before = columns[None, :] <= places[:, None]
        if WHOLE:
            both = (kinds == OBSERVATION)[:, None] & (others == (1 << OBSERVATION))[None, :]
            before = before | both
        scores = tl.where(((may[:, None] & others[None, :]) != 0) & before, scores, NEVER)
        # What was read a step ahead is there when it is wanted.
        others = _bits(segments, columns + COLUMNS, end)
        higher = tl.maximum(top, tl.max(scores, 1))
        # Weights of rows that have seen nothing yet are nonsense, which the first score wipes out.
        weights = tl.exp2(scores - higher[:, None])
        shrink = tl.exp2(top - higher)
        total = total * shrink + tl.sum(weights, 1)
        v = tl.load(
            values + past + columns[:, None] * SIZE + size[None, :], mask=there[:, None], other=0.0
        )
        seen = seen * shrink[:, None] + tl.dot(weights.to(v.dtype), v, input_precision="ieee")
        top = higher
    if SPLITS == 1:
        place = out + (rows[:, None].to(tl.int64) * heads + head) * SIZE + size[None, :]
        result = (seen / tl.where(inside, total, 1.0)[:, None]).to(out.dtype.element_ty)
        tl.store(place, result, mask=inside[:, None])
    else:
        part = (split * heads + head) * new + rows
        tl.store(tops + part, top, mask=inside)
        tl.store(sums + part, total, mask=inside)
        place = parts + part[:, None].to(tl.int64) * SIZE + size[None, :]
        tl.store(place, seen, mask=inside[:, None])


@triton.jit
def join(
    parts, tops, sums, out, heads, new,
    SPLITS: tl.constexpr, SIZE: tl.constexpr, ROWS: tl.constexpr, CHAINED: tl.constexpr,
):  # fmt: skip
    """The parts of some new positions and a head as one result, (new, heads, SIZE)."""
    chain(CHAINED)
    head = tl.program_id(0)
    rows = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    inside = rows < new
    size = tl.arange(0, SIZE)
    part = (tl.arange(0, SPLITS)[:, None] * heads + head) * new + rows[None, :]
    top = tl.load(tops + part, mask=inside[None, :], other=0.0)
    share = tl.exp2(top - tl.max(top, 0)[None, :])
    total = tl.sum(share * tl.load(sums + part, mask=inside[None, :], other=1.0), 0)
    place = parts + part[:, :, None].to(tl.int64) * SIZE + size[None, None, :]
    seen = tl.load(place, mask=inside[None, :, None], other=0.0)
    result = tl.sum(seen * share[:, :, None], 0) / total[:, None]
    place = out + (rows[:, None].to(tl.int64) * heads + head) * SIZE + size[None, :]
    tl.store(place, result.to(out.dtype.element_ty), mask=inside[:, None])
