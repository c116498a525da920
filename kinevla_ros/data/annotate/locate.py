"""Where things lie, as a trained generator sees it in both pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.base.scene import OBJECTS
from kinevla_ros.data.annotate.propose import Pose
from kinevla_ros.data.lerobot.schema import SCENE
from kinevla_ros.generator.checkpoint import load_generator
from kinevla_ros.generator.pictures.squares import SCENE_SCALE, camera_pixels, state_tensor

Picture = NDArray[np.uint8]


class Locator:
    """The part of a checkpoint that finds the things of the Kine-Realman tasks.

    Raises:
        ValueError: the checkpoint finds nothing: it was trained without their places.
    """

    def __init__(self, folder: Path) -> None:
        self._model, _ = load_generator(folder)
        if self._model.config.scene_dim != len(SCENE_SCALE):
            raise ValueError(
                f"{folder} does not say where things lie; name a checkpoint that was trained on "
                f"{SCENE}, such as the shipped one"
            )

    @torch.inference_mode()
    def poses(
        self,
        fronts: Sequence[Picture],
        wrists: Sequence[Picture],
        states: NDArray[np.float64],
    ) -> dict[str, Pose]:
        """Poses by name: the median over some frames.

        Args:
            fronts, wrists: pictures of the same frames, RGB.
            states: joint positions (rad) and opening (m), shape (n, 8).
        """
        pairs = (dict(zip(CAMERAS, pair, strict=True)) for pair in zip(fronts, wrists, strict=True))
        seen = torch.stack([camera_pixels(self._model.config, pair) for pair in pairs])
        measured = torch.stack([state_tensor(state) for state in states])
        located = self._model.locate(*self._model.see(seen, measured))
        assert located is not None
        middle = np.median(located.float().numpy(), axis=0) * SCENE_SCALE
        return {
            name: (float(x), float(y), math.atan2(sine, cosine))
            for name, (x, y, cosine, sine) in zip(OBJECTS, middle.reshape(-1, 4), strict=True)
        }
