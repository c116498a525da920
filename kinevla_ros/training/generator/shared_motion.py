"""What the ways to one goal share: the motion that goal codes are to say.

A demonstrator that labels every way in each state gives it as a mean. A lab's demonstrations show
one way in each state; there the other ways' demonstrations that passed nearby say what they would
have done. Without that goal codes would tell the way, and kinematics words would decide nothing.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from kinevla_ros.base.action_space import RM75, ActionSpace
from kinevla_ros.language.task_set import TaskSet

NEAR = 0.1
"""Distance of two states at which one still says much about the other, rad."""

SCALE = {"m": 10.0, "mm": 0.01, "deg": 0.0175}
"""Radians that one of a unit counts as; of any other it is one."""

_BLOCK = 2048


def shared_motion(
    tasks: TaskSet,
    chunks: NDArray[np.float32],
    valid: NDArray[np.bool_],
    state: NDArray[np.float32],
    task: NDArray[np.int64],
    space: ActionSpace = RM75,
) -> NDArray[np.float32]:
    """For each frame and way the mean chunk of all ways to the same goal, shaped as `chunks`.

    Args: as of `Samples`.
    """
    common = np.zeros_like(chunks)
    scale = [SCALE.get(unit, 1.0) for unit in space.state_units]
    places = state * np.array(scale, np.float32)
    for goal in dict.fromkeys(command.goal for command in tasks.commands):
        ways = [c.task_number - 1 for c in tasks.commands if c.goal == goal]
        weight = valid[:, ways].astype(np.float32)
        known = chunks[:, ways] * weight[..., None, None]
        for column, way in enumerate(ways):
            # Of frames that show another way of this goal, and not this one.
            rows = np.flatnonzero(valid[:, ways].any(1) & ~valid[:, way] & np.isin(task, ways))
            shown = np.flatnonzero(task == way)
            if len(rows) and len(shown):
                nearest, distance = _nearest(places[rows], places[shown])
                near = np.exp(-np.square(distance / NEAR))
                weight[rows, column] = near
                known[rows, column] = chunks[shown[nearest], way] * near[:, None, None]
        total = known.sum(axis=1, keepdims=True)
        common[:, ways] = total / np.maximum(weight.sum(axis=1), 1e-9)[:, None, None, None]
    return common


def _nearest(
    points: NDArray[np.float32], others: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each point the index of the nearest of the others, and its distance."""
    there = torch.from_numpy(others)
    found = [
        torch.cdist(torch.from_numpy(points[i : i + _BLOCK]), there).min(dim=1)
        for i in range(0, len(points), _BLOCK)
    ]
    return (
        torch.cat([f.indices for f in found]).numpy(),
        torch.cat([f.values for f in found]).numpy(),
    )
