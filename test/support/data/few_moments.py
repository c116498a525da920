"""Moments of demonstrations that nobody gave."""

from __future__ import annotations

import numpy as np
from shipped_tasks import TASKS

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.base.observation import Observation
from kinevla_ros.language.command import Command

HOME = np.array([0.0, 0.16, 0.0, 1.54, 0.0, 1.44, 0.0])


def few_moments(seed: int) -> dict[Command, list[Observation]]:
    """A moment along each of three demonstrations."""
    rng = np.random.default_rng(seed)
    return {
        task: [
            Observation(
                {name: rng.integers(0, 255, (48, 64, 3), dtype=np.uint8) for name in CAMERAS},
                HOME + rng.uniform(-0.1, 0.1, 7),
                0.07,
                3.0,
            )
        ]
        for task in TASKS[-3:]
    }
