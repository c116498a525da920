"""The generator's two parts as exported: observation encoder, and any pass of the language model.

The same arithmetic as `Generator` in fewer and larger products. What depends on weights alone is
computed once, when ONNX Runtime opens the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.onnx import ops

from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.network.object_locator import POINTS


class ObservationEncoder(nn.Module):
    """Pictures (cameras, 3, S, S) and state (S,) to the embedded observation (T, width)."""

    def __init__(self, model: Generator) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor, state: Tensor) -> Tensor:
        """See `Generator.observe`."""
        model: Any = self.model
        config = self.model.config
        maps = _maps(model.vision.network, images)
        tokens = model.projector(maps[-1].flatten(2).transpose(1, 2))
        if config.image_positions:
            tokens = tokens + model.image_position
        tokens = tokens.flatten(0, 1)
        if config.state_dim:
            tokens = torch.cat([tokens, model.state(state)[None]])
        if config.scene_dim:
            scene = _located(model.locator, tokens, maps)
            tokens = torch.cat([tokens, model.scene(scene)[None]])
        return tokens


class AnyPass(nn.Module):
    """New positions of one sequence, under any mask.

    Takes embeddings (1, Q, width), positions (1, Q), allowed (Q, P + Q) (bool), wanted (N,), the
    rows whose logits count, and past, keys and values block by block, each (1, H, P, d). Gives
    logits (1, N, V) and keys and values again, each (1, H, P + Q, d).
    """

    cosines: Tensor
    sines: Tensor

    def __init__(self, model: Generator) -> None:
        super().__init__()
        self.model = model
        llama: Any = model.language.model
        places = torch.arange(llama.config.max_position_embeddings)[None]
        cosines, sines = llama.rotary_emb(torch.zeros(1), places)
        # The operator wants each angle once.
        half = cosines.shape[-1] // 2
        self.register_buffer("cosines", cosines[0, :, :half].contiguous())
        self.register_buffer("sines", sines[0, :, :half].contiguous())

    def forward(
        self,
        embeddings: Tensor,
        positions: Tensor,
        allowed: Tensor,
        wanted: Tensor,
        past: list[Tensor],
    ) -> tuple[Tensor, list[Tensor]]:
        """See the class."""
        llama: Any = self.model.language.model
        heads = dict.fromkeys(("q_num_heads", "kv_num_heads"), llama.config.num_attention_heads)
        x, present = embeddings, list[Tensor]()
        for i, layer in enumerate(llama.layers):
            q, k, v = self._projected(layer, x, positions)
            if layer is llama.layers[-1]:
                q, x = q.index_select(1, wanted), x.index_select(1, wanted)
                allowed = allowed.index_select(0, wanted)
            before = past[2 * i : 2 * i + 2]
            seen, *both, _ = ops.attention(q, k, v, allowed, *before, **heads)
            present += both
            x = x + F.linear(seen, layer.self_attn.o_proj.weight)
            x = x + _mixed(layer, x)
        logits = F.linear(_normed(llama.norm, x), self.model.language.lm_head.weight)
        return logits, present

    def _projected(self, layer: Any, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries and keys, turned to their positions, and values, each (1, Q, width)."""
        attention = layer.self_attn
        width = x.shape[-1]
        parts = attention.q_proj, attention.k_proj, attention.v_proj
        weight = torch.cat([part.weight for part in parts])
        both = F.linear(_normed(layer.input_layernorm, x), weight)
        turned = ops.rotary_embedding(
            both[..., : 2 * width],
            self.cosines,
            self.sines,
            positions,
            num_heads=2 * attention.config.num_attention_heads,
        )
        return turned[..., :width], turned[..., width:], both[..., 2 * width :]


def _maps(network: Any, images: Tensor) -> list[Tensor]:
    """Feature maps of all stages of a ResNet of basic blocks."""
    x = network.embedder.pooler(F.relu(_convolved(network.embedder.embedder, images)))
    maps = []
    for stage in network.encoder.stages:
        for block in stage.layers:
            first, second = block.layer
            straight = isinstance(block.shortcut, nn.Identity)
            short = x if straight else _convolved(block.shortcut, x)
            x = F.relu(_convolved(second, F.relu(_convolved(first, x))) + short)
        maps.append(x)
    return maps


def _convolved(layer: Any, x: Tensor) -> Tensor:
    """Convolution and batch norm of a layer as one convolution."""
    conv, norm = layer.convolution, layer.normalization
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight = conv.weight * scale[:, None, None, None]
    return F.conv2d(x, weight, norm.bias - norm.running_mean * scale, conv.stride, conv.padding)


def _located(locator: Any, tokens: Tensor, maps: Sequence[Tensor]) -> Tensor:
    """`ObjectLocator` with each picture's own part of the heat maps, and resizing as a product."""
    side, count = maps[0].shape[-1], maps[0].shape[0]
    heat = torch.zeros(())
    for look, seen in zip(locator.heat, maps, strict=True):
        weight, bias = look.weight.view(count, POINTS, -1), look.bias.view(count, POINTS, 1)
        own = weight @ seen.flatten(2) + bias
        if seen.shape[-1] != side:
            pixels = torch.eye(seen.shape[-1] ** 2).unflatten(1, (1, *seen.shape[-2:]))
            larger = F.interpolate(pixels, size=(side, side), mode="bilinear").flatten(1)
            own = own @ larger
        heat = heat + own
    line = torch.linspace(-1, 1, side)
    places = torch.stack([line.repeat(side), line.repeat_interleave(side)], 1)
    points = heat.softmax(-1) @ places
    return locator.read(torch.cat([locator.token(tokens).flatten(), points.flatten()]))


def _mixed(layer: Any, x: Tensor) -> Tensor:
    """What a block's second half adds."""
    mlp = layer.mlp
    width = mlp.gate_proj.out_features
    weight = torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight])
    both = F.linear(_normed(layer.post_attention_layernorm, x), weight)
    return F.linear(F.silu(both[..., :width]) * both[..., width:], mlp.down_proj.weight)


def _normed(norm: Any, x: Tensor) -> Tensor:
    return F.rms_norm(x, norm.weight.shape, norm.weight, norm.variance_epsilon)
