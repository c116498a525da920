"""Tensors of the published OpenVLA checkpoint under our names.

The original's towers are timm's, ours those of transformers, which split the fused qkv rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch import Tensor

from kinevla_ros.generator.config import GeneratorConfig

DINO = "vision_backbone.featurizer."
SIGLIP = "vision_backbone.fused_featurizer."

_BLOCK = r"^blocks\.(\d+)\."
_DINO_BLOCK, _SIGLIP_BLOCK = r"encoder.layer.\1.", r"encoder.layers.\1."
_RENAMED = {
    DINO: (
        "vision.dino.",
        (
            (r"^cls_token$", "embeddings.cls_token"),
            (r"^reg_token$", "embeddings.register_tokens"),
            (r"^pos_embed$", "embeddings.position_embeddings"),
            (r"^patch_embed\.proj\.", "embeddings.patch_embeddings.projection."),
            (_BLOCK + r"attn\.proj\.", _DINO_BLOCK + "attention.o_proj."),
            (_BLOCK + r"attn\.(q|k|v)\.", _DINO_BLOCK + r"attention.\2_proj."),
            (_BLOCK + r"ls([12])\.scale_factor$", _DINO_BLOCK + r"layer_scale\2.lambda1"),
            (_BLOCK, _DINO_BLOCK),
        ),
    ),
    SIGLIP: (
        "vision.siglip.",
        (
            (r"^pos_embed$", "embeddings.position_embedding.weight"),
            (r"^patch_embed\.proj\.", "embeddings.patch_embedding."),
            (_BLOCK + r"attn\.proj\.", _SIGLIP_BLOCK + "self_attn.out_proj."),
            (_BLOCK + r"attn\.(q|k|v)\.", _SIGLIP_BLOCK + r"self_attn.\2_proj."),
            (_BLOCK + r"norm([12])\.", _SIGLIP_BLOCK + r"layer_norm\2."),
            (_BLOCK, _SIGLIP_BLOCK),
        ),
    ),
    "projector.": ("projector.", ((r"^fc1\.", "0."), (r"^fc2\.", "2."), (r"^fc3\.", "4."))),
    "language_model.": ("language.", ((r"^", ""),)),
}
_UNUSED = tuple(f"{DINO}norm. {SIGLIP}norm. {SIGLIP}attn_pool.".split())


def translate(name: str, tensor: Tensor, config: GeneratorConfig) -> Iterator[tuple[str, Tensor]]:
    """Our names and values of one published tensor; nothing for one that is never used.

    Unknown names come through as they are, so that a check of the names finds them.
    """
    if name.startswith(_UNUSED) or _beyond(name, config):
        return
    if name.endswith((".attn.qkv.weight", ".attn.qkv.bias")):
        for letter, part in zip("qkv", tensor.chunk(3, dim=0), strict=True):
            yield _renamed(name.replace(".qkv.", f".{letter}.")), part
        return
    if name == f"{DINO}cls_token":
        yield "vision.dino.embeddings.mask_token", torch.zeros_like(tensor[0])
    if name == f"{DINO}pos_embed":
        # The original adds no position to the class token.
        tensor = torch.cat([torch.zeros_like(tensor[:, :1]), tensor], dim=1)
    if name == f"{SIGLIP}pos_embed":
        tensor = tensor[0]
    yield _renamed(name), tensor


def _renamed(name: str) -> str:
    for prefix, (ours, patterns) in _RENAMED.items():
        if not name.startswith(prefix):
            continue
        rest = name.removeprefix(prefix)
        for pattern, replacement in patterns:
            if re.match(pattern, rest):
                return ours + re.sub(pattern, replacement, rest, count=1)
    return name


def _beyond(name: str, config: GeneratorConfig) -> bool:
    """Whether the tensor is of a tower's last block, whose output OpenVLA does not read."""
    for prefix, tower in ((DINO, "dino"), (SIGLIP, "siglip")):
        if name.startswith(f"{prefix}blocks."):
            number = int(name.removeprefix(f"{prefix}blocks.").split(".")[0])
            return number >= config.vision[tower]["num_hidden_layers"]
    return False
