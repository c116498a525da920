"""A generator's language model over a static cache, its projections fused.

Everything has a fixed address and shape, and where new positions go is itself a tensor, so that a
pass can be captured as a CUDA graph. On a CPU the same code runs as it stands.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import DynamicCache
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

from kinevla_ros.generator.engine.quantised import QuantisedLinear
from kinevla_ros.generator.network.model import Generator, attention_allowed, may_look


class FusedLlama:
    """Decoder blocks of a generator, for one sequence.

    The generator's weights become views of the fused ones: nothing is held twice and the
    generator itself still works.

    Args:
        model: a generator without adapters; fold them in first (`merge_adapter`).
        length: positions of the cache.

    Raises:
        ValueError: the blocks are not plain Llama's, with a key for every head.
    """

    def __init__(self, model: Generator, length: int) -> None:
        config = model.language.config
        if config.num_key_value_heads != config.num_attention_heads:
            raise ValueError("the engine wants as many key heads as attention heads (Llama 2 7B)")
        self._model = model.language.model
        self._layers = [_FusedLayer(layer) for layer in self._model.layers]
        self._heads: int = config.num_attention_heads
        head_dim = config.hidden_size // self._heads
        weight = model.language.lm_head.weight
        self._device, dtype = weight.device, weight.dtype
        shape = (len(self._layers), 2, self._heads, length, head_dim)
        self._cache = torch.zeros(shape, dtype=dtype, device=self._device)
        self._segments = torch.zeros(length, dtype=torch.int64, device=self._device)
        places = torch.arange(length, device=self._device)
        cos, sin = self._model.rotary_emb(self._cache.flatten(0, 3)[None], places[None])
        self._cos, self._sin = cos[0], sin[0]
        self._may = may_look(self._device)
        self._whole = not model.config.images_first
        self.length = length

    def __call__(self, embeddings: Tensor, segments: Tensor, start: Tensor) -> Tensor:
        """Run new positions; their keys and values go into the cache.

        Args:
            embeddings: shape (Q, width).
            segments: shape (Q,), int64.
            start: position of the first, shape (1,), int64. What the cache holds from there on is
                forgotten.

        Returns:
            Last hidden states after the final norm, shape (Q, width).
        """
        places = start + torch.arange(len(embeddings), device=self._device)
        self._segments.index_copy_(0, places, segments)
        allowed = attention_allowed(
            segments[None], self._segments[None], places, self._may, self._whole
        )
        cos, sin = self._cos[places], self._sin[places]
        hidden = embeddings
        for layer, cache in zip(self._layers, self._cache, strict=True):
            query, key, value = layer.project(hidden, self._heads)
            cache[0].index_copy_(1, places, _rotated(key, cos, sin))
            cache[1].index_copy_(1, places, value)
            attended = F.scaled_dot_product_attention(
                _rotated(query, cos, sin)[None], cache[0][None], cache[1][None], allowed
            )
            hidden = layer.finish(hidden, attended[0].transpose(0, 1).flatten(1))
        return torch.as_tensor(self._model.norm(hidden))

    def cached(self, start: int, count: int) -> DynamicCache:
        """What the cache holds of some positions, for a pass of the generator itself."""
        own = DynamicCache()
        for index, (keys, values) in enumerate(self._cache[:, :, None, :, start : start + count]):
            own.update(keys.clone(), values.clone(), index)
        return own


class _FusedLayer:
    """One block: query, key and value in one product, gate and up in another."""

    def __init__(self, layer: LlamaDecoderLayer) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self._qkv = _fuse([attention.q_proj, attention.k_proj, attention.v_proj])
        self._gate_up = _fuse([mlp.gate_proj, mlp.up_proj])
        self._out, self._down = attention.o_proj, mlp.down_proj
        self._before, self._between = layer.input_layernorm, layer.post_attention_layernorm

    def project(self, hidden: Tensor, heads: int) -> tuple[Tensor, ...]:
        """Query, key and value, each [heads, Q, head width]."""
        mixed = self._qkv(self._before(hidden))
        return tuple(part.unflatten(1, (heads, -1)).transpose(0, 1) for part in mixed.chunk(3, 1))

    def finish(self, hidden: Tensor, attended: Tensor) -> Tensor:
        """Output projection and MLP, each added to what came in; [Q, width]."""
        hidden = hidden + self._out(attended)
        gate, up = self._gate_up(self._between(hidden)).chunk(2, 1)
        return hidden + torch.as_tensor(self._down(F.silu(gate) * up))


def _fuse(layers: list[nn.Module]) -> nn.Module:
    """One layer of weights one below the other; the layers' own become views of those."""
    first = layers[0]
    if isinstance(first, QuantisedLinear):
        joined: nn.Module = type(first)(_joined(layers, "weight"), _joined(layers, "scale"))
        for name in ("weight", "scale"):
            for layer, part in zip(layers, getattr(joined, name).chunk(len(layers)), strict=True):
                setattr(layer, name, part)
        return joined
    if any(type(layer) is not nn.Linear or layer.bias is not None for layer in layers):
        raise ValueError("fold adapters into the weights before making an engine")
    fused = _joined(layers, "weight")
    joined = nn.Linear(fused.shape[1], fused.shape[0], bias=False, device="meta")
    joined.weight = nn.Parameter(fused, requires_grad=False)
    for layer, part in zip(layers, fused.chunk(len(layers)), strict=True):
        layer.weight = nn.Parameter(part, requires_grad=False)
    return joined


def _joined(layers: list[nn.Module], name: str) -> Tensor:
    return torch.cat([getattr(layer, name).data for layer in layers])


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position embedding of [heads, Q, head width]."""
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin
