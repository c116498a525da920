"""Vision of a generator: one transformers tower, or OpenVLA's two side by side."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)

FUSED = "dino_siglip"


def build_vision(config: dict[str, Any]) -> tuple[nn.Module, int]:
    """Build the vision part with random weights.

    Args:
        config: `vision` of a `GeneratorConfig`.

    Returns:
        A module from images [N, C, S, S] to tokens [N, T, channels], and its channels.
    """
    config = dict(config)
    kind = config.pop("model_type")
    if kind == FUSED:
        towers = FusedTowers(config["dino"], config["siglip"])
        return towers, towers.channels
    tower = AutoModel.from_config(AutoConfig.for_model(kind, **config))
    tower.register_forward_hook(_grid_to_tokens)
    return tower, config["hidden_sizes"][-1]


def _grid_to_tokens(_: nn.Module, __: Any, output: Any) -> Tensor:
    """[N, channels, h, w] to [N, h w, channels]."""
    return torch.as_tensor(output.last_hidden_state.flatten(2).transpose(1, 2))


class FusedTowers(nn.Module):
    """DINOv2 with registers and SigLIP on one image; features side by side (Prismatic).

    Both configurations have one block less than the pretrained towers and the final norm is left
    out, for OpenVLA reads the output of the last block but one.
    """

    def __init__(self, dino: dict[str, Any], siglip: dict[str, Any]) -> None:
        super().__init__()
        self.dino = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**dino))
        self.siglip = SiglipVisionModel(SiglipVisionConfig(**siglip))
        self.dino.add_module("layernorm", nn.Identity())
        self.siglip.add_module("post_layernorm", nn.Identity())
        self.channels: int = dino["hidden_size"] + siglip["hidden_size"]
        self._prefix = 1 + dino["num_register_tokens"]

    def forward(self, images: Tensor) -> Tensor:
        """Features [N, T, channels], DINOv2's first.

        Args:
            images: [N, 6, S, S]: three channels normalised for DINOv2, three for SigLIP.
        """
        dino = self.dino(images[:, :3]).last_hidden_state[:, self._prefix :]
        siglip = self.siglip(images[:, 3:]).last_hidden_state
        return torch.cat([dino, siglip], dim=-1)
