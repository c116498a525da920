"""Configuration of the one model class; `tiny()` is the size trained from nothing.

`generator/openvla/layout.py` makes the configuration of a converted OpenVLA checkpoint.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kinevla_ros.base.files.atomic import write_json
from kinevla_ros.base.files.damage import FileError
from kinevla_ros.base.files.json_file import read_object
from kinevla_ros.base.files.manifest import checked
from kinevla_ros.codec.amount import CODES_PER_LEVEL
from kinevla_ros.generator.config_checks import check_config

FILE_NAME = "config.json"


@dataclass(frozen=True)
class GeneratorConfig:
    """Everything that fixes the shape of a generator.

    Attributes:
        vision: keyword arguments of a transformers vision configuration, with its `model_type`;
            `dino_siglip` takes two of them, see `network/vision.py`.
        language: keyword arguments of `LlamaConfig` except the vocabulary.
        image_size: side of the square image that the vision tower reads (px).
        image_tokens: tokens that the tower gives for one image.
        cameras: images of an observation.
        state_dim: numbers of the measured state, which is one token. With 0 the model reads images
            and words only.
        scene_dim: numbers that say where the objects are; the image and state tokens are read for
            them, and the estimate is one token. With 0 there is none.
        max_instruction_tokens: room for the instruction; longer ones are refused.
        max_text_tokens: longest reasoning text of one level.
        goal_codes, kinematics_codes: residual levels of each stack.
        codes_per_level: entries of each codebook.
        vocabulary_size: text ids and code ids together.
        embedding_dim: width of the embeddings that the InfoNCE loss compares.
        projector: hidden widths between vision and language; one as wide as the language model
            without it.
        image_positions: whether each image token has a learnt position.
        images_first: whether the images come right after the prompt's first token, each position
            seeing only earlier ones, as OpenVLA was trained. Without it the prompt comes first,
            so that its cache is kept, and image tokens see each other.

    Raises:
        ValueError: a value cannot be of a generator; it is named.
    """

    vision: dict[str, Any]
    language: dict[str, Any]
    image_size: int
    image_tokens: int
    vocabulary_size: int
    cameras: int = 2
    state_dim: int = 8
    scene_dim: int = 0
    max_instruction_tokens: int = 20
    max_text_tokens: int = 24
    goal_codes: int = 2
    kinematics_codes: int = 2
    codes_per_level: int = CODES_PER_LEVEL
    embedding_dim: int = 64
    projector: list[int] | None = None
    image_positions: bool = True
    images_first: bool = False

    def __post_init__(self) -> None:
        check_config(self)

    @classmethod
    def tiny(cls, vocabulary_size: int) -> GeneratorConfig:
        """A few million parameters, for 96 px images."""
        vision = {
            "model_type": "resnet",
            "num_channels": 3,
            "embedding_size": 32,
            "hidden_sizes": [32, 64, 128, 192],
            "depths": [1, 1, 1, 1],
            "layer_type": "basic",
        }
        language = {
            "hidden_size": 192,
            "intermediate_size": 512,
            "num_hidden_layers": 4,
            "num_attention_heads": 6,
            "max_position_embeddings": 256,
        }
        return cls(
            vision,
            language,
            image_size=96,
            image_tokens=9,
            vocabulary_size=vocabulary_size,
            scene_dim=12,
        )

    def save(self, folder: Path) -> None:
        """Write config.json into the folder."""
        write_json(folder / FILE_NAME, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> GeneratorConfig:
        """Read config.json of a checkpoint.

        Raises:
            FileNotFoundError: there is none.
            ManifestError: it is not the one of the checkpoint.
            FileError: it is no generator configuration.
        """
        path = checked(folder, FILE_NAME)
        cure = "copy the checkpoint again"
        found = read_object(path, cure)
        try:
            return cls(**found)
        except (TypeError, ValueError) as problem:
            raise FileError(f"{path} is no generator configuration: {problem}; {cure}") from problem
