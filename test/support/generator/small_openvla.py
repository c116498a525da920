"""A complete checkpoint of OpenVLA's layout, small, that writes one command for one observation."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from openvla_fixture import CODES, llama_tokenizer, published
from safetensors.torch import save_file
from shipped_tasks import goal_text, kinematics_text, parse_instruction

from kinevla_ros.base.files.manifest import write_manifest
from kinevla_ros.codec.bilevel import BilevelCodec, CodecConfig
from kinevla_ros.codec.checkpoint import Codec
from kinevla_ros.codec.onnx_export import export_onnx
from kinevla_ros.codec.statistics import ActionStatistics
from kinevla_ros.evaluation.bench.engine.random_model import plant_words
from kinevla_ros.generator.checkpoint import CONTRACT_FILE, DECODER_FILE, load_generator
from kinevla_ros.generator.openvla.openvla import convert_openvla
from kinevla_ros.generator.pictures.squares import pixels, square
from kinevla_ros.generator.weights import MODEL_FILE
from kinevla_ros.language.task_file import kine_realman, save_tasks
from kinevla_ros.language.tokenizer.llama_vocabulary import LlamaVocabulary

REACH = 0.02
"""Joint offsets of the untrained codec stay below this, rad."""


def small_openvla(folder: Path, instruction: str, images: Mapping[str, np.ndarray]) -> Path:
    """Convert the fixture and add a codec; these pictures and this instruction it understands."""
    source = published(folder / "published", patches=16)
    target = folder / "model"
    convert_openvla(source, target)
    codec = BilevelCodec(CodecConfig(latent_dim=16, hidden_dim=32, codes_per_level=CODES)).eval()
    bounds = np.full(7, REACH, np.float32)
    statistics = ActionStatistics(np.append(-bounds, 0.0), np.append(bounds, 0.07))
    export_onnx(codec, statistics, target / DECODER_FILE)
    contract = Codec(codec, statistics).contract
    (target / CONTRACT_FILE).write_text(contract.to_json())
    save_tasks(kine_realman(), target)
    write_manifest(target)
    model, _ = load_generator(target)
    model.config = config = replace(
        model.config,
        max_instruction_tokens=96,
        max_text_tokens=40,
        goal_codes=contract.goal_levels,
        kinematics_codes=contract.kinematics_levels,
        codes_per_level=CODES,
    )
    config.save(target)
    vocabulary = LlamaVocabulary(llama_tokenizer(), config.vocabulary_size, CODES)
    command = parse_instruction(instruction)
    words = [vocabulary.encode_text(write(command)) for write in (goal_text, kinematics_text)]
    seen = np.stack([square(images[n], config.image_size) for n in ("front", "wrist")])
    plant_words(
        model, vocabulary, command.prompt, pixels(config, seen), torch.zeros(8), *map(tuple, words)
    )
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, target / MODEL_FILE)
    write_manifest(target)
    return target
