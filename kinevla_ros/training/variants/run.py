"""Training of the variants of a recipe, on the same data and from the same seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kinevla_ros.base.files.atomic import copy, write_json, write_text
from kinevla_ros.base.files.manifest import FILE_NAME as MANIFEST_FILE
from kinevla_ros.base.files.manifest import checked, digest, write_manifest
from kinevla_ros.base.files.tensor_file import read_tensors, save_tensors
from kinevla_ros.codec.bilevel import CodecConfig
from kinevla_ros.codec.bins import BinCodec
from kinevla_ros.codec.checkpoint import contract_of, load_codec
from kinevla_ros.codec.contract import Contract
from kinevla_ros.codec.onnx_export import export_onnx
from kinevla_ros.codec.statistics import ActionStatistics
from kinevla_ros.generator.checkpoint import CONTRACT_FILE, DECODER_FILE, load_generator
from kinevla_ros.generator.config import FILE_NAME as CONFIG_FILE
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.weights import MODEL_FILE
from kinevla_ros.language.task_file import save_tasks
from kinevla_ros.language.tokenizer.vocabulary import FILE_NAME as TOKENIZER_FILE
from kinevla_ros.training.codec.stages import PROGRESS_FILE, CodecSettings
from kinevla_ros.training.generator.batches import BatchMaker, GeneratorSettings
from kinevla_ros.training.generator.grounded_head import GroundedHead
from kinevla_ros.training.generator.motion_heads import MotionHead
from kinevla_ros.training.generator.samples import Samples
from kinevla_ros.training.generator.training import (
    RESUME_FILE,
    read_foresight,
    read_head,
    train_generator,
)
from kinevla_ros.training.pipeline import (
    CODEC,
    Coder,
    code_variants,
    codec_from_samples,
    copy_decoder,
    shape_for,
)
from kinevla_ros.training.variants.variants import BILEVEL, Variant
from kinevla_ros.training.variants.without_reasoning import InstructionBatches

DONE_FILE = "variant.json"
ENCODER = ("vision.", "projector.", "image_position", "state.", "locator.")
"""Beginnings of the names of the weights that find the objects."""

_CODECS: dict[str, CodecConfig] = {
    "bilevel": CODEC,
    "literal": replace(CODEC, literal=True),
    "single-level": replace(CODEC, goal_levels=0, kinematics_levels=CODEC.levels),
}


@dataclass(frozen=True)
class Study:
    """What all variants share.

    Attributes:
        samples: data of all of them.
        out: folder with a folder for each variant and for each codec.
        generator, codec: how to train, before a variant's changes.
        encoder: checkpoint whose encoder all variants start from; a random one without it.
        base: the generator's configuration by the size of its vocabulary.
    """

    samples: Samples
    out: Path
    generator: GeneratorSettings
    codec: CodecSettings
    encoder: Path | None = None
    base: Callable[[int], GeneratorConfig] = GeneratorConfig.tiny

    def identity(self) -> dict[str, Any]:
        """What must be the same for two variants to stand in one table."""
        encoder = self.encoder and digest(self.encoder / MODEL_FILE)[:12]
        return {
            "frames": list(self.samples.parts),
            "steps": self.generator.steps,
            "seed": self.generator.seed,
            "encoder": encoder,
        }


def train_variant(variant: Variant, study: Study) -> Path:
    """Train a variant, or go on, or find that it is done; returns its checkpoint's folder.

    Raises:
        ValueError: what is there was trained with other settings.
    """
    folder = study.out / variant.name
    if (folder / DONE_FILE).is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    if variant.goal_only:
        _without_kinematics(train_variant(BILEVEL, study), study, folder)
    else:
        _train(variant, study, folder)
    description = _description(variant, folder)
    write_json(folder / DONE_FILE, description)
    return folder


def _train(variant: Variant, study: Study, folder: Path) -> None:
    coder, codec_folder = _coder(variant, study)
    vocabulary, config = shape_for(coder.contract, study.samples.tasks, base=study.base)
    # Who writes no words can write no refusal.
    refusals = study.generator.refusal_share if variant.words else 0.0
    train_generator(
        study.samples,
        code_variants(study.samples, coder, study.generator.seed),
        vocabulary,
        config,
        replace(study.generator, weights=variant.weights, refusal_share=refusals),
        folder,
        _start(study, config, folder),
        resume=(folder / RESUME_FILE).is_file(),
        batches=BatchMaker if variant.words else InstructionBatches,
        head=variant.head or MotionHead,
    )
    if codec_folder:
        copy_decoder(codec_folder, study.samples.tasks, folder)
    else:
        save_tasks(study.samples.tasks, folder)
    write_manifest(folder)


def _start(study: Study, config: GeneratorConfig, folder: Path) -> Path | None:
    """A checkpoint with the study's encoder and the rest random: vocabularies differ in size."""
    if study.encoder is None:
        return None
    torch.manual_seed(study.generator.seed)
    state = Generator(config).state_dict()
    whole = read_tensors(checked(study.encoder, MODEL_FILE))
    encoder = {k: v for k, v in whole.items() if k.startswith(ENCODER)}
    own = {k: v.shape for k, v in state.items() if k.startswith(ENCODER)}
    if own != {k: v.shape for k, v in encoder.items()}:
        raise ValueError(
            f"{study.encoder} has an encoder of another shape; train it with this version"
        )
    start = folder / "start"
    start.mkdir(exist_ok=True)
    save_tensors(start / MODEL_FILE, state | encoder)
    write_manifest(start)
    return start


def _without_kinematics(whole: Path, study: Study, folder: Path) -> None:
    """The shipped recipe's checkpoint with a decoder that takes the goal codes alone to motion."""
    for name in (CONFIG_FILE, TOKENIZER_FILE, MODEL_FILE):
        copy(checked(whole, name), folder / name)
    trained = load_codec(_codec_folder(BILEVEL, study))
    trained.codec.kinematics_stack.codebooks.zero_()
    export_onnx(trained.codec, trained.statistics, folder / DECODER_FILE)
    contract = contract_of(trained.codec, trained.statistics)
    write_text(folder / CONTRACT_FILE, contract.to_json() + "\n")
    save_tasks(study.samples.tasks, folder)
    write_manifest(folder)


class _NoCodes:
    """The coder of a generator that writes none."""

    contract = Contract(goal_levels=0, kinematics_levels=0)

    def encode(
        self, chunks: NDArray[np.float32], common: object = None, disturbance: float = 0.0
    ) -> NDArray[np.int64]:
        """Codes of shape (N, 0)."""
        return np.zeros((len(chunks), 0), np.int64)


def _coder(variant: Variant, study: Study) -> tuple[Coder, Path | None]:
    """What encodes, trained if it is not yet, and the folder of its decoder."""
    if variant.codec is None:
        return _NoCodes(), None
    folder = _codec_folder(variant, study)
    done = (folder / MANIFEST_FILE).is_file() and (folder / CONTRACT_FILE).is_file()
    if variant.codec == "bins":
        bins = BinCodec(ActionStatistics.fit(study.samples.chunks[study.samples.valid]))
        if not done:
            bins.export(folder / DECODER_FILE)
            write_text(folder / CONTRACT_FILE, bins.contract.to_json() + "\n")
            write_manifest(folder)
        return bins, folder
    if not done:
        config, settings = _CODECS[variant.codec], study.codec
        if not config.goal_levels:
            steps = settings.goal_steps + settings.kinematics_steps
            settings = replace(settings, goal_steps=0, kinematics_steps=steps, goal_only_share=0.0)
        resume = (folder / PROGRESS_FILE).is_file()
        codec_from_samples(study.samples, folder, settings, resume, config)
    return load_codec(folder), folder


def _codec_folder(variant: Variant, study: Study) -> Path:
    return study.out / "codecs" / str(variant.codec)


def _description(variant: Variant, folder: Path) -> dict[str, Any]:
    """What a table says of a variant, and how its objective was weighted."""
    model, _ = load_generator(folder)
    parts: list[nn.Module] = [model]
    if variant.head:
        parts.append(read_head(folder, model.config, variant.head))
    if variant.head is GroundedHead:
        parts.append(read_foresight(folder, model))
    return {
        "name": variant.name,
        "changes": variant.changes,
        "source": variant.source,
        # The slow copy serves training alone.
        "parameters": sum(
            p.numel()
            for part in parts
            for name, p in part.named_parameters()
            if not name.startswith("slow.")
        ),
        "codes": model.config.goal_codes + model.config.kinematics_codes,
        "weights": asdict(variant.weights),
    }
