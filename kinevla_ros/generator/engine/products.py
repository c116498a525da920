"""How the engine multiplies with a block's layers: as they do it themselves, or faster.

What is fastest depends on card, shape and type of the weights, so a trial at the engine's start
decides; where nothing was tried, failed or was no faster, the layers multiply themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kinevla_ros.base.files.damage import one_line
from kinevla_ros.generator.engine.operations import Rounded
from kinevla_ros.generator.engine.quantised import Fp8Linear, rounded_rows
from kinevla_ros.generator.engine.trials.timing import GAIN, Timer, relative_error, seconds

TOLERANCE = 1e-2
"""Largest error relative to the largest number; results are rounded to 8 bits of mantissa."""
WORTH = 0.98
"""Of the time that a wider pass takes, a narrower one must take less to be worth a graph."""
WIDE = 576
"""Rows of the trial of a wide product: about what the pass that reads the pictures has."""

Single = Callable[[Any, Tensor | Rounded, bool], Tensor]


class Products:
    """Multiplies with a layer.

    Args:
        singles: what multiplies a single position, by the shape of the layer's weight.
        fast_sums: whether wide products of fp8 sum with fewer bits.
        why: these.

    Attributes:
        chained: whether the kernels of `singles` are, see `kernels`.
    """

    def __init__(
        self,
        singles: Mapping[torch.Size, Single] | None = None,
        fast_sums: bool = False,
        why: str = "products are the layers' own",
    ) -> None:
        self._singles, self._fast_sums, self.why = singles or {}, fast_sums, why
        self.chained = False

    def __call__(self, layer: Any, x: Tensor | Rounded) -> Tensor:
        """(Q, in) to (Q, out)."""
        eight = isinstance(layer, Fp8Linear)
        if len(x.values if isinstance(x, Rounded) else x) > 1:
            return layer(x, self._fast_sums) if eight else layer(x)
        single = self._singles.get(layer.weight.shape)
        if single is None or eight is not isinstance(x, Rounded):
            return torch.as_tensor(layer(x))
        return single(layer, x, self.chained)


class SingleTrial(NamedTuple):
    """Seconds of a product of one position: the layers' own, and of each kernel that is right."""

    own: float
    kernels: dict[Any, float]


class SumsTrial(NamedTuple):
    """Seconds of a wide product of fp8 with both kinds of sums, and the error of the fast ones."""

    exact: float
    fast: float
    error: float


def choose_products(
    layers: Mapping[str, Sequence[Any]],
    device: torch.device,
    dtype: torch.dtype,
    timer: Timer = seconds,
) -> Products:
    """What a trial finds to be right and faster than the layers' own.

    Args:
        layers: those of all blocks by name; those of one name are alike.
        dtype: of what they read.
        timer: gives the mean seconds of several works.
    """
    if device.type != "cuda":
        return Products()
    try:
        return tried(layers, dtype, timer)
    except ImportError as problem:
        why = f"triton is missing ({one_line(problem)})"
    # A compiler that is missing or too old raises errors of many kinds.
    except Exception as problem:
        why = f"a trial of others failed ({one_line(problem)})"
    return Products(why=f"products are the layers' own: {why}")


def tried(layers: Mapping[str, Sequence[Any]], dtype: torch.dtype, timer: Timer) -> Products:
    """See `choose_products`; raises what the compiler raises."""
    from kinevla_ros.generator.engine.row_product import row_product

    singles: dict[torch.Size, Single] = {}
    said = []
    for name, alike in layers.items():
        trial = try_single(alike, dtype, timer)
        tiling: Any = min(trial.kernels, key=lambda each: trial.kernels[each], default=None)
        faster = tiling is not None and trial.kernels[tiling] < GAIN * trial.own
        if faster:
            singles[alike[0].weight.shape] = partial(row_product, tiling)
        best = f"kernel {1e6 * trial.kernels[tiling]:.1f}, " if tiling in trial.kernels else ""
        said.append(f"{name} {best}own {1e6 * trial.own:.1f}: {'kernel' if faster else 'own'}")
    why = f"products of one row in µs: {'; '.join(said)}"
    fast_sums = False
    if all(isinstance(each, Fp8Linear) for alike in layers.values() for each in alike):
        sums = try_sums([alike[0] for alike in layers.values()], timer)
        fast_sums = sums.error <= TOLERANCE and sums.fast < GAIN * sums.exact
        why += (
            f"; sums of wide fp8 products: {'fast' if fast_sums else 'exact'} (fast "
            f"{1e6 * sums.fast:.0f}, exact {1e6 * sums.exact:.0f} µs, error {sums.error:.1g})"
        )
    return Products(singles, fast_sums, why)


@torch.inference_mode()
def try_single(layers: Sequence[Any], dtype: torch.dtype, timer: Timer) -> SingleTrial:
    """Every kernel against the layers' own product, on a random row."""
    from kinevla_ros.generator.engine.row_product import TILINGS, row_product

    first = layers[0]
    given = drawn(first, 1, dtype)
    wanted = first(given)
    kernels = {
        tiling: timer([partial(row_product, tiling, layer, given) for layer in layers])
        for tiling in TILINGS
        if relative_error(row_product(tiling, first, given), wanted) <= TOLERANCE
    }
    return SingleTrial(timer([partial(layer, given) for layer in layers]), kernels)


@torch.inference_mode()
def try_sums(layers: Sequence[Fp8Linear], timer: Timer, rows: int = WIDE) -> SumsTrial:
    """Fast sums against exact ones, on random rows."""
    given = [drawn(layer, rows, torch.bfloat16) for layer in layers]
    pairs = list(zip(layers, given, strict=True))
    error = max(relative_error(layer(x, True), layer(x)) for layer, x in pairs)
    exact, fast = (timer([partial(layer, x, sums) for layer, x in pairs]) for sums in (False, True))
    return SumsTrial(exact, fast, error)


@torch.inference_mode()
def worth_their_own(
    layers: Sequence[Any], multiply: Products, rows: Sequence[int], dtype: torch.dtype, timer: Timer
) -> list[int]:
    """Of growing numbers of rows those that are multiplied faster than the next that is kept."""
    found, least = [rows[-1]], float("inf")
    for count in reversed(rows):
        works = [partial(multiply, layer, drawn(layer, count, dtype)) for layer in layers]
        if (time := timer(works)) < WORTH * least:
            found, least = [*found, count], time
    return sorted(set(found))


def drawn(layer: Any, rows: int, dtype: torch.dtype) -> Tensor | Rounded:
    """Random rows as a layer takes them."""
    weight = layer.weight
    source = torch.Generator(weight.device).manual_seed(0)
    shape = rows, weight.shape[1]
    x = torch.randn(shape, device=weight.device, generator=source)
    return rounded_rows(x) if isinstance(layer, Fp8Linear) else x.to(dtype)
