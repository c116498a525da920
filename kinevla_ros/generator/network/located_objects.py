"""Poses of objects as a checkpoint's network sees them in the pictures."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kinevla_ros.base.observation import Observation
from kinevla_ros.base.scene import OBJECTS
from kinevla_ros.generator.checkpoint import load_generator
from kinevla_ros.generator.pictures.squares import SCENE_SCALE, camera_pixels, state_tensor


class LocatedObjects:
    """Finds the cell's objects, without the simulator's truth and without words. One thread.

    Points in both pictures and the joint positions are read together, see `ObjectLocator`.

    Args:
        folder: a checkpoint trained on places of objects.
        threads: of arithmetic.

    Raises:
        CheckpointError: it is incomplete or damaged.
        ValueError: it was trained without places of objects.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        torch.set_num_threads(threads)
        self._model = load_generator(folder, torch.device("cpu"))[0]
        if self._model.config.scene_dim != len(SCENE_SCALE):
            raise ValueError(
                f"{folder} does not see where objects are: it was trained without environment_state"
            )

    @torch.inference_mode()
    def find(self, observation: Observation) -> dict[str, NDArray[np.float64]]:
        """Name to (x, y, yaw) in `base_link`, m and rad, for every object of the cell."""
        images = camera_pixels(self._model.config, observation.images)
        scene = self._model.locate(
            *self._model.see(images[None], state_tensor(observation.state)[None])
        )
        assert scene is not None
        rows = (scene[0].float().numpy() * SCENE_SCALE).reshape(len(OBJECTS), 4).astype(float)
        return {
            name: np.array([x, y, math.atan2(sine, cosine)])
            for name, (x, y, cosine, sine) in zip(OBJECTS, rows, strict=True)
        }
