"""A converted OpenVLA read as the original model is, to compare it with the original."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.network.segments import Segment
from kinevla_ros.generator.weights import read_generator


class OpenVla(nn.Module):
    """One prompt, images after its first token."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.generator = read_generator(folder, GeneratorConfig.load(folder), torch.float32)

    def forward(self, input_ids: Tensor, pixel_values: Tensor) -> Tensor:
        """Logits of every position, shape (B, N + images · T, V).

        Args:
            input_ids: prompt with its BOS, shape (B, N).
            pixel_values: normalised images, shape (B, 6 · images, S, S); the patch tokens of the
                front image come before those of the wrist image.
        """
        generator = self.generator
        images = pixel_values.unflatten(1, (-1, 6))
        features, _ = generator.vision(images.flatten(0, 1))
        tokens = generator.projector(features).unflatten(0, images.shape[:2]).flatten(1, 2)
        segments = torch.full_like(input_ids, int(Segment.OBSERVATION))
        logits, _ = generator(*generator.context(input_ids, segments, tokens))
        return logits
