"""Corrections: a policy drives, the demonstrator labels the states that the policy reaches.

Dataset aggregation (Ross, Gordon and Bagnell 2011): a policy that has seen only good states does
not know the way back from its own mistakes.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from kinevla_ros.base.chunk import ActionChunk
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.generator.inference import NotUnderstood
from kinevla_ros.generator.policy import Policy
from kinevla_ros.sim.cell.cell import Cell
from kinevla_ros.sim.demonstrations.collect import collect, place_at_random
from kinevla_ros.sim.demonstrations.demonstrator import Plan
from kinevla_ros.sim.simulated_arm import SimulatedArm

DEMONSTRATOR_SHARE = 0.3
"""Share of chunks that the demonstrator executes itself, so that late phases are reached too."""


class PolicyDriver:
    """A checkpoint moves the arm."""

    seconds = 10.0
    must_finish = False

    def __init__(self, checkpoint: Path) -> None:
        self._policy = Policy(checkpoint)

    def place(self, cell: Cell, rng: np.random.Generator) -> None:
        """Start at home, or anywhere above the table."""
        place_at_random(cell, rng)

    def begin(self, said: str, rng: np.random.Generator) -> None:
        """Start an episode of the instruction `said`."""
        self._said, self._rng = said, rng
        self._policy.reset()

    def chunk(self, cell: Cell, arm: SimulatedArm, planned: Plan) -> ActionChunk:
        """The policy's chunk, or the demonstrator's now and then and where there is none."""
        own = arm.chunk(planned.positions, planned.gripper)
        if self._rng.random() < DEMONSTRATOR_SHARE:
            return own
        try:
            inference = self._policy.infer(self._said, arm.observe())
        except (NotUnderstood, GenerationError):
            return own
        return arm.chunk(inference.chunk.positions, inference.chunk.gripper)


def correct(
    checkpoint: Path, root: Path, episodes: int, seed: int, workers: int, *, varied: bool = False
) -> int:
    """Write corrected episodes of a checkpoint; see `collect`.

    Raises:
        CheckpointError: the checkpoint is incomplete or damaged.
    """
    Policy(checkpoint)
    driver = partial(PolicyDriver, checkpoint)
    return collect(root, episodes, seed, workers, driver, varied=varied)
