"""How long the products of a block of the full size take on this GPU.

    python3 scripts/gpu_products.py FILE.json

One position: by the layer itself and by each way of the kernel. Several: by the layer, where it
is of fp8 with both kinds of sums.
"""

import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from kinevla_ros.evaluation.bench.engine.random_model import full_size
from kinevla_ros.generator.engine.products import drawn, try_single, try_sums
from kinevla_ros.generator.engine.quantised import Fp8Linear, Int8Linear
from kinevla_ros.generator.engine.trials.timing import seconds

BLOCKS = 8
"""Enough that no weight is in the cache when its turn comes."""
WIDE = (208, 224, 256, 608, 640)


def shapes() -> dict[str, tuple[int, int]]:
    """Sides of a block's four weights, (out, in)."""
    language = full_size().language
    width, inner = language["hidden_size"], language["intermediate_size"]
    return {
        "qkv": (3 * width, width),
        "out": (width, width),
        "gate_up": (2 * inner, width),
        "down": (width, inner),
    }


def layers_of(kind: str, shape: tuple[int, int], count: int) -> list[Any]:
    """Random layers."""
    found: list[Any] = []
    for _ in range(count):
        weight = 0.02 * torch.randn(shape, device="cuda").to(torch.bfloat16)
        if kind == "bf16":
            layer = nn.Linear(shape[1], shape[0], bias=False, device="meta")
            layer.weight = nn.Parameter(weight, requires_grad=False)
            found.append(layer)
        else:
            found.append({"int8": Int8Linear, "fp8": Fp8Linear}[kind].of(weight))
    return found


def single(kind: str, shape: tuple[int, int]) -> str:
    """Times of one position, the kernel's best way first."""
    layers = layers_of(kind, shape, BLOCKS)
    trial = try_single(layers, torch.bfloat16, seconds)
    size = layers[0].weight.nbytes

    def said(what: str, time: float) -> str:
        return f"{what} {1e6 * time:.1f} µs ({size / time / 1e12:.2f} TB/s)"

    ways = sorted(trial.kernels, key=lambda way: trial.kernels[way])
    each = [said("×".join(map(str, way)), trial.kernels[way]) for way in ways]
    return "; ".join([said("own", trial.own), *each])


def wide(kind: str, rows: int) -> str:
    """Times of all four weights of a block."""
    layers = [layers_of(kind, shape, 1)[0] for shape in shapes().values()]
    if kind == "fp8":
        trial = try_sums(layers, seconds, rows)
        exact, fast = (1e6 * 4 * time for time in (trial.exact, trial.fast))
        return f"exact sums {exact:.0f} µs, fast {fast:.0f} µs, error {trial.error:.1g}"
    given = [drawn(layer, rows, torch.bfloat16) for layer in layers]
    time = 4 * seconds([partial(layer, x) for layer, x in zip(layers, given, strict=True)])
    operations = sum(2 * rows * height * width for height, width in shapes().values())
    return f"{1e6 * time:.0f} µs ({operations / time / 1e12:.0f} TFLOP/s)"


def measured() -> Iterator[tuple[str, str]]:
    """What, and its figures."""
    for kind in ("bf16", "fp8", "int8"):
        for name, shape in shapes().items():
            yield f"one row, {kind}, {name}", single(kind, shape)
    for kind in ("bf16", "fp8"):
        for rows in WIDE:
            yield f"{rows} rows, {kind}, a block", wide(kind, rows)


@torch.inference_mode()
def main(report: Path) -> None:
    """Print each figure as it comes and keep them all."""
    found: dict[str, str] = {}
    for what, said in measured():
        print(f"{what}: {said}", flush=True)
        found[what] = said
        report.write_text(json.dumps({"products": found}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
