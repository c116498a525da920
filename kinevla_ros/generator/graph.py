"""Work on buffers of fixed addresses: a CUDA graph where there is CUDA, plain calls elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import torch

WARM_UP_RUNS = 2


class Pass:
    """A function without arguments or result that runs the same kernels every time.

    The first call prepares and runs it more than once: only what the last run leaves counts.
    """

    def __init__(self, work: Callable[[], None], device: torch.device) -> None:
        self._work, self._device = work, device
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        """Run it; on CUDA without waiting for the end."""
        if self._device.type != "cuda":
            self._work()
            return
        if self._graph is None:
            self._capture()
        assert self._graph is not None
        self._graph.replay()

    def _capture(self) -> None:
        stream = torch.cuda.Stream(self._device)
        stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_RUNS):
                self._work()
        torch.cuda.current_stream(self._device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._work()
        self._graph = graph
