"""Where the objects are, read from points that the network finds in the images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

POINTS = 32
"""Points looked for in each image."""

TOKEN_WIDTH = 64
WIDTH = 256


class ObjectLocator(nn.Module):
    """Points by spatial softmax (Finn et al. 2016), read together with the observation's tokens.

    A token covers many pixels; a point is the mean place of a heat map over the finest feature map
    and so is finer than a pixel of it.

    Args:
        channels: of the tower's feature maps, the finest first.
        tokens, width: of the observation before the scene token.
        scene_dim: numbers to be read.
        cameras: images of an observation.
    """

    def __init__(
        self, channels: Sequence[int], tokens: int, width: int, scene_dim: int, cameras: int = 2
    ) -> None:
        super().__init__()
        self._cameras = cameras
        self.heat = nn.ModuleList(nn.Conv2d(count, cameras * POINTS, 1) for count in channels)
        self.token = nn.Linear(width, TOKEN_WIDTH)
        seen = tokens * TOKEN_WIDTH + cameras * POINTS * 2
        self.read = nn.Sequential(nn.Linear(seen, WIDTH), nn.GELU(), nn.Linear(WIDTH, scene_dim))

    def forward(self, tokens: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """Locate the objects.

        Args:
            tokens: shape (B, tokens, width).
            maps: feature maps, each shape (cameras B, channels, h, w).

        Returns:
            Shape (B, scene_dim).
        """
        points = self.points(maps).flatten(1)
        return torch.as_tensor(
            self.read(torch.cat([self.token(tokens).flatten(1), points.to(tokens.dtype)], dim=1))
        )

    def points(self, maps: Sequence[Tensor]) -> Tensor:
        """Points of all images, x and y in [-1, 1], shape (B, cameras, POINTS, 2)."""
        size = maps[0].shape[-2:]
        heat = torch.stack(
            [
                F.interpolate(look(seen), size=size, mode="bilinear")
                for look, seen in zip(self.heat, maps, strict=True)
            ]
        ).sum(0)
        # Each image has heat maps of its own.
        count = self._cameras
        every = heat.float().unflatten(0, (-1, count)).unflatten(2, (count, POINTS))
        own = torch.stack([every[:, i, i] for i in range(count)], dim=1)
        share = own.flatten(3).softmax(-1).view(own.shape)
        rows, columns = (torch.linspace(-1, 1, n, device=heat.device) for n in size)
        x, y = (share.sum(-2) * columns).sum(-1), (share.sum(-1) * rows).sum(-1)
        return torch.stack([x, y], dim=-1)
