"""A checkpoint folder: generator, tokenizer, decoder and contract, whole or refused."""

from __future__ import annotations

from pathlib import Path

import torch

from kinevla_ros.codec.contract import Contract, ContractError
from kinevla_ros.codec.onnx_decoder import OnnxDecoder
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.device import GpuOutOfMemory, naming_full_memory
from kinevla_ros.generator.model import Generator
from kinevla_ros.generator.weights import read_generator
from kinevla_ros.language.llama_vocabulary import open_vocabulary
from kinevla_ros.language.vocabulary import Vocabulary

DECODER_FILE, CONTRACT_FILE = "decoder.onnx", "kinevla.json"


class CheckpointError(ValueError):
    """The checkpoint folder is incomplete, damaged or its parts do not belong together."""


def load_generator(
    folder: Path, device: str | torch.device = "cpu"
) -> tuple[Generator, Vocabulary]:
    """Read config.json, tokenizer.json and model.safetensors.

    Weights keep the dtype in which they are stored; on a GPU those of the full size are bfloat16.

    Raises:
        CheckpointError: a file is missing or damaged, or they do not fit each other.
        GpuOutOfMemory: see there.
    """
    try:
        config = GeneratorConfig.load(folder)
        vocabulary = open_vocabulary(folder, config.vocabulary_size, config.codes_per_level)
        halved = torch.device(device).type == "cuda" and config.images_first
        dtype = torch.bfloat16 if halved else None
        with naming_full_memory():
            model = read_generator(folder, config, dtype, device)
    except GpuOutOfMemory:
        raise
    except FileNotFoundError as problem:
        raise CheckpointError(
            f"{folder} is no complete checkpoint: {problem}. A checkpoint is a folder with "
            "config.json, model.safetensors, tokenizer.json, decoder.onnx and kinevla.json"
        ) from problem
    except (ValueError, RuntimeError) as problem:
        raise CheckpointError(f"{folder} holds a damaged checkpoint: {problem}") from problem
    if len(vocabulary) != config.vocabulary_size:
        raise CheckpointError(
            f"{folder}: the tokenizer has {len(vocabulary)} ids and the model "
            f"{config.vocabulary_size}; they are from different checkpoints"
        )
    return model, vocabulary


def load_contract(folder: Path) -> Contract:
    """Read kinevla.json.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    try:
        return Contract.from_json((folder / CONTRACT_FILE).read_text())
    except (OSError, ContractError) as problem:
        raise CheckpointError(f"{folder} is no complete checkpoint: {problem}") from problem


def load_decoder(folder: Path, config: GeneratorConfig) -> OnnxDecoder:
    """Open decoder.onnx and hold it against kinevla.json and the generator.

    Raises:
        CheckpointError: a file is missing or damaged, or they do not fit each other.
    """
    for name in (DECODER_FILE, CONTRACT_FILE):
        if not (folder / name).is_file():
            raise CheckpointError(
                f"{folder} is no complete checkpoint: {name} is missing; "
                "`kinevla train generator` and `kinevla train lora` write it"
            )
    wanted = Contract(
        goal_levels=config.goal_codes,
        kinematics_levels=config.kinematics_codes,
        codes_per_level=config.codes_per_level,
    )
    try:
        decoder = OnnxDecoder(folder / DECODER_FILE, wanted)
        decoder.contract.require(load_contract(folder))
    except ContractError as problem:
        raise CheckpointError(f"{folder}: {problem}") from problem
    return decoder
