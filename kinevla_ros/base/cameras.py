"""The cameras of a cell, and the size of their pictures in simulation and datasets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CAMERAS: tuple[str, ...] = ("front", "wrist")
CAMERA_WIDTH, CAMERA_HEIGHT = 320, 240


def plain_pictures(
    cameras: Sequence[str] = CAMERAS, brightness: int = 0
) -> dict[str, NDArray[np.uint8]]:
    """Grey pictures of all cameras, shape (height, width, 3), to try a policy with."""
    return {
        camera: np.full((CAMERA_HEIGHT, CAMERA_WIDTH, 3), brightness, np.uint8)
        for camera in cameras
    }
