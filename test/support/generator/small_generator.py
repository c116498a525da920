"""A generator small enough for tests, of the same class and sequence as the shipped one."""

from dataclasses import replace

from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary


def small_config(vocabulary: Vocabulary) -> GeneratorConfig:
    """Two layers of width 64 on 32 px images."""
    return replace(
        GeneratorConfig.tiny(len(vocabulary)),
        vision={
            "model_type": "resnet",
            "num_channels": 3,
            "embedding_size": 16,
            "hidden_sizes": [16, 32],
            "depths": [1, 1],
            "layer_type": "basic",
        },
        language={
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "max_position_embeddings": 256,
        },
        image_size=32,
        image_tokens=16,
        max_text_tokens=20,
    )
