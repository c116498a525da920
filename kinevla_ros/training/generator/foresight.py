"""Next visual state: what the cameras will see at the end of a chunk, as features.

From "Grounding Driving VLA via Inverse Kinematics" (arXiv 2605.21061): with only the present
picture a motion is not determined by what is seen, and a model takes the short way through its own
state and the text. Who has to say what will be seen has to look.

The features to predict come from a slow copy of the vision tower, without a gradient. Were they to
collapse to the same for every picture, `foresight_spread` would fall to 0; were nothing but the
present repeated, `foresight_gain` would.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from kinevla_ros.generator.network.model import Generator

DECAY = 0.99
"""Share of the slow copy that a step keeps."""

HEADS = 4


class VisualTokens(NamedTuple):
    """Visual tokens of B sequences, normalised, each (B, T, width).

    Attributes:
        present: of now.
        predicted: at the chunk's end, as the words have it.
        future: at the chunk's end, as the demonstration went on.
        followed: where both mean the same motion, (B,), bool.
    """

    present: Tensor
    predicted: Tensor
    future: Tensor
    followed: Tensor


class Foresight(nn.Module):
    """Predicts the visual tokens at the chunk's end from those of now and what is to be done.

    Args:
        model: whose tower it copies; its tokens have `width` channels.
    """

    def __init__(self, model: Generator) -> None:
        super().__init__()
        width = model.config.language["hidden_size"]
        self._tokens = model.config.cameras * model.config.image_tokens
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.intent = nn.Linear(width, width)
        self.block = nn.TransformerEncoderLayer(
            width, HEADS, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.change = nn.Linear(width, width)
        # It begins by saying that nothing changes.
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)
        self.slow = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(DECAY))
        self.slow.requires_grad_(False)

    def forward(self, present: Tensor, asked: Tensor) -> Tensor:
        """Predict.

        Args:
            present: visual tokens of now, (B, T, width).
            asked: hidden state where the last codes are asked for, (B, width).

        Returns:
            Normalised, (B, T, width).
        """
        seen = self.norm(present)
        read = torch.cat([seen, self.intent(asked)[:, None].to(seen.dtype)], dim=1)
        return cast(Tensor, seen + self.change(self.block(read)[:, :-1]))

    @torch.no_grad()
    def seen(self, images: Tensor, state: Tensor) -> Tensor:
        """Normalised visual tokens of the slow copy, (F, T, width); arguments as of `Batch`."""
        slow = cast(Generator, self.slow.module.eval())
        tokens, _ = slow.see(images, state)
        return cast(Tensor, self.norm(tokens[:, : self._tokens]))

    def follow(self, model: Generator) -> None:
        """Move the slow copy towards the model."""
        self.slow.update_parameters(model)

    def loss(self, sight: VisualTokens) -> tuple[Tensor, dict[str, Tensor]]:
        """Error where the demonstrated motion is the asked one, and figures to log."""
        future = sight.future.float()
        followed = sight.followed.float()
        count = followed.sum().clamp(min=1)

        def error(tokens: Tensor) -> Tensor:
            each = F.smooth_l1_loss(tokens.float(), future, reduction="none").mean(dim=(1, 2))
            return (each * followed).sum() / count

        loss = error(sight.predicted)
        figures = {
            "foresight_spread": future.std(dim=0).mean(),
            "foresight_gain": 1 - loss.detach() / error(sight.present.detach()).clamp(min=1e-6),
        }
        return loss, figures
