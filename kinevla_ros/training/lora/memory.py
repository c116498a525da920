"""How much memory fine-tuning will take, said before it starts."""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass, replace

import torch
from torch import nn

from kinevla_ros.generator.config import GeneratorConfig

TRAINED_BYTES = 4 + 4 + 8
"""Of a trained parameter in float32: itself, its gradient, two moments of Adam."""
LAYER_TENSORS, INNER_TENSORS = 12, 5
"""Tensors as wide as the hidden state, and as the feed-forward network's inside, that one block
holds for its backward pass, in bfloat16; counted were 10 and 4."""
USABLE = 0.9
"""Of the memory: the rest is for the gaps between tensors, and for what no estimate knows."""
GIGABYTE = 1e9


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes on one device without sharding: frozen weights, what trains, activations.

    Attributes:
        blocks: activations of each block, if it holds them, in the order in which they should:
            the language model's, then those of the towers, where less is to be gained.
        held: so many do.
    """

    frozen: float
    trained: float
    activations: float
    blocks: tuple[float, ...]
    held: int = 0

    @property
    def total(self) -> float:
        return self.frozen + self.trained + self.activations

    def filling(self, room: float | None) -> MemoryEstimate:
        """With as many blocks held as fit into a device's memory; unknown memory holds none."""
        left = 0.0 if room is None else USABLE * room - self.total
        filled = list(itertools.accumulate(self.blocks))
        held = bisect.bisect_right(filled, left)
        return replace(self, activations=self.activations + sum(self.blocks[:held]), held=held)

    def __str__(self) -> str:
        parts = [f"{x / GIGABYTE:.2f}" for x in (self.frozen, self.trained, self.activations)]
        return (
            f"about {self.total / GIGABYTE:.2f} GB: frozen weights {parts[0]}, "
            f"adapters with optimiser {parts[1]}, activations {parts[2]} "
            f"({self.held} of {len(self.blocks)} blocks are not computed again)"
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
    dino, siglip = config.vision["dino"], config.vision["siglip"]
    seen = config.cameras * config.image_tokens
    length = seen + config.max_instruction_tokens + tail
    # With checkpointing: the input of every block, and one block's inside at a time.
    towers = seen * sum(t["hidden_size"] * t["num_hidden_layers"] for t in (dino, siglip))
    blocks = length * language["hidden_size"] * language["num_hidden_layers"]

    def inside(tokens: int, width: int, inner: int) -> float:
        # The last is the mask.
        tensors = LAYER_TENSORS * width + INNER_TENSORS * inner + tokens
        return float(batch_size * itemsize * tokens * tensors)

    block = inside(length, language["hidden_size"], language["intermediate_size"])
    each = (
        *[block] * language["num_hidden_layers"],
        *[inside(seen, siglip["hidden_size"], siglip["intermediate_size"])]
        * siglip["num_hidden_layers"],
        *[inside(seen, dino["hidden_size"], dino["mlp_ratio"] * dino["hidden_size"])]
        * dino["num_hidden_layers"],
    )
    # While a block is computed again, what it holds and the gradients of that.
    held = batch_size * itemsize * (towers + blocks) + 2 * block
    logits = batch_size * tail * config.vocabulary_size * (4 + 4 + 4)
    return MemoryEstimate(frozen, trained, held + logits, each)


def room_on(device: torch.device) -> float | None:
    """Bytes that this process can have on a GPU, with what it has already; None if unknown."""
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return float(free + torch.cuda.memory_reserved(device))
