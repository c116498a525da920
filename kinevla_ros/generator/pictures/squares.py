"""From camera images and joint states to what the generator reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from kinevla_ros.base.action_space import RM75, ActionSpace
from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.generator.config import GeneratorConfig

DINO_MEAN, DINO_STD = (0.484375, 0.455078125, 0.40625), (0.228515625, 0.2236328125, 0.224609375)
SIGLIP_MEAN, SIGLIP_STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
"""Of [0, 1] images; OpenVLA's are rounded to bfloat16, as its export stored them."""

_SCENE_UNITS = np.array([0.25, 0.25, 1.0, 1.0], np.float32)


def scene_scale(numbers: int) -> NDArray[np.float32]:
    """Unit of each scene entry: x and y (m), cosine and sine of the yaw, object by object."""
    return np.resize(_SCENE_UNITS, numbers)


SCENE_SCALE = scene_scale(12)
"""Of the cell's three objects."""


def square(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Cut the centre square out of an RGB image (H, W, 3) and resize it to (size, size, 3)."""
    cut = _centre(image)
    return np.asarray(cv2.resize(cut, (size, size), interpolation=cv2.INTER_AREA))


def square_on(device: torch.device, image: NDArray[np.uint8], size: int) -> Tensor:
    """`square` as two matrix products on a device, within one grey level; waits for nothing."""
    cut = _centre(image)
    side = len(cut)
    if side < size:
        return torch.from_numpy(square(image, size)).to(device)
    # A GPU copies from pinned memory while the CPU goes on.
    sent = torch.empty((side, side, 3), dtype=torch.uint8, pin_memory=device.type == "cuda")
    sent.numpy()[:] = cut
    shares = _shares(side, size, device)
    planes = sent.to(device, non_blocking=True).movedim(-1, 0).float()
    return (shares @ planes @ shares.T).round_().to(torch.uint8).movedim(0, -1)


def _centre(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The centre square."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


@cache
def _shares(side: int, size: int, device: torch.device) -> Tensor:
    """What share of each of `size` pixels each of `side` smaller ones has, (size, side)."""
    edges = torch.arange(size + 1, dtype=torch.float64) * side / size
    before = (edges[:, None] - torch.arange(side)).clamp(0, 1)
    return (before.diff(dim=0) * size / side).float().to(device)


def camera_pixels(
    config: GeneratorConfig,
    images: Mapping[str, NDArray[np.uint8]],
    device: torch.device | str = "cpu",
    cameras: Sequence[str] = CAMERAS,
) -> Tensor:
    """What the generator reads of the cameras' pictures, (cameras, 3 or 6, S, S); see `pixels`.

    For a GPU the pictures are resized there.

    Args:
        config: of the generator.
        images: camera name to RGB picture, uint8, shape (height, width, 3).
        cameras: which of them, in which order.
    """
    device, size = torch.device(device), config.image_size
    given = [images[name] for name in cameras]
    if device.type == "cuda":
        return pixels(config, torch.stack([square_on(device, each, size) for each in given]))
    squares = np.stack([square(each, size) for each in given])
    return pixels(config, torch.from_numpy(squares).to(device))


def image_tensor(images: NDArray[np.uint8] | Tensor) -> Tensor:
    """Turn squares (..., S, S, 3) uint8 into (..., 3, S, S) float32 in [-1, 1]."""
    tensor = torch.as_tensor(images).movedim(-1, -3)
    return tensor.float().div_(127.5).sub_(1.0)


def pixels(config: GeneratorConfig, images: NDArray[np.uint8] | Tensor) -> Tensor:
    """What the generator's vision part reads of RGB images (..., H, W, 3), uint8.

    Computed where the images are: from a CPU a GPU takes bytes faster than it takes numbers.

    Returns:
        Shape (..., 3, S, S) in [-1, 1]; with OpenVLA's two towers (..., 6, S, S): resized as the
        original does (bicubic, antialiased, whatever the shape), normalised for DINOv2, then for
        SigLIP.
    """
    if "means" not in config.vision:
        return image_tensor(images)
    tensor = torch.as_tensor(images).movedim(-1, -3)
    size = (config.image_size, config.image_size)
    if tensor.shape[-2:] != size:
        # Of bytes only the CPU interpolates.
        flat = tensor.flatten(0, -4).cpu()
        flat = F.interpolate(flat, size, mode="bicubic", antialias=True).to(tensor.device)
        tensor = flat.unflatten(0, tensor.shape[:-3])
    unit = tensor.float().div(255.0)
    mean, std = (_column(tuple(config.vision[k]), tensor.device) for k in ("means", "stds"))
    return torch.cat([unit, unit], dim=-3).sub_(mean).div_(std)


@cache
def _column(values: tuple[float, ...], device: torch.device) -> Tensor:
    """One number for each channel, (channels, 1, 1), on a device."""
    return torch.tensor(values, device=device).view(-1, 1, 1)


def state_tensor(state: NDArray[np.floating], space: ActionSpace = RM75) -> Tensor:
    """Normalised state, shape (S,), from the measured one."""
    return torch.from_numpy(np.asarray(state, np.float32) / space.state_scale)
