"""A few frames to train a generator on."""

from __future__ import annotations

import numpy as np
from shipped_tasks import NOTHING_SAID, TASKS

from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.training.generator.samples import Samples


def memory(frames: int = 3) -> tuple[Samples, np.ndarray]:
    """A few frames; in each every goal has goal codes of its own, every command the others."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (frames, 2, 32, 32, 3), dtype=np.uint8)
    state = rng.uniform(-1, 1, (frames, 8)).astype(np.float32)
    tasks = np.arange(frames) % len(TASKS)
    chunks = np.zeros((frames, len(TASKS), 5, 8), np.float32)
    valid = np.ones((frames, len(TASKS)), bool)
    scene = rng.normal(size=(frames, 12)).astype(np.float32)
    samples = Samples(
        images, state, tasks, chunks, valid, scene, (frames,), kine_realman(), NOTHING_SAID
    )
    codes = rng.integers(0, 128, (frames, len(TASKS), 1, 4))
    for task, command in enumerate(TASKS):
        first = next(i for i, other in enumerate(TASKS) if other.object == command.object)
        codes[:, task, :, :2] = codes[:, first, :, :2]
    return samples, codes
