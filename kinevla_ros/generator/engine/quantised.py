"""Blocks of the language model with weights of 8 bits, one scale for each output channel.

`int8` holds the weights alone in 8 bits; products are of the model's own type. `fp8` (e4m3) also
rounds what they are multiplied with, row by row, and needs a GPU that multiplies such numbers.
Embeddings, output head and vision stay as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kinevla_ros.generator.engine.operations import Rounded
from kinevla_ros.generator.network.model import Generator

Weights = Literal["int8", "fp8"]

logger = logging.getLogger(__name__)
FLOAT, FP8 = torch.float32, torch.float8_e4m3fn
FP8_CAPABILITY = (8, 9)
SMALLEST_SCALE = 1e-12


class QuantisedLinear(nn.Module):
    """A linear layer without bias: weight (out, in) of 8 bits times scale (out,), float32."""

    weight: Tensor
    scale: Tensor

    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("scale", scale)


class Int8Linear(QuantisedLinear):
    """Whole numbers from -127 to 127."""

    @classmethod
    def of(cls, weight: Tensor) -> Int8Linear:
        """Round weights (out, in)."""
        scale = _scale(weight, 127.0)
        return cls((weight.float() / scale).round().to(torch.int8), scale.flatten())

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        if x.is_cuda and x.numel() == x.shape[-1] and (single := _compiled(x.device)):
            return single(x, self.weight, self.scale, x.dtype)
        product = F.linear(x, self.weight.to(x.dtype))
        return (product.float() * self.scale).to(x.dtype)


class Fp8Linear(QuantisedLinear):
    """Numbers of 4 bits exponent and 3 bits mantissa; rows of the input get scales too."""

    @classmethod
    def of(cls, weight: Tensor) -> Fp8Linear:
        """Round weights (out, in); both sides must be multiples of 16."""
        if any(side % 16 for side in weight.shape):
            raise ValueError(f"fp8 wants sides that are multiples of 16, not {list(weight.shape)}")
        rounded, scale = rounded_rows(weight)
        return cls(rounded, scale.flatten())

    def forward(self, x: Tensor | Rounded, fast_sums: bool = False) -> Tensor:
        """(..., in) to (..., out), bfloat16; rounds what has not been rounded before.

        Args:
            fast_sums: sum several positions with fewer bits than float32 has.
        """
        rows, scale = rounded_rows(x.flatten(0, -2)) if isinstance(x, Tensor) else x
        if rows.is_cuda and len(rows) == 1 and (single := _compiled(rows.device)):
            product = single(rows, self.weight, self.scale * scale[0], torch.bfloat16)
        elif rows.is_cuda:
            product = torch._scaled_mm(
                rows,
                self.weight.t(),
                scale,
                self.scale[None],
                out_dtype=torch.bfloat16,
                use_fast_accum=fast_sums,
            )
        else:
            # Not every CPU multiplies such numbers with a scale for each row.
            product = F.linear(rows.float(), self.weight.float()) * scale * self.scale
            product = product.to(torch.bfloat16)
        return product.unflatten(0, x.shape[:-1]) if isinstance(x, Tensor) else product


def quantise(model: Generator, weights: Weights) -> None:
    """Round the blocks' linear layers, one after the other, in place.

    Raises:
        ValueError: the device or the model cannot do it; nothing has changed then.
    """
    device, dtype = model.language.lm_head.weight.device, model.language.dtype
    if weights == "fp8":
        if device.type != "cuda" or torch.cuda.get_device_capability(device) < FP8_CAPABILITY:
            raise ValueError(
                f"fp8 weights want a GPU of compute capability 8.9 or later, not {device}; "
                "take int8"
            )
        if dtype != torch.bfloat16:
            raise ValueError(f"fp8 weights want a model in bfloat16, not {dtype}; take int8")
    kind = Int8Linear if weights == "int8" else Fp8Linear
    blocks = model.language.model.layers
    parents = [part for block in blocks for part in (block.self_attn, block.mlp)]
    for parent in parents:
        for name, layer in parent.named_children():
            if name.endswith("_proj") and (type(layer) is not nn.Linear or layer.bias is not None):
                raise ValueError("fold adapters into the weights before rounding them to 8 bits")
    for parent in parents:
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.Linear):
                setattr(parent, name, kind.of(layer.weight.data))


def _scale(values: Tensor, largest: float) -> Tensor:
    """What maps each row's greatest magnitude to `largest`, shape (rows, 1), float32."""
    return values.abs().amax(-1, keepdim=True).float().clamp(min=SMALLEST_SCALE) / largest


def rounded_rows(values: Tensor) -> Rounded:
    """Rows in fp8, by plain torch."""
    scale = _scale(values, torch.finfo(FP8).max)
    return Rounded((values.float() / scale).to(FP8), scale)


def _one_row(x: Tensor, weight: Tensor, scale: Tensor, dtype: torch.dtype) -> Tensor:
    """The product for a single position, as sums that a compiler makes one kernel of."""
    product = (weight.float() * x.float().flatten()).sum(-1) * scale
    return product.to(dtype).view(*x.shape[:-1], -1)


@cache
def _compiled(device: torch.device) -> Callable[..., Tensor] | None:
    """`_one_row`, which reads each weight once and as it is stored; None where nothing compiles."""
    compiled = torch.compile(_one_row, dynamic=False)
    try:
        weight = torch.ones(16, 16, dtype=torch.int8, device=device)
        compiled(torch.ones(1, 16, device=device), weight, torch.ones(16, device=device), FLOAT)
    # A compiler that is missing or too old raises errors of many kinds.
    except Exception as problem:
        logger.warning(f"8-bit weights are slow, their product cannot be compiled: {problem}")
        return None
    return compiled
