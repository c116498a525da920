"""Trials at an engine's start: how long work takes on a GPU, and how far results are apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from kinevla_ros.generator.engine.graph import recorded, side_stream

REPLAYS = 5
GAIN = 0.95
"""Of the time that the way at hand takes, another one must take less: a trial has noise."""

Timer = Callable[[Sequence[Callable[[], object]]], float]


def seconds(works: Sequence[Callable[[], object]]) -> float:
    """Mean time of one of several works on the current GPU, by the GPU's clock.

    They run in one graph, so that what the CPU takes to queue them does not count. Works that
    read other weights each leave nothing in the GPU's cache for the next.
    """

    def all_works() -> None:
        for work in works:
            work()

    device = torch.device("cuda", torch.cuda.current_device())
    with side_stream(device):
        all_works()
    replay = recorded(all_works)
    replay()
    began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    began.record()
    for _ in range(REPLAYS):
        replay()
    ended.record()
    ended.synchronize()
    return 1e-3 * began.elapsed_time(ended) / REPLAYS / len(works)


def relative_error(found: Tensor, wanted: Tensor) -> float:
    """Largest distance relative to the largest number wanted."""
    distance = (found.float() - wanted.float()).abs().max() / wanted.float().abs().max()
    # A number that is none must not pass as small.
    return float(distance.nan_to_num(torch.inf))
