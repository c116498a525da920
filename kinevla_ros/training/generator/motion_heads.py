"""Heads that read the motion as numbers where the codes are asked for.

In the shipped recipe `MotionHead` is an aid to training alone. As baselines without codes each
gives the chunk itself: `MotionHead` as OpenVLA-OFT does (L1), `FlowHead` as pi0.5 does. Neither
looks at the pictures but through the hidden states.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kinevla_ros.base.action_space import RM75

MOTION_BETA = 0.05
"""Error of the motion up to which the loss is quadratic: 5 mrad."""

NUMBERS = RM75.horizon * RM75.width


class MotionHead(nn.Linear):
    """Regression of what the goal codes and what all codes say."""

    def __init__(self, width: int, numbers: int = NUMBERS) -> None:
        super().__init__(width, numbers)

    def loss(self, asked: Tensor, motion: Tensor, sight: object = None) -> Tensor:
        """The L1 loss, smooth about zero.

        Args:
            asked: hidden states where each level's codes are asked for, (B, 2, width).
            motion: as in `Batch`, (B, 2, H D).
        """
        return F.smooth_l1_loss(self(asked).float(), motion, beta=MOTION_BETA)

    def motion(self, asked: Tensor) -> Tensor:
        """The chunk, (B, H D) in units of `motion_scale`, at the last level's state (B, width)."""
        return self(asked).float()


class FlowHead(nn.Module):
    """Conditional flow matching from noise to the chunk (Lipman et al. 2023).

    Of pi0.5 it has the objective and the number of steps; there an expert of its own attends to
    all states, here a small network reads one.
    """

    STEPS = 10
    DRAWS = 4
    """Noise and time drawn for each sample of a batch: the head is small and the model is not."""
    WIDTH = 256

    def __init__(self, width: int, numbers: int = NUMBERS) -> None:
        super().__init__()
        self._numbers = numbers
        self.net = nn.Sequential(
            nn.Linear(width + numbers + 1, self.WIDTH),
            nn.GELU(),
            nn.Linear(self.WIDTH, self.WIDTH),
            nn.GELU(),
            nn.Linear(self.WIDTH, numbers),
        )

    def loss(self, asked: Tensor, motion: Tensor, sight: object = None) -> Tensor:
        """Squared error of the velocity on straight ways; arguments as of `MotionHead.loss`."""
        state = asked[:, 1].repeat_interleave(self.DRAWS, dim=0)
        end = motion[:, 1].repeat_interleave(self.DRAWS, dim=0)
        start = torch.randn_like(end)
        time = torch.rand(len(end), 1, device=end.device)
        velocity = self._velocity(state, start + time * (end - start), time)
        return F.mse_loss(velocity, end - start)

    def motion(self, asked: Tensor) -> Tensor:
        """A chunk drawn by `STEPS` steps of Euler; see `MotionHead.motion`."""
        numbers = torch.randn(len(asked), self._numbers, device=asked.device)
        for step in range(self.STEPS):
            time = numbers.new_full((len(asked), 1), step / self.STEPS)
            numbers = numbers + self._velocity(asked, numbers, time) / self.STEPS
        return numbers

    def _velocity(self, state: Tensor, numbers: Tensor, time: Tensor) -> Tensor:
        return self.net(torch.cat([state.to(numbers.dtype), numbers, time], dim=-1)).float()
