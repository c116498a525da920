"""How many operations a block of the engine costs, by plain torch and with kernels.

A single position is bound by how many kernels there are, and the count does not depend on widths.
So it is taken from small blocks, on any machine: without a GPU Triton's interpreter runs the
kernels (TRITON_INTERPRET=1).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import LlamaConfig, LlamaForCausalLM

from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.generator.engine.fused_llama import FusedLlama
from kinevla_ros.generator.engine.operations import PlainOperations
from kinevla_ros.generator.engine.trials.choice import Chosen

HEADS, SIZE, LENGTH = 2, 16, 64
PASSES = {"one new position": 1, "20 new positions": 20}
PRODUCTS = ("mm", "addmm", "bmm")
FREE = {
    *("empty", "empty_like", "new_empty", "detach", "lift_fresh", "scalar_tensor"),
    *("view", "_unsafe_view", "alias", "unbind", "split", "transpose", "t", "permute"),
    *("slice", "select", "unsqueeze", "expand"),
}
"""Operations that run no kernel."""


class _Counting(TorchDispatchMode):
    """Counts what runs a kernel, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func.overloadpacket.__name__
        if name not in FREE:
            self.found[name] += 1
        return func(*args, **(kwargs or {}))


class _Launches:
    """Stands in for a kernel: counts its launch, and runs it uncounted."""

    def __init__(self, name: str, kernel: Any, mode: _Counting) -> None:
        self._name, self._kernel, self._mode = name, kernel, mode

    def __getitem__(self, grid: Any) -> Any:
        def launch(*args: Any, **kwargs: Any) -> None:
            self._mode.found[f"kernel {self._name}"] += 1
            before = self._mode.found.copy()
            self._kernel[grid](*args, **kwargs)
            self._mode.found = before

        return launch


class _Blocks:
    """What `FusedLlama` reads of a generator, with so many blocks."""

    class config:
        images_first = True

    def __init__(self, count: int, device: torch.device, dtype: torch.dtype) -> None:
        shape = LlamaConfig(
            vocab_size=8,
            hidden_size=HEADS * SIZE,
            intermediate_size=4 * SIZE,
            num_hidden_layers=count,
            num_attention_heads=HEADS,
        )
        language: Any = LlamaForCausalLM(shape)
        self.language = language.to(device, dtype)


def bench_operations(report: Path | None = None) -> int:
    """Count, print the table, write the JSON file; returns the exit code."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    paths: dict[str, Any] = {"plain torch": PlainOperations(False, device)}
    try:
        from kinevla_ros.generator.engine.fused_operations import FusedOperations

        paths["Triton kernels"] = FusedOperations(False, device, SIZE)
    except ImportError as problem:
        Console(stderr=True).print(f"no kernels to count: {problem}", style="yellow")
    operations = {
        path: {name: counted(run, new, device) for name, new in PASSES.items()}
        for path, run in paths.items()
    }
    publish({"operations": operations}, lambda _: table(operations), report)
    return 0


# Inference mode would hide what composite operations are made of.
@torch.no_grad()
def counted(operations: Any, new: int, device: torch.device) -> dict[str, int]:
    """Operations of one block by name: those of two blocks less those of one."""
    one, two = (_of_blocks(count, operations, new, device) for count in (1, 2))
    return dict(two - one)


def _of_blocks(count: int, operations: Any, new: int, device: torch.device) -> Counter[str]:
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float16
    blocks: Any = _Blocks(count, device, dtype)
    llama = FusedLlama(blocks, LENGTH, Chosen(operations, "counted"))
    segments = torch.ones(new, dtype=torch.int64, device=device)
    given = torch.zeros(new, HEADS * SIZE, device=device, dtype=dtype)
    start = torch.zeros(1, dtype=torch.int64, device=device)
    mode = _Counting()
    with _counted_launches(mode), mode:
        llama(given, segments, start)
    return mode.found


@contextmanager
def _counted_launches(mode: _Counting) -> Iterator[None]:
    """Count launches of the engine's kernels, if they can be imported at all."""
    try:
        from kinevla_ros.generator.engine import kernels
    except ImportError:
        yield
        return
    own = {name: getattr(kernels, name) for name in ("add_norm", "turn", "attend", "join", "gate")}
    for name, kernel in own.items():
        setattr(kernels, name, _Launches(name, kernel, mode))
    try:
        yield
    finally:
        for name, kernel in own.items():
            setattr(kernels, name, kernel)


def table(found: dict[str, dict[str, dict[str, int]]]) -> Table:
    """One row for each path and pass."""
    grid = Table(title="Operations of a block")
    for heading in ("by", "pass", "products", "others", "all"):
        grid.add_column(heading, justify="left" if heading in ("by", "pass") else "right")
    for path, passes in found.items():
        for name, counts in passes.items():
            products = sum(counts.get(each, 0) for each in PRODUCTS)
            whole = sum(counts.values())
            grid.add_row(path, name, str(products), str(whole - products), str(whole))
    return grid
