"""Videos that explain themselves: both cameras side by side, the reasoning burnt in."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.cameras import CAMERA_HEIGHT, CAMERA_WIDTH
from kinevla_ros.data.video import VideoWriter

__all__ = ["FRAME_HEIGHT", "FRAME_WIDTH", "VideoWriter", "annotated"]

Image = NDArray[np.uint8]

LINES, LINE_HEIGHT, LINE_CHARACTERS = 7, 16, 90
FRAME_WIDTH, FRAME_HEIGHT = 2 * CAMERA_WIDTH, CAMERA_HEIGHT + LINES * LINE_HEIGHT
"""Size of an annotated frame (px), whatever the size of the camera images."""

_FONT, _SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.4


def annotated(front: Image, wrist: Image, lines: Sequence[str]) -> Image:
    """Join both camera images and write lines of text below them.

    Args:
        front, wrist: RGB, shape (H, W, 3), any size.
        lines: wrapped where they are too long; what has no room is cut.

    Returns:
        RGB, shape (FRAME_HEIGHT, FRAME_WIDTH, 3).
    """
    frame = np.zeros((FRAME_HEIGHT, FRAME_WIDTH, 3), np.uint8)
    for view, image in enumerate((front, wrist)):
        place = frame[:CAMERA_HEIGHT, view * CAMERA_WIDTH : (view + 1) * CAMERA_WIDTH]
        place[:] = cv2.resize(image, (CAMERA_WIDTH, CAMERA_HEIGHT), interpolation=cv2.INTER_AREA)
    rows = [row for line in lines for row in textwrap.wrap(line, LINE_CHARACTERS)]
    for number, row in enumerate(rows[:LINES], start=1):
        foot = (6, CAMERA_HEIGHT + number * LINE_HEIGHT - 4)
        cv2.putText(frame, row, foot, _FONT, _SCALE, (255, 255, 255), 1, cv2.LINE_AA)
    return frame
