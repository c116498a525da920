"""From camera images and joint states to what the generator reads."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

STATE_SCALE = np.array([np.pi] * 7 + [0.07], np.float32)
"""Half range of each state entry: joint positions (rad), gripper opening (m)."""

SCENE_SCALE = np.tile(np.array([0.25, 0.25, 1.0, 1.0], np.float32), 3)
"""Unit of each scene entry: x and y (m), cosine and sine of the yaw, object by object."""


def square(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Cut the centre square out of an RGB image [H, W, 3] and resize it to [size, size, 3]."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    cut = image[top : top + side, left : left + side]
    return np.asarray(cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA))


def image_tensor(images: NDArray[np.uint8] | Tensor) -> Tensor:
    """Turn squares [..., S, S, 3] uint8 into [..., 3, S, S] float32 in [-1, 1]."""
    tensor = torch.as_tensor(images).movedim(-1, -3)
    return tensor.float().div_(127.5).sub_(1.0)


def state_tensor(joints: NDArray[np.float64], gripper: float) -> Tensor:
    """Normalised state, shape [8], from joint positions [7] (rad) and opening (m)."""
    state = np.append(np.asarray(joints, np.float32), np.float32(gripper))
    return torch.from_numpy(state / STATE_SCALE)
