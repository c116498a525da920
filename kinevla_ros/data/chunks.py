"""The chunk that was demonstrated at each frame of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.action_space import RELATIVE, ActionSpace
from kinevla_ros.data.lerobot.schema import ACTION, CHUNK


def demonstrated_chunks(
    columns: Mapping[str, NDArray[Any]], space: ActionSpace
) -> NDArray[np.float32]:
    """Chunks in the units of the actions, shape (N, H, D).

    Args:
        columns: of a `DatasetReader`.

    Raises:
        ValueError: `action.chunk` has not H times D numbers.
    """
    count = len(columns[ACTION])
    if CHUNK in columns:
        return np.asarray(columns[CHUNK].reshape(count, space.horizon, space.width), np.float32)
    return following_actions(columns[ACTION], columns["episode_index"], space)


def frames_ahead(episode: NDArray[np.int64], horizon: int) -> NDArray[np.int64]:
    """Frames from each to that at the end of its chunk, or to its episode's last one, (N,)."""
    index = np.arange(len(episode))
    last = np.searchsorted(episode, episode, side="right") - 1
    return np.minimum(index + horizon, last) - index


def following_actions(
    action: NDArray[np.floating], episode: NDArray[np.int64], space: ActionSpace
) -> NDArray[np.float32]:
    """The next actions of each frame, (N, H, D); past the end of its episode nothing moves."""
    last = np.searchsorted(episode, episode, side="right")[:, None] - 1
    index = np.arange(len(action))[:, None] + np.arange(space.horizon)
    following = np.asarray(action[np.minimum(index, last)], np.float32)
    if space.reference == RELATIVE:
        moving = np.isin(np.arange(space.width), space.moving)
        following[(index > last)[..., None] & moving] = 0.0
    return following
