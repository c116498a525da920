"""The network that finds keypoints: features at three scales, attention, three heads."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDE = 4
"""Pixels of a picture for a cell of a heat map."""

WIDTHS = 24, 48, 96
"""Channels at 1/4, 1/8 and 1/16 of the picture."""

TRUNK = 40
"""Channels that the heads read."""

HEADS = 4
"""Of the attention."""


class Found(NamedTuple):
    """What the network says of B pictures; K keypoints, C of them centres.

    Attributes:
        heat: logits of each cell, (B, K, height / 4, width / 4); "in no cell" has the logit 0.
        depth: natural logarithm of how far ahead a keypoint in that cell is (m), same shape.
    """

    heat: Tensor
    depth: Tensor


class KeypointNetwork(nn.Module):
    """Pictures of any size that 16 divides, to heat maps and depths.

    As the network of VL-MP (its section III-B): features of several scales are brought together,
    attention lets each place know of all others, and heads read centres, keypoints and depth.

    Args:
        channels: number of keypoints.
        centres: which of them are centres of objects.
    """

    def __init__(self, channels: int, centres: list[int]) -> None:
        super().__init__()
        fine, middle, coarse = WIDTHS
        self.fine = nn.Sequential(_Layer(3, fine, 6, STRIDE, 1), _Layer(fine, fine))
        self.middle = nn.Sequential(_Layer(fine, middle, stride=2), _Layer(middle, middle))
        self.coarse = nn.Sequential(_Layer(middle, coarse, stride=2), _Layer(coarse, coarse))
        self.attention = _Attention(coarse)
        self.to_middle, self.to_fine = nn.Conv2d(coarse, middle, 1), nn.Conv2d(middle, fine, 1)
        self.mixed = _Layer(middle, middle)
        self.trunk = _Layer(fine, TRUNK)
        rest = [k for k in range(channels) if k not in centres]
        self.centre_head = nn.Conv2d(TRUNK, len(centres), 1)
        self.keypoint_head = nn.Conv2d(TRUNK, len(rest), 1)
        self.depth_head = nn.Conv2d(TRUNK, channels, 1)
        order = torch.tensor([*centres, *rest]).argsort()
        self.register_buffer("order", order, persistent=False)
        for head in (self.centre_head, self.keypoint_head):
            assert head.bias is not None
            nn.init.constant_(head.bias, -8.0)  # in no cell, to begin with
            nn.init.normal_(head.weight, std=0.01)

    def forward(self, pictures: Tensor) -> Found:
        """Find keypoints.

        Args:
            pictures: uint8, shape (B, 3, height, width), RGB.
        """
        fine = self.fine(pictures.float() * (1 / 127.5) - 1.0)
        middle = self.middle(fine)
        coarse = self.attention(self.coarse(middle))
        middle = self.mixed(middle + _doubled(self.to_middle(coarse)))
        trunk = self.trunk(fine + _doubled(self.to_fine(middle)))
        heat = torch.cat([self.centre_head(trunk), self.keypoint_head(trunk)], 1)
        order: Tensor = self.order  # type: ignore[assignment]
        return Found(heat.index_select(1, order), self.depth_head(trunk))


class _Layer(nn.Sequential):
    """Convolution, normalisation, ReLU."""

    def __init__(
        self, taken: int, given: int, size: int = 3, stride: int = 1, padding: int = 1
    ) -> None:
        super().__init__(
            nn.Conv2d(taken, given, size, stride, padding, bias=False),
            nn.BatchNorm2d(given),
            nn.ReLU(inplace=True),
        )


class _Attention(nn.Module):
    """Every place looks at all others; a convolution over its surroundings tells it where it is."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.place = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm = nn.LayerNorm(width)
        self.joined = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, features: Tensor) -> Tensor:
        features = features + self.place(features)
        width, height, across = features.shape[1:]
        tokens = features.flatten(2).transpose(1, 2)
        parts = self.joined(self.norm(tokens)).unflatten(-1, (3, HEADS, width // HEADS))
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        seen = F.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.out(seen.transpose(1, 2).flatten(2))
        return tokens.transpose(1, 2).unflatten(2, (height, across))


def _doubled(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2.0, mode="nearest")
