"""Work on buffers of fixed addresses: a CUDA graph where there is CUDA, plain calls elsewhere."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import torch
from torch import Tensor

WARM_UP_RUNS = 2


class CaptureError(RuntimeError):
    """A pass could not be made a CUDA graph."""


class Pass:
    """A function without arguments or result that runs the same kernels every time.

    The first call on CUDA runs it more than once, and leaves what one run leaves.

    Args:
        name: what it does, for an error.
        work: the function.
        moved: every tensor that it reads and then changes, so that a second run would start from
            elsewhere.

    Raises:
        CaptureError: at the first call; what is moved is as it was, and the next call tries again.
    """

    def __init__(self, name: str, work: Callable[[], None], moved: Sequence[Tensor]) -> None:
        self._name, self._work, self._moved = name, work, moved
        self._replay: Callable[[], object] | None = None

    def __call__(self) -> None:
        """Run it; on CUDA without waiting for the end."""
        if self._replay is None:
            device = self._moved[0].device
            self._replay = self._captured(device) if captures(device) else self._work
        self._replay()

    def _captured(self, device: torch.device) -> Callable[[], object]:
        before = [tensor.clone() for tensor in self._moved]

        def put_back() -> None:
            for tensor, value in zip(self._moved, before, strict=True):
                tensor.copy_(value)

        try:
            with side_stream(device):
                for _ in range(WARM_UP_RUNS):
                    self._work()
                    put_back()
            # Recording runs nothing, so there is nothing to put back.
            return recorded(self._work)
        except RuntimeError as problem:
            with suppress(RuntimeError):
                put_back()
            if isinstance(problem, torch.OutOfMemoryError):
                raise
            raise CaptureError(
                f'the engine\'s pass "{self._name}" cannot be captured as a CUDA graph: {problem}'
            ) from problem


def captures(device: torch.device) -> bool:
    """Whether passes become graphs there."""
    return device.type == "cuda"


@contextmanager
def side_stream(device: torch.device) -> Iterator[None]:
    """Run on a stream of its own between what was queued before and what comes after."""
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream(device).wait_stream(stream)


def recorded(work: Callable[[], None]) -> Callable[[], object]:
    """Record work as a CUDA graph, without running it; returns its replay."""
    graph = torch.cuda.CUDAGraph()
    with no_collection(), torch.cuda.graph(graph):
        work()
    return graph.replay


@contextmanager
def no_collection() -> Iterator[None]:
    """Let the collector wait: the graphs of another engine, freed meanwhile, spoil a capture."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
