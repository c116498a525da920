"""How much the error of each dimension, and of each chunk, counts in the codec's loss."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kinevla_ros.base.action_space import ActionSpace
from kinevla_ros.codec.statistics import ActionStatistics

# Mean offsets (rad, or what counts as much) below which the weight of a dimension, or of a chunk,
# in the loss grows no more.
_IDLE_JOINT, _STILL_CHUNK = 0.02, 0.05


def move_weights(
    chunks: NDArray[np.float32], statistics: ActionStatistics, space: ActionSpace
) -> Tensor:
    """Weight of each dimension's normalised error, mean 1: one that moves little still counts.

    Without the gripper's.
    """
    moving = space.moving
    moved = np.abs(np.take(chunks, moving, axis=-1)).mean(axis=(0, 1))
    half_range = (statistics.upper - statistics.lower)[moving] / 2
    weights = half_range / (moved + _IDLE_JOINT * space.radians[moving])
    return torch.from_numpy((weights / weights.mean()).astype(np.float32))


def chunk_weights(chunks: NDArray[np.float32], space: ActionSpace) -> Tensor:
    """Weight of each chunk, mean 1: small motion must be exact, the next chunk corrects a large."""
    moved = np.abs(np.take(chunks / space.radians, space.moving, axis=-1)).mean(axis=(1, 2))
    weights = 1 / (moved + _STILL_CHUNK)
    return torch.from_numpy((weights / weights.mean()).astype(np.float32))
