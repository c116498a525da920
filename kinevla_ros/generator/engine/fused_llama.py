"""A generator's language model over a static cache, its projections fused.

Everything has a fixed address and shape, and where new positions go is itself a tensor, so that a
pass can be captured as a CUDA graph. On a CPU the same code runs as it stands.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import DynamicCache
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

from kinevla_ros.base.files.damage import one_line
from kinevla_ros.generator.engine.input import HALF_TILE, pass_widths
from kinevla_ros.generator.engine.products import Products, choose_products, worth_their_own
from kinevla_ros.generator.engine.quantised import QuantisedLinear
from kinevla_ros.generator.engine.trials.chain import chain
from kinevla_ros.generator.engine.trials.choice import Chosen, choose_operations
from kinevla_ros.generator.engine.trials.timing import seconds
from kinevla_ros.generator.network.model import Generator

LARGE = 1024
"""Width of models that are worth trials of many widths."""


class FusedLlama:
    """Decoder blocks of a generator, for one sequence.

    The generator's weights become views of the fused ones: nothing is held twice and the
    generator itself still works.

    Args:
        model: a generator without adapters; fold them in first (`merge_adapter`).
        length: positions of the cache.
        operations: what blocks do beside products; see `choose_operations`, which else chooses,
            as `choose_products` does how they multiply.

    Attributes:
        path: how blocks are run, and why so.

    Raises:
        ValueError: the blocks are not plain Llama's, with a key for every head.
    """

    def __init__(self, model: Generator, length: int, operations: Chosen | None = None) -> None:
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
        self._table = torch.stack([cos[0], sin[0]])
        whole = not model.config.images_first
        self._operations, why = operations or choose_operations(
            whole, self._device, dtype, self._heads, head_dim
        )
        by_name = {
            name: [getattr(layer, name) for layer in self._layers] for name in _FusedLayer.PRODUCTS
        }
        own = Products()
        self._multiply = own if operations else choose_products(by_name, self._device, dtype)
        self.path = f"{self._operations.name}: {why}; {self._multiply.why}"
        if not operations and hasattr(self._operations, "chained"):
            parts = self._operations, self._multiply
            self.path += f"; {chain(self, parts, weight[:1])}"
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
        run, multiply = self._operations, self._multiply
        look = run.look(start, places, self._segments, self._table)
        hidden, change = embeddings, None
        for layer, cache in zip(self._layers, self._cache, strict=True):
            hidden, normed = run.add_norm(hidden, change, layer.before, layer.qkv)
            query = run.turn(multiply(layer.qkv, normed), look, cache)
            seen = multiply(layer.out, run.attend(query, cache, look, layer.out))
            hidden, normed = run.add_norm(hidden, seen, layer.between, layer.gate_up)
            change = multiply(layer.down, run.gate(multiply(layer.gate_up, normed), layer.down))
        return torch.as_tensor(run.add_norm(hidden, change, self._model.norm, None)[1])

    def widths(self, widest: int, lead: int) -> list[int]:
        """How wide passes with `lead` rows before them are to be: what fills tiles, or, on a GPU
        with a large model, of half tiles those that a trial finds to be faster than the next."""
        if self._device.type != "cuda" or self._table.shape[-1] * self._heads < LARGE:
            return pass_widths(widest, lead)
        rows = [lead + width for width in pass_widths(widest, lead, HALF_TILE)]
        layers = [getattr(layer, name) for layer in self._layers[:4] for name in layer.PRODUCTS]
        try:
            kept = worth_their_own(layers, self._multiply, rows, self._cache.dtype, seconds)
        # A driver or compiler that is too old raises errors of many kinds.
        except Exception as problem:
            self.path += f"; passes fill tiles: {one_line(problem)}"
            return pass_widths(widest, lead)
        self.path += f"; passes of {', '.join(map(str, kept))} rows"
        return [each - lead for each in kept]

    def cached(self, start: int, count: int) -> DynamicCache:
        """What the cache holds of some positions, for a pass of the generator itself."""
        own = DynamicCache()
        for index, (keys, values) in enumerate(self._cache[:, :, None, :, start : start + count]):
            own.update(keys.clone(), values.clone(), index)
        return own


class _FusedLayer:
    """One block: query, key and value in one product, gate and up in another."""

    PRODUCTS = "qkv", "out", "gate_up", "down"

    def __init__(self, layer: LlamaDecoderLayer) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.qkv = _fuse([attention.q_proj, attention.k_proj, attention.v_proj])
        self.gate_up = _fuse([mlp.gate_proj, mlp.up_proj])
        self.out, self.down = attention.o_proj, mlp.down_proj
        self.before, self.between = layer.input_layernorm, layer.post_attention_layernorm


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
