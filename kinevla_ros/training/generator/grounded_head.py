"""The chunk from what is seen and what will be seen, and from nothing else.

The inverse kinematics network of "Grounding Driving VLA via Inverse Kinematics" (arXiv 2605.21061):
a small conditional flow whose steps attend to the visual tokens of now and of the chunk's end.
Neither state nor text reach it but through the picture that they let the model predict.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kinevla_ros.base.action_space import RM75
from kinevla_ros.training.generator.foresight import HEADS, VisualTokens
from kinevla_ros.training.generator.motion_heads import NUMBERS, FlowHead, MotionHead


class GroundedHead(nn.Module):
    """Flow matching from noise to the chunk by cross-attention to visual tokens."""

    STEPS = 5
    LAYERS = 2

    def __init__(self, width: int, numbers: int = NUMBERS) -> None:
        super().__init__()
        self._horizon = RM75.horizon
        self._width = numbers // self._horizon
        self.noisy = nn.Linear(self._width + 1, width)
        self.step = nn.Parameter(torch.randn(self._horizon, width) * 0.02)
        self.kind = nn.Parameter(torch.randn(2, width) * 0.02)
        layer = nn.TransformerDecoderLayer(
            width, HEADS, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.decoder = nn.TransformerDecoder(layer, self.LAYERS)
        self.out = nn.Linear(width, self._width)

    def loss(self, asked: Tensor, motion: Tensor, sight: VisualTokens | None) -> Tensor:
        """Squared error of the velocity, from the predicted and from the true pictures.

        Args:
            asked: not looked at.
            motion: as in `Batch`, (B, 2, H D).
            sight: what is seen.
        """
        assert sight is not None
        end = motion[:, 1]
        predicted = self._error(sight.present, sight.predicted, end)
        true = self._error(sight.present, sight.future, end)
        followed = sight.followed.float()
        return predicted.mean() + (true * followed).sum() / followed.sum().clamp(min=1)

    def motion(self, present: Tensor, predicted: Tensor) -> Tensor:
        """A chunk drawn by `STEPS` steps of Euler, (B, H D) in units of `motion_scale`.

        Args:
            present, predicted: normalised visual tokens, (B, T, width).
        """
        numbers = torch.randn(len(present), self._horizon * self._width, device=present.device)
        for step in range(self.STEPS):
            time = numbers.new_full((len(present), 1), step / self.STEPS)
            numbers = numbers + self._velocity(present, predicted, numbers, time) / self.STEPS
        return numbers

    def _error(self, present: Tensor, ahead: Tensor, end: Tensor) -> Tensor:
        """Of each sequence, (B,)."""
        start = torch.randn_like(end)
        time = torch.rand(len(end), 1, device=end.device)
        velocity = self._velocity(present, ahead, start + time * (end - start), time)
        return F.mse_loss(velocity, end - start, reduction="none").mean(dim=1)

    def _velocity(self, present: Tensor, ahead: Tensor, numbers: Tensor, time: Tensor) -> Tensor:
        steps = numbers.unflatten(1, (self._horizon, self._width))
        timed = torch.cat([steps, time[:, None].expand(-1, self._horizon, 1)], dim=-1)
        tokens = torch.cat([present + self.kind[0], ahead + self.kind[1]], dim=1)
        queries = self.noisy(timed) + self.step
        return self.out(self.decoder(queries, tokens.to(queries.dtype))).float().flatten(1)


ActionHead = MotionHead | FlowHead | GroundedHead
