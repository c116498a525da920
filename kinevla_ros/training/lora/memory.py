"""How much memory fine-tuning will take, said before it starts."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from kinevla_ros.generator.config import GeneratorConfig

TRAINED_BYTES = 4 + 4 + 8
"""Of a trained parameter in float32: itself, its gradient, two moments of Adam."""
LAYER_TENSORS = 8
"""Tensors as wide as the hidden state that the backward pass of one block holds."""
GIGABYTE = 1e9


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes on one device without sharding: frozen weights, what trains, activations."""

    frozen: float
    trained: float
    activations: float

    @property
    def total(self) -> float:
        return self.frozen + self.trained + self.activations

    def __str__(self) -> str:
        parts = [f"{x / GIGABYTE:.2f}" for x in (self.frozen, self.trained, self.activations)]
        return (
            f"about {self.total / GIGABYTE:.2f} GB: frozen weights {parts[0]}, "
            f"adapters with optimiser {parts[1]}, activations {parts[2]}"
        )


def estimate(
    model: nn.Module, config: GeneratorConfig, batch_size: int, tail: int
) -> MemoryEstimate:
    """Estimate for one device.

    Args:
        model: with its adapters.
        config: of the generator.
        batch_size: samples of a pass.
        tail: written tokens of a sample.
    """
    frozen = sum(p.nbytes for p in model.parameters() if not p.requires_grad)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad) * TRAINED_BYTES
    itemsize = 2
    language = config.language
    length = config.cameras * config.image_tokens + config.max_instruction_tokens + tail
    # With checkpointing: the input of every block, and one block's inside at a time.
    towers = sum(
        config.cameras * config.image_tokens * tower["hidden_size"] * tower["num_hidden_layers"]
        for tower in (config.vision["dino"], config.vision["siglip"])
    )
    blocks = length * language["hidden_size"] * language["num_hidden_layers"]
    inside = length * (LAYER_TENSORS * language["hidden_size"] + 4 * language["intermediate_size"])
    # Adapters hold their inputs in float32, twice the width.
    held = itemsize * (towers + blocks + 3 * inside)
    logits = tail * config.vocabulary_size * (4 + 4 + 4)
    return MemoryEstimate(frozen, trained, batch_size * (held + logits))
