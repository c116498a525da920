"""Samples of nothing: random pictures and chunks of the shipped tasks."""

from __future__ import annotations

import numpy as np
from shipped_tasks import NOTHING_SAID, TASKS

from kinevla_ros.base.chunk import HORIZON
from kinevla_ros.data.chunks import frames_ahead
from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.training.generator.samples import Samples


def random_samples(frames: int = 48) -> Samples:
    rng = np.random.default_rng(0)
    chunks = rng.uniform(-0.1, 0.1, (frames, len(TASKS), 5, 8)).astype(np.float32)
    chunks[..., 7] = rng.uniform(0, 0.07, chunks.shape[:-1])
    return Samples(
        images=rng.integers(0, 255, (frames, 2, 32, 32, 3), dtype=np.uint8),
        state=rng.uniform(-1, 1, (frames, 8)).astype(np.float32),
        task=np.arange(frames) % len(TASKS),
        chunks=chunks,
        valid=np.ones((frames, len(TASKS)), bool),
        scene=rng.normal(size=(frames, 12)).astype(np.float32),
        parts=(frames,),
        tasks=kine_realman(),
        said=NOTHING_SAID,
        ahead=frames_ahead(np.arange(frames) // 16, HORIZON),
    )
