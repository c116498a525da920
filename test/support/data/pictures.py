"""Made-up views: smooth shapes with edges, as a room has them."""

from __future__ import annotations

import cv2
import numpy as np


def scene(seed: int, height: int = 480, width: int = 640) -> np.ndarray:
    """A picture full of flat polygons, RGB, the same for the same seed."""
    rng = np.random.default_rng(seed)
    picture = np.full((height, width, 3), rng.integers(90, 150, 3), np.uint8)
    for _ in range(25):
        corners = rng.uniform(0, 1, 2) + rng.normal(0, 0.12, (4, 2))
        points = (corners * (width, height)).astype(np.int32)
        colour = tuple(int(part) for part in rng.integers(30, 230, 3))
        cv2.fillConvexPoly(picture, cv2.convexHull(points), colour)
    return picture
