"""Our configuration of a checkpoint in the published OpenVLA layout.

Original: `OpenVLAForActionPrediction` (github.com/openvla/openvla), two timm towers named
`featurizer` (DINOv2 with registers) and `fused_featurizer` (SigLIP), a projector of three layers
and a Llama 2. Its config.json names the towers by id; sizes are read from the tensors' shapes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import LlamaConfig

from kinevla_ros.base.files.damage import FileError
from kinevla_ros.base.files.json_file import read_object
from kinevla_ros.generator.config import FILE_NAME, GeneratorConfig
from kinevla_ros.generator.config_checks import FUSED
from kinevla_ros.generator.openvla.names import DINO, SIGLIP
from kinevla_ros.generator.pictures.squares import DINO_MEAN, DINO_STD, SIGLIP_MEAN, SIGLIP_STD

IDENTITY = {
    "model_type": "openvla",
    "arch_specifier": "no-align+fused-gelu-mlp",
    "vision_backbone_id": "dinosiglip-vit-so-224px",
    "use_fused_vision_backbone": True,
}
HEADS = {"dino": (1024, 16), "siglip": (1152, 16)}
"""Width and attention heads of the published towers: no file of the layout names the heads."""
REDUCED_FILE = "fixture.json"
"""A checkpoint with towers of other widths names their heads here: {"dino": {"heads": 4}, …}."""
PREPROCESSOR_FILE = "preprocessor_config.json"
MAX_INSTRUCTION_TOKENS = 64
MAX_TEXT_TOKENS = 160
EMBEDDING_DIM = 256


class LayoutError(ValueError):
    """The folder holds no checkpoint in OpenVLA's published layout, or one this cannot read."""


def is_published(folder: Path) -> bool:
    """Whether config.json says OpenVLA. Raises LayoutError when there is none."""
    return bool(_read_json(folder / FILE_NAME).get("model_type") == IDENTITY["model_type"])


def read_config(folder: Path, tensors: Mapping[str, Tensor]) -> GeneratorConfig:
    """Our configuration of a published checkpoint.

    Args:
        folder: with config.json.
        tensors: shape of every tensor, `meta` will do.

    Raises:
        LayoutError: config.json or the tensors are of another model.
    """
    stated = _read_json(folder / FILE_NAME)
    for key, wanted in IDENTITY.items():
        if stated.get(key) != wanted:
            raise LayoutError(
                f"{folder / FILE_NAME}: {key} is {stated.get(key)!r} and should be {wanted!r}; "
                "only OpenVLA-7B and its fine-tuned, merged descendants can be converted"
            )
    try:
        vision = {
            "model_type": FUSED,
            "dino": _dino(folder, tensors),
            "siglip": _siglip(folder, tensors),
            **_normalisation(folder),
        }
        language = _language(stated.get("text_config", {}), tensors)
        vocabulary = tensors["language_model.model.embed_tokens.weight"].shape[0]
        hidden = [tensors[f"projector.fc{n}.weight"].shape[0] for n in (1, 2)]
    except KeyError as problem:
        raise LayoutError(
            f"{folder}: tensor {problem} is missing; the files are incomplete or of another model"
        ) from problem
    patches = tensors[f"{DINO}pos_embed"].shape[1]
    return GeneratorConfig(
        vision=vision,
        language=language,
        image_size=vision["dino"]["image_size"],
        image_tokens=patches,
        vocabulary_size=vocabulary,
        state_dim=0,
        max_instruction_tokens=MAX_INSTRUCTION_TOKENS,
        max_text_tokens=MAX_TEXT_TOKENS,
        goal_codes=4,
        kinematics_codes=4,
        codes_per_level=min(256, vocabulary // 4),
        embedding_dim=EMBEDDING_DIM,
        projector=hidden,
        image_positions=False,
        images_first=True,
    )


def _dino(folder: Path, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    common = _tower(folder, tensors, DINO, "dino")
    width = common["hidden_size"]
    return common | {
        "mlp_ratio": tensors[f"{DINO}blocks.0.mlp.fc1.weight"].shape[0] // width,
        "num_register_tokens": tensors[f"{DINO}reg_token"].shape[1],
        "hidden_act": "gelu",
    }


def _siglip(folder: Path, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    return _tower(folder, tensors, SIGLIP, "siglip") | {
        "intermediate_size": tensors[f"{SIGLIP}blocks.0.mlp.fc1.weight"].shape[0],
        # The default of transformers is the tanh approximation, timm's is exact.
        "hidden_act": "gelu",
        "vision_use_head": False,
    }


def _tower(folder: Path, tensors: Mapping[str, Tensor], prefix: str, kind: str) -> dict[str, Any]:
    positions = tensors[f"{prefix}pos_embed"]
    patch = tensors[f"{prefix}patch_embed.proj.weight"].shape[-1]
    width = positions.shape[-1]
    return {
        "hidden_size": width,
        "num_hidden_layers": _count(tensors, f"{prefix}blocks.") - 1,
        "num_attention_heads": _heads(folder, kind, width),
        "patch_size": patch,
        "image_size": math.isqrt(positions.shape[1]) * patch,
        "layer_norm_eps": 1e-6,
    }


def _heads(folder: Path, kind: str, width: int) -> int:
    if width == HEADS[kind][0]:
        return HEADS[kind][1]
    path = folder / REDUCED_FILE
    try:
        return int(_read_json(path)[kind]["heads"])
    except (LayoutError, KeyError, TypeError, ValueError) as problem:
        raise LayoutError(
            f"{folder}: the {kind} tower is {width} wide, not {HEADS[kind][0]} as published, and "
            f'{path} does not name its attention heads: write {{"{kind}": {{"heads": …}}}} there'
        ) from problem


def _language(stated: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    prefix = "language_model.model."
    layer = f"{prefix}layers.0."
    defaults = LlamaConfig()
    width = tensors[f"{prefix}embed_tokens.weight"].shape[1]
    heads = stated.get("num_attention_heads", defaults.num_attention_heads)
    head = width // heads
    return {
        "hidden_size": width,
        "intermediate_size": tensors[f"{layer}mlp.gate_proj.weight"].shape[0],
        "num_hidden_layers": _count(tensors, f"{prefix}layers."),
        "num_attention_heads": heads,
        "num_key_value_heads": tensors[f"{layer}self_attn.k_proj.weight"].shape[0] // head,
        "max_position_embeddings": stated.get("max_position_embeddings", 2048),
        "rms_norm_eps": stated.get("rms_norm_eps", 1e-6),
        "attn_implementation": "sdpa",
    }


def _count(tensors: Mapping[str, Tensor], prefix: str) -> int:
    """Blocks of a stack; a gap shows when names are checked."""
    numbers = [int(n[len(prefix) :].split(".")[0]) for n in tensors if n.startswith(prefix)]
    if not numbers:
        raise KeyError(f"{prefix}0")
    return max(numbers) + 1


def _normalisation(folder: Path) -> dict[str, Any]:
    """Means and standard deviations of the six image channels."""
    found = {"means": [DINO_MEAN, SIGLIP_MEAN], "stds": [DINO_STD, SIGLIP_STD]}
    path = folder / PREPROCESSOR_FILE
    if path.is_file():
        stated = _read_json(path)
        found = {key: stated.get(key, value) for key, value in found.items()}
    try:
        flat = {key: [float(x) for row in rows for x in row] for key, rows in found.items()}
    except (TypeError, ValueError) as problem:
        raise LayoutError(f"{path}: means and stds must be two rows of three numbers") from problem
    if any(len(values) != 6 for values in flat.values()) or min(flat["stds"]) <= 0:
        raise LayoutError(f"{path}: means and stds must be two rows of three numbers, stds > 0")
    return flat


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return read_object(path, "download it again")
    except FileNotFoundError as problem:
        raise LayoutError(
            f"{path} is missing; give a folder with config.json, *.safetensors and tokenizer.json"
        ) from problem
    except FileError as problem:
        raise LayoutError(str(problem)) from problem
