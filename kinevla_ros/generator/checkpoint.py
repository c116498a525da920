"""A checkpoint folder: generator, tokenizer, decoder and contract, whole or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from kinevla_ros.base.files.damage import one_line
from kinevla_ros.base.files.json_file import LARGEST, read_bounded
from kinevla_ros.base.files.manifest import ManifestError, checked
from kinevla_ros.codec.contract import Contract, ContractError
from kinevla_ros.codec.onnx_decoder import OnnxDecoder
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.device import GpuOutOfMemory, naming_full_memory
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.weights import read_generator
from kinevla_ros.language.task_file import FILE_NAME as TASKS_FILE
from kinevla_ros.language.task_file import TaskSetError, load_tasks, shipped_file
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.language.tokenizer.llama_vocabulary import open_vocabulary
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary

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
        if len(vocabulary) != config.vocabulary_size:
            raise CheckpointError(
                f"{folder}: the tokenizer has {len(vocabulary)} ids and the model "
                f"{config.vocabulary_size}; they are from different checkpoints"
            )
        halved = torch.device(device).type == "cuda" and config.images_first
        dtype = torch.bfloat16 if halved else None
        with naming_full_memory():
            model = read_generator(folder, config, dtype, device)
    except (GpuOutOfMemory, CheckpointError):
        raise
    except FileNotFoundError as problem:
        raise CheckpointError(
            f"{folder} is no complete checkpoint: {problem}. A checkpoint is a folder with "
            "config.json, model.safetensors, tokenizer.json, decoder.onnx, kinevla.json, "
            "tasks.yaml and manifest.json"
        ) from problem
    except (ValueError, RuntimeError, OSError) as problem:
        raise CheckpointError(
            f"{folder} holds a damaged checkpoint: {one_line(problem, 2000)}"
        ) from problem
    return model, vocabulary


def load_contract(folder: Path) -> Contract:
    """Read kinevla.json.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    try:
        path = checked(folder, CONTRACT_FILE)
        return Contract.from_json(read_bounded(path, LARGEST).decode())
    except (OSError, ValueError) as problem:
        raise CheckpointError(
            f"{folder} is no complete checkpoint: {one_line(problem)}"
        ) from problem


def load_task_set(folder: Path) -> TaskSet:
    """Read tasks.yaml: what can be said to the model.

    Raises:
        CheckpointError: it is missing, damaged or no task set.
    """
    if not (folder / TASKS_FILE).is_file():
        raise CheckpointError(
            f"{folder} is no complete checkpoint: {TASKS_FILE} is missing. If it was trained on "
            f"the shipped tasks, copy {shipped_file()} there under that name and run "
            f"`kinevla manifest {folder}`"
        )
    try:
        return load_tasks(checked(folder, TASKS_FILE))
    except (TaskSetError, ManifestError, OSError) as problem:
        raise CheckpointError(f"{folder}: {one_line(problem, 2000)}") from problem


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
    contract = load_contract(folder)
    wanted = replace(
        contract,
        goal_levels=config.goal_codes,
        kinematics_levels=config.kinematics_codes,
        codes_per_level=config.codes_per_level,
    )
    try:
        decoder = OnnxDecoder(checked(folder, DECODER_FILE), wanted)
        decoder.contract.require(contract)
    except (ContractError, ManifestError, OSError) as problem:
        raise CheckpointError(f"{folder}: {one_line(problem, 2000)}") from problem
    seen = len(contract.space.cameras), len(contract.space.state_names)
    if config.cameras != seen[0] or config.state_dim not in (0, seen[1]):
        raise CheckpointError(
            f"{folder}: the model reads {config.cameras} cameras and a state of "
            f"{config.state_dim} numbers, and its contract names {seen[0]} cameras and {seen[1]} "
            "numbers; they are from different checkpoints"
        )
    return decoder
