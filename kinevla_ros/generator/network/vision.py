"""Vision of a generator: one transformers tower, or OpenVLA's two side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    ResNetConfig,
    ResNetModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from kinevla_ros.generator.config_checks import FUSED


def build_vision(config: dict[str, Any]) -> ConvolutionalTower | FusedTowers:
    """Build the vision part with random weights from `vision` of a `GeneratorConfig`."""
    if config["model_type"] == FUSED:
        return FusedTowers(config["dino"], config["siglip"])
    return ConvolutionalTower({key: value for key, value in config.items() if key != "model_type"})


class ConvolutionalTower(nn.Module):
    """A ResNet of transformers, which gets the keyword arguments of its configuration.

    Attributes:
        channels: of the tokens.
        map_channels: of the feature maps, the finest first.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        self.network = ResNetModel(ResNetConfig(**config))
        self.map_channels: list[int] = config["hidden_sizes"]
        self.channels = self.map_channels[-1]

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Tokens (N, T, channels) of images (N, C, S, S), and the feature maps of all stages."""
        maps = self.network(images, output_hidden_states=True).hidden_states[1:]
        return maps[-1].flatten(2).transpose(1, 2), list(maps)


class FusedTowers(nn.Module):
    """DINOv2 with registers and SigLIP on one image; features side by side (Prismatic).

    Both configurations have one block less than the pretrained towers and the final norm is left
    out, for OpenVLA reads the output of the last block but one. There are no maps to locate on.
    """

    def __init__(self, dino: dict[str, Any], siglip: dict[str, Any]) -> None:
        super().__init__()
        self.dino = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**dino))
        self.siglip = SiglipVisionModel(SiglipVisionConfig(**siglip))
        self.dino.add_module("layernorm", nn.Identity())
        self.siglip.add_module("post_layernorm", nn.Identity())
        self.channels: int = dino["hidden_size"] + siglip["hidden_size"]
        self.map_channels: list[int] = []
        self._prefix = 1 + dino["num_register_tokens"]

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Features (N, T, channels), DINOv2's first, and no maps.

        Args:
            images: (N, 6, S, S): three channels normalised for DINOv2, three for SigLIP.
        """
        dino, siglip = side_by_side(
            lambda: self.dino(images[:, :3]).last_hidden_state[:, self._prefix :],
            lambda: self.siglip(images[:, 3:]).last_hidden_state,
            captured=images.is_cuda and torch.cuda.is_current_stream_capturing(),
        )
        return torch.cat([dino, siglip], dim=-1), []


def side_by_side(
    first: Callable[[], Tensor], second: Callable[[], Tensor], captured: bool
) -> tuple[Tensor, Tensor]:
    """Both results; as branches of a CUDA graph, which run at the same time, while it is captured.

    Neither tower alone fills a GPU with two pictures.
    """
    if not captured:
        return first(), second()
    main, side = torch.cuda.current_stream(), torch.cuda.Stream()
    side.wait_stream(main)
    with torch.cuda.stream(side):
        beside = second()
    own = first()
    main.wait_stream(side)
    return own, beside
