"""Baselines and ablations of the recipe, each a few changed settings of it, and their training."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from kinevla_ros.codec.bilevel import CodecConfig
from kinevla_ros.codec.bins import BinCodec
from kinevla_ros.codec.checkpoint import contract_of, load_codec
from kinevla_ros.codec.contract import Contract
from kinevla_ros.codec.onnx_export import export_onnx
from kinevla_ros.codec.statistics import ActionStatistics
from kinevla_ros.generator.config import FILE_NAME as CONFIG_FILE
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.policy import CONTRACT_FILE, DECODER_FILE, load_generator
from kinevla_ros.language.vocabulary import FILE_NAME as TOKENIZER_FILE
from kinevla_ros.training.batches import BatchMaker, GeneratorSettings
from kinevla_ros.training.codec import PROGRESS_FILE, CodecSettings
from kinevla_ros.training.generator import (
    MODEL_FILE,
    RESUME_FILE,
    read_head,
    train_generator,
)
from kinevla_ros.training.heads import FlowHead, Head, MotionHead
from kinevla_ros.training.instructed import InstructionBatches
from kinevla_ros.training.objective import LossWeights
from kinevla_ros.training.pipeline import (
    CODEC,
    Coder,
    code_variants,
    codec_from_samples,
    copy_decoder,
    shape_for,
)
from kinevla_ros.training.samples import Samples

DONE_FILE = "variant.json"
NO_WORDS = LossWeights(text=0.0, mutual_information=0.0)
NO_CODES = replace(NO_WORDS, codes=0.0)


@dataclass(frozen=True)
class Variant:
    """What is other than in the shipped recipe.

    Attributes:
        name: of its folder and its row.
        changes: what is other, for a reader.
        source: what it stands for.
        codec: what gives the codes of a chunk.
        weights: of the objective's terms.
        words: whether reasoning is written; without it the codes read the instruction itself.
        head: what gives the chunk where there are no codes.
        goal_only: whether it is the shipped recipe with the kinematics codes left undecoded.
    """

    name: str
    changes: str
    source: str
    codec: Literal["bilevel", "literal", "single-level", "bins"] | None = "bilevel"
    weights: LossWeights = field(default_factory=LossWeights)
    words: bool = True
    head: type[Head] | None = None
    goal_only: bool = False


BILEVEL = Variant("bilevel", "nothing: the shipped recipe", "KineVLA")
VARIANTS = (
    BILEVEL,
    Variant(
        "no-infonce",
        "no InfoNCE between words and codes",
        "KineVLA's ablation",
        weights=LossWeights(mutual_information=0.0),
    ),
    Variant(
        "literal",
        "one encoder for both levels of the codec, trained on in stage II",
        "KineVLA, section 3.1 word for word",
        codec="literal",
    ),
    Variant(
        "goal-only",
        "the same checkpoint; only the goal codes are decoded",
        "KineVLA's ablation",
        goal_only=True,
    ),
    Variant(
        "single-level",
        "one residual stack of as many codes, written after both texts",
        "VQ-VLA",
        codec="single-level",
    ),
    Variant(
        "no-reasoning",
        "no words and no InfoNCE; the codes read the instruction",
        "KineVLA's ablation",
        weights=NO_WORDS,
        words=False,
    ),
    Variant(
        "regression",
        "no words, no codes; a linear head gives the chunk, L1",
        "OpenVLA-OFT",
        codec=None,
        weights=NO_CODES,
        words=False,
        head=MotionHead,
    ),
    Variant(
        "bins",
        "no words; each number of the chunk is one of 256 bins",
        "OpenVLA",
        codec="bins",
        weights=NO_WORDS,
        words=False,
    ),
    Variant(
        "flow",
        "no words, no codes; a small flow-matching head gives the chunk in 10 steps",
        "after pi0.5",
        codec=None,
        weights=NO_CODES,
        words=False,
        head=FlowHead,
    ),
)

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
        base: the generator's configuration by the size of its vocabulary.
    """

    samples: Samples
    out: Path
    generator: GeneratorSettings
    codec: CodecSettings
    base: Callable[[int], GeneratorConfig] = GeneratorConfig.tiny


def chosen(names: Sequence[str]) -> list[Variant]:
    """Variants by their names, in the order of `VARIANTS`. Raises ValueError on another name."""
    known = [variant.name for variant in VARIANTS]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ValueError(f"no variant is called {', '.join(unknown)}; there is {', '.join(known)}")
    return [variant for variant in VARIANTS if variant.name in names]


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
    (folder / DONE_FILE).write_text(json.dumps(description, indent=2) + "\n")
    return folder


def _train(variant: Variant, study: Study, folder: Path) -> None:
    coder, codec_folder = _coder(variant, study)
    vocabulary, config = shape_for(coder.contract, study.base)
    # Who writes no words can write no refusal.
    refusals = study.generator.refusal_share if variant.words else 0.0
    train_generator(
        study.samples,
        code_variants(study.samples, coder, study.generator.seed),
        vocabulary,
        config,
        replace(study.generator, weights=variant.weights, refusal_share=refusals),
        folder,
        resume=(folder / RESUME_FILE).is_file(),
        batches=BatchMaker if variant.words else InstructionBatches,
        head=variant.head or MotionHead,
    )
    if codec_folder:
        copy_decoder(codec_folder, folder)


def _without_kinematics(whole: Path, study: Study, folder: Path) -> None:
    """The shipped recipe's checkpoint with a decoder that takes the goal codes alone to motion."""
    for name in (CONFIG_FILE, TOKENIZER_FILE, MODEL_FILE):
        shutil.copyfile(whole / name, folder / name)
    trained = load_codec(_codec_folder(BILEVEL, study))
    trained.codec.kinematics_stack.codebooks.zero_()
    export_onnx(trained.codec, trained.statistics, folder / DECODER_FILE)
    contract = contract_of(trained.codec, trained.statistics)
    (folder / CONTRACT_FILE).write_text(contract.to_json() + "\n")


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
    done = (folder / CONTRACT_FILE).is_file()
    if variant.codec == "bins":
        bins = BinCodec(ActionStatistics.fit(study.samples.chunks[study.samples.valid]))
        if not done:
            bins.export(folder / DECODER_FILE)
            (folder / CONTRACT_FILE).write_text(bins.contract.to_json() + "\n")
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
    return {
        "name": variant.name,
        "changes": variant.changes,
        "source": variant.source,
        "parameters": sum(p.numel() for part in parts for p in part.parameters()),
        "codes": model.config.goal_codes + model.config.kinematics_codes,
        "weights": asdict(variant.weights),
    }
