"""What a generator's configuration may hold.

Only known keys with known values reach transformers, whose own configurations would take any key,
fetch code for some, and build for minutes what a wrong number asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kinevla_ros.base.action_space import MOST_CAMERAS
from kinevla_ros.base.axes import MOST_DIMENSIONS
from kinevla_ros.base.files.fields import integer, integers, number, numbers, one_of, only_keys
from kinevla_ros.codec.contract import LARGEST_CODEBOOK

if TYPE_CHECKING:
    from kinevla_ros.generator.config import GeneratorConfig

CONVOLUTIONAL, FUSED = "resnet", "dino_siglip"
WIDEST, MOST_BLOCKS, MOST_HEADS = 16_384, 128, 256
MOST_IDS, MOST_CODES = 1_000_000, 256
LARGEST_IMAGE, MOST_IMAGE_TOKENS, MOST_TEXT = 1024, 4096, 4096
_RESNET = ["model_type", "num_channels", "embedding_size", "hidden_sizes", "depths", "layer_type"]
_TOWER = (
    *("hidden_size", "num_hidden_layers", "num_attention_heads"),
    *("patch_size", "image_size", "layer_norm_eps", "hidden_act"),
)
_DINO = (*_TOWER, "mlp_ratio", "num_register_tokens")
_SIGLIP = (*_TOWER, "intermediate_size", "vision_use_head")
_LANGUAGE = (
    *("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
    *("num_key_value_heads", "max_position_embeddings", "rms_norm_eps", "attn_implementation"),
)


def check_config(config: GeneratorConfig) -> None:
    """Raise ValueError, naming the field, where a configuration cannot be of a generator."""
    integer("image_size", config.image_size, 8, LARGEST_IMAGE)
    integer("image_tokens", config.image_tokens, 1, MOST_IMAGE_TOKENS)
    integer("vocabulary_size", config.vocabulary_size, 0, MOST_IDS)
    integer("cameras", config.cameras, 1, MOST_CAMERAS)
    integer("state_dim", config.state_dim, 0, MOST_DIMENSIONS)
    integer("scene_dim", config.scene_dim, 0, 64)
    integer("max_instruction_tokens", config.max_instruction_tokens, 1, MOST_TEXT)
    integer("max_text_tokens", config.max_text_tokens, 1, MOST_TEXT)
    integer("goal_codes", config.goal_codes, 0, MOST_CODES)
    integer("kinematics_codes", config.kinematics_codes, 0, MOST_CODES)
    integer("codes_per_level", config.codes_per_level, 1, LARGEST_CODEBOOK)
    integer("embedding_dim", config.embedding_dim, 1, WIDEST)
    if config.projector is not None:
        integers("projector", config.projector, 8, 1, 4 * WIDEST)
    one_of("image_positions", config.image_positions, (True, False))
    one_of("images_first", config.images_first, (True, False))
    _check_language(config.language)
    tokens = _check_vision(config.vision, config.image_size)
    if config.image_tokens != tokens:
        raise ValueError(
            f"image_tokens is {config.image_tokens}, and the vision part gives {tokens} for "
            f"images of {config.image_size} px"
        )


def _check_language(language: Mapping[str, Any]) -> None:
    only_keys("language", language, _LANGUAGE)
    _check_blocks("language", language)
    heads = language["num_attention_heads"]
    integer("language intermediate_size", language.get("intermediate_size"), 1, 4 * WIDEST)
    groups = integer("num_key_value_heads", language.get("num_key_value_heads", heads), 1, heads)
    if heads % groups:
        raise ValueError(f"num_attention_heads is {heads}, no multiple of {groups} key-value heads")
    if language["hidden_size"] // heads % 2:
        raise ValueError("language hidden_size gives heads of an odd width")
    integer("max_position_embeddings", language.get("max_position_embeddings"), 1, 1 << 20)
    number("rms_norm_eps", language.get("rms_norm_eps", 1e-6), 1e-12, 1.0)
    one_of("attn_implementation", language.get("attn_implementation", "eager"), ("eager", "sdpa"))


def _check_vision(vision: Mapping[str, Any], image_size: int) -> int:
    """Hold the vision part against what is known; returns its tokens for an image."""
    kind = vision.get("model_type") if isinstance(vision, Mapping) else None
    if one_of("vision model_type", kind, (CONVOLUTIONAL, FUSED)) == CONVOLUTIONAL:
        return _check_resnet(vision, image_size)
    only_keys("vision", vision, ("model_type", "means", "stds", "dino", "siglip"))
    numbers("vision means", vision.get("means"), 6, -10.0, 10.0)
    numbers("vision stds", vision.get("stds"), 6, 1e-3, 10.0)
    dino = only_keys("vision dino", vision.get("dino"), _DINO)
    siglip = only_keys("vision siglip", vision.get("siglip"), _SIGLIP)
    number("dino mlp_ratio", dino.get("mlp_ratio"), 0.01, 64)
    integer("dino num_register_tokens", dino.get("num_register_tokens"), 0, 64)
    integer("siglip intermediate_size", siglip.get("intermediate_size"), 1, 4 * WIDEST)
    one_of("siglip vision_use_head", siglip.get("vision_use_head"), (False,))
    tokens = {_check_tower(name, vision[name], image_size) for name in ("dino", "siglip")}
    if len(tokens) > 1:
        raise ValueError("the towers dino and siglip give different numbers of tokens")
    return tokens.pop()


def _check_resnet(vision: Mapping[str, Any], image_size: int) -> int:
    only_keys("vision", vision, _RESNET)
    one_of("vision num_channels", vision.get("num_channels"), (3,))
    one_of("vision layer_type", vision.get("layer_type"), ("basic", "bottleneck"))
    integer("vision embedding_size", vision.get("embedding_size"), 1, WIDEST)
    widths = integers("vision hidden_sizes", vision.get("hidden_sizes"), 8, 4, WIDEST)
    depths = integers("vision depths", vision.get("depths"), 8, 1, MOST_BLOCKS)
    if len(widths) != len(depths) or sum(depths) > MOST_BLOCKS:
        raise ValueError("vision depths and hidden_sizes are not of the same stages, or too many")
    side = image_size
    # The first convolution, the pooling and every stage but the first halve the image.
    for _ in range(1 + len(widths)):
        side = -(-side // 2)
    return side * side


def _check_tower(name: str, tower: Mapping[str, Any], image_size: int) -> int:
    _check_blocks(name, tower)
    one_of(f"{name} image_size", tower.get("image_size"), (image_size,))
    patch = integer(f"{name} patch_size", tower.get("patch_size"), 1, image_size)
    number(f"{name} layer_norm_eps", tower.get("layer_norm_eps"), 1e-12, 1.0)
    one_of(f"{name} hidden_act", tower.get("hidden_act"), ("gelu",))
    return (image_size // patch) ** 2


def _check_blocks(name: str, part: Mapping[str, Any]) -> None:
    width = integer(f"{name} hidden_size", part.get("hidden_size"), 1, WIDEST)
    integer(f"{name} num_hidden_layers", part.get("num_hidden_layers"), 1, MOST_BLOCKS)
    heads = integer(f"{name} num_attention_heads", part.get("num_attention_heads"), 1, MOST_HEADS)
    if width % heads:
        raise ValueError(f"{name} hidden_size {width} is no multiple of its {heads} heads")
