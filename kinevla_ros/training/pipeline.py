"""From a dataset to a codec, and from dataset and codec to a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from kinevla_ros.base.files.atomic import copy, write_text
from kinevla_ros.base.files.lock import only_writer, require_free
from kinevla_ros.base.files.manifest import checked, write_manifest
from kinevla_ros.codec.bilevel import CodecConfig
from kinevla_ros.codec.checkpoint import DESCRIPTION, WEIGHTS, load_codec
from kinevla_ros.codec.contract import Contract
from kinevla_ros.codec.onnx_export import export_onnx
from kinevla_ros.data.action_space_file import Wanted
from kinevla_ros.generator.checkpoint import CONTRACT_FILE, DECODER_FILE
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.onnx.export import export_graphs
from kinevla_ros.language.task_file import FILE_NAME as TASKS_FILE
from kinevla_ros.language.task_file import load_tasks, save_tasks
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary
from kinevla_ros.training.codec.report import CodecReport
from kinevla_ros.training.codec.stages import CodecSettings, train_codec
from kinevla_ros.training.generator.batches import GeneratorSettings
from kinevla_ros.training.generator.samples import PictureSource, Samples, load_samples
from kinevla_ros.training.generator.square_cache import FROM_VIDEOS
from kinevla_ros.training.generator.training import train_generator

MAX_CODEC_CHUNKS = 400_000
CODEC = CodecConfig(goal_levels=3, kinematics_levels=3)
"""Two levels a stack leave 8.5 mrad of error near a grasp, three 5.2."""

DISTURBANCES = (0.1, 0.2, 0.3)
"""Noise on the goal latents of the disturbed variants of a chunk's codes."""


class Coder(Protocol):
    """What gives a generator its codes, such as a `Codec`."""

    @property
    def contract(self) -> Contract:
        """Shape and meaning of the codes."""

    def encode(
        self,
        chunks: NDArray[np.float32],
        common: NDArray[np.float32] | None = None,
        disturbance: float = 0.0,
    ) -> NDArray[np.int64]:
        """Codes of physical chunks; see `Codec.encode`."""


def codec_from_dataset(
    datasets: Sequence[Path],
    out: Path,
    settings: CodecSettings,
    resume: bool,
    cameras: Mapping[str, str] | None = None,
) -> CodecReport:
    """Train a codec on every labelled chunk of the datasets and export its ONNX decoder.

    The datasets' actions and cameras become those of its contract.

    Args:
        cameras: as of `load_samples`.

    Raises:
        DatasetError: the dataset is missing or damaged.
        ActionSpaceError: the datasets' actions or cameras differ.
        FolderInUse: another process writes to `out`.
    """
    require_free(out)
    samples = load_samples(datasets, image_size=None, cameras=cameras)
    return codec_from_samples(samples, out, settings, resume)


def codec_from_samples(
    samples: Samples,
    out: Path,
    settings: CodecSettings,
    resume: bool,
    config: CodecConfig = CODEC,
) -> CodecReport:
    """Train a codec on every labelled chunk of samples and export its ONNX decoder.

    Raises:
        FolderInUse: another process writes to `out`.
    """
    chunks, common = samples.chunks[samples.valid], samples.common()[samples.valid]
    # Every n-th chunk, so that all episodes stay in.
    stride = max(1, -(-len(chunks) // MAX_CODEC_CHUNKS))
    with only_writer(out):
        report = train_codec(
            chunks[::stride],
            common[::stride],
            settings,
            out,
            config=config,
            space=samples.space,
            resume=resume,
        )
        trained = load_codec(out)
        export_onnx(trained.codec, trained.statistics, out / DECODER_FILE, trained.space)
        write_text(out / CONTRACT_FILE, trained.contract.to_json() + "\n")
        write_manifest(out)
    return report


def generator_from_dataset(
    datasets: Sequence[Path],
    codec: Path,
    out: Path,
    settings: GeneratorSettings,
    start: Path | None,
    resume: bool,
    cameras: Mapping[str, str] | None = None,
    pictures: PictureSource = FROM_VIDEOS,
) -> Path:
    """Train a tiny generator; `out` becomes a complete checkpoint.

    Args:
        datasets: folders; each is drawn from equally often.
        codec: folder of the trained codec.
        out: folder of the checkpoint and its log.
        settings: how to train.
        start: checkpoint whose weights to start from; random ones without it.
        resume: go on from the last save in `out`.
        cameras, pictures: as of `load_samples`.

    Raises:
        DatasetError: the dataset is missing or damaged.
        ActionSpaceError: the actions or cameras of the datasets are not the codec's.
        ContractError: the codec is damaged.
        FileNotFoundError: no codec, or nothing to resume.
        ValueError: the run was begun with other settings, data or codec, or see `train_generator`.
        FolderInUse: another process writes to `out`.
    """
    require_free(out)
    trained = load_codec(codec)
    wanted = Wanted(trained.space, f"the codec {codec}")
    size = GeneratorConfig.tiny(0).image_size
    samples = load_samples(datasets, size, cameras, wanted, pictures)
    vocabulary, config = shape_for(trained.contract, samples.tasks, start)
    # Where no dataset has places of objects nothing could teach a scene token.
    scene = GeneratorConfig.load(start).scene_dim if start else samples.scene.shape[1]
    config = replace(config, scene_dim=scene)
    codes = code_variants(samples, trained, settings.seed)
    with only_writer(out):
        begin_with_decoder(codec, samples.tasks, out)
        train_generator(samples, codes, vocabulary, config, settings, out, start, resume)
        # With its codec a checkpoint can be trained on.
        for name in (WEIGHTS, DESCRIPTION):
            copy(checked(codec, name), out / name)
        write_manifest(out)
        export_graphs(out)
    return out


def shape_for(
    contract: Contract,
    tasks: TaskSet,
    start: Path | None = None,
    base: Callable[[int], GeneratorConfig] = GeneratorConfig.tiny,
) -> tuple[Vocabulary, GeneratorConfig]:
    """Vocabulary and configuration of a generator whose codes keep a contract.

    Args:
        tasks: what it is to read and write; there is room for its longest texts.
        start: checkpoint whose weights it starts from, and so whose vocabulary it has.
        base: the configuration of a vocabulary's size.

    Raises:
        VocabularyError: the vocabulary cannot write the tasks' texts.
    """
    if not contract.space.cameras:
        raise ValueError("a generator needs a camera, and the codec was trained without any")
    if start is None:
        vocabulary = Vocabulary.from_tasks(tasks, contract.codes_per_level)
    else:
        vocabulary = Vocabulary.load(start).writing(tasks)
    own = base(len(vocabulary))
    prompts = [len(vocabulary.prompt_ids(command.prompt)) for command in tasks.commands]
    texts = [len(vocabulary.encode_text(text)) for pair in tasks.texts() for text in pair]
    config = replace(
        own,
        cameras=len(contract.space.cameras),
        state_dim=own.state_dim and len(contract.space.state_names),
        goal_codes=contract.goal_levels,
        kinematics_codes=contract.kinematics_levels,
        codes_per_level=contract.codes_per_level,
        max_instruction_tokens=max(own.max_instruction_tokens, *prompts),
        max_text_tokens=max(own.max_text_tokens, *texts),
    )
    return vocabulary, config


def begin_with_decoder(codec: Path, tasks: TaskSet, out: Path) -> None:
    """Put the codec's decoder and the tasks into a checkpoint that is to be trained.

    Raises:
        ValueError: the checkpoint was begun with another codec or other tasks.
    """
    begun = out / CONTRACT_FILE
    if begun.is_file() and begun.read_bytes() != (codec / CONTRACT_FILE).read_bytes():
        raise ValueError(f"{out} was begun with another codec; give another --out")
    if (out / TASKS_FILE).is_file() and load_tasks(out / TASKS_FILE).texts() != tasks.texts():
        raise ValueError(f"{out} was begun with other tasks; give another --out")
    out.mkdir(parents=True, exist_ok=True)
    copy_decoder(codec, tasks, out)


def copy_decoder(codec: Path, tasks: TaskSet, out: Path) -> None:
    """Complete a checkpoint with its codec's decoder and its tasks, still without a manifest."""
    for name in (DECODER_FILE, CONTRACT_FILE):
        copy(checked(codec, name), out / name)
    save_tasks(tasks, out)


def device() -> str:
    """Where training runs: the GPU if there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def code_variants(samples: Samples, coder: Coder, seed: int) -> NDArray[np.int64]:
    """Codes of the labelled chunks, (N, W, variants, levels); -1 where there is no chunk.

    The first variant is exact, the others have disturbed goal codes; without goal codes there
    are no others.
    """
    valid = samples.valid
    pair = samples.chunks[valid], samples.common()[valid]
    torch.manual_seed(seed)
    disturbances = DISTURBANCES if coder.contract.goal_levels else ()
    variants = [coder.encode(*pair), *(coder.encode(*pair, d) for d in disturbances)]
    encoded = np.stack(variants, axis=1)
    codes = np.full((*valid.shape, *encoded.shape[1:]), -1, np.int64)
    codes[valid] = encoded
    return codes
