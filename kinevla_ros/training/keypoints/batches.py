"""Batches of labelled scenes, each time seen a little differently."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kinevla_ros.keypoints.samples import ABSENT, HIDDEN, KeypointSamples
from kinevla_ros.training.keypoints.network import STRIDE

SPREAD = 1.0
"""Standard deviation of a heat map's target, cells."""

HIDDEN_WEIGHT = 0.3
"""Of a keypoint that is behind something; it is only guessed."""

_MOVED, _SCALED, _TURNED = 0.07, 0.12, math.radians(6.0)
"""A picture moves by this share of its size, is scaled by the exponential of this, and turned."""

_UNCHANGED, _BLURRED, _NOISY = 0.25, 0.15, 0.3
_NOISE = 5.0


@dataclass(frozen=True)
class KeypointSettings:
    """How a network is trained.

    Attributes:
        steps, batch_size: batches, and scenes of each.
        learning_rate: highest one; it rises and falls as a cosine.
        weight_decay, depth_weight: see there.
        seed: of weights and batches.
        save_every: steps after which the run's state is saved.
    """

    steps: int = 1500
    batch_size: int = 8
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    depth_weight: float = 1.0
    seed: int = 0
    save_every: int = 100


class CameraBatch(NamedTuple):
    """B pictures of one camera; K keypoints, N cells.

    Attributes:
        pictures: uint8, (B, 3, height, width).
        cells: share of each keypoint that each cell should have, (B, K, N); the rest is for "in
            no cell".
        depths: logarithms, (B, K).
        weights: of each keypoint, (B, K).
    """

    pictures: Tensor
    cells: Tensor
    depths: Tensor
    weights: Tensor


def batch(samples: KeypointSamples, settings: KeypointSettings, step: int) -> list[CameraBatch]:
    """The batch of a step, for each camera; the same step, the same batch."""
    rng = np.random.default_rng((settings.seed, step))
    rows = np.sort(rng.choice(samples.done, min(settings.batch_size, samples.done), replace=False))
    return [_camera_batch(samples, camera, rows, rng) for camera in range(len(samples.pictures))]


def _camera_batch(
    samples: KeypointSamples, camera: int, rows: NDArray[np.int64], rng: np.random.Generator
) -> CameraBatch:
    seen = [_seen(samples, camera, int(row), rng) for row in rows]
    pictures, pixels, depths, states = (np.stack(each) for each in zip(*seen, strict=True))
    height, width = pictures.shape[1:3]
    cells = _cells(torch.from_numpy(pixels), width // STRIDE, height // STRIDE)
    shown = torch.from_numpy((states != ABSENT).astype(np.float32))
    weights = np.where(states == HIDDEN, HIDDEN_WEIGHT, 1.0).astype(np.float32)
    return CameraBatch(
        torch.from_numpy(pictures).movedim(-1, 1),
        cells * shown[..., None],
        torch.from_numpy(np.log(np.maximum(depths, 0.02))),
        torch.from_numpy(weights),
    )


def _cells(pixels: Tensor, across: int, down: int) -> Tensor:
    """A bell around each keypoint, (B, K, cells), with the sum 1."""

    def bell(where: Tensor, count: int) -> Tensor:
        middles = (torch.arange(count) + 0.5) * STRIDE
        away = (middles - where[..., None]) / (STRIDE * SPREAD)
        return torch.exp(-0.5 * away**2)

    x, y = bell(pixels[..., 0], across), bell(pixels[..., 1], down)
    cells = (y[..., :, None] * x[..., None, :]).flatten(2)
    return cells / cells.sum(-1, keepdim=True).clamp_min(1e-9)


def _seen(
    samples: KeypointSamples, camera: int, row: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:
    """A picture with its labels, mirrored, moved, and in another light."""
    picture = samples.pictures[camera][row]
    pixels, depths = samples.pixels[row, camera].copy(), samples.depths[row, camera].copy()
    states = samples.states[row, camera].copy()
    height, width = picture.shape[:2]
    if rng.random() < 0.5:
        picture, order = picture[:, ::-1], samples.rig.mirrored
        pixels[:, 0] = width - pixels[:, 0]
        pixels, depths, states = pixels[order], depths[order], states[order]
    if rng.random() > _UNCHANGED:
        picture, pixels, scale = _moved(picture, pixels, rng)
        depths /= scale  # what is larger is nearer
        outside = ((pixels < 0) | (pixels > (width, height))).any(axis=1)
        states[outside] = ABSENT
        picture = _lit(picture, rng)
    return np.ascontiguousarray(picture), pixels, depths, states


def _moved(
    picture: NDArray[np.uint8], pixels: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32], float]:
    height, width = picture.shape[:2]
    scale, turn = math.exp(rng.uniform(-_SCALED, _SCALED)), rng.uniform(-_TURNED, _TURNED)
    way = rng.uniform(-_MOVED, _MOVED, 2) * (width, height)
    linear = scale * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    middle = np.array([width, height]) / 2
    offset = middle + way - linear @ middle
    # cv2 counts from the middles of pixels, labels from their corners.
    cv_offset = offset + linear @ [0.5, 0.5] - 0.5
    moved = cv2.warpAffine(
        np.ascontiguousarray(picture), np.column_stack([linear, cv_offset]), (width, height),
        flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.asarray(moved, np.uint8), (pixels @ linear.T + offset).astype(np.float32), scale


def _lit(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    gains = rng.uniform(0.75, 1.25) * rng.uniform(0.92, 1.08, 3)
    levels = (np.arange(256) / 255.0) ** rng.uniform(0.8, 1.25) * 255.0
    table = np.clip(levels[:, None] * gains, 0, 255).astype(np.uint8)
    lit = cv2.LUT(picture, table[None])
    if rng.random() < _BLURRED:
        lit = cv2.GaussianBlur(lit, (3, 3), 0)
    if rng.random() < _NOISY:
        noise = rng.integers(-3, 4, picture.shape, dtype=np.int8) * rng.uniform(0, _NOISE / 2)
        lit = np.clip(lit + noise, 0, 255).astype(np.uint8)
    return np.asarray(lit)
