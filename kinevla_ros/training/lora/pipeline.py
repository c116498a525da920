"""From a dataset, a codec and a converted OpenVLA to a fine-tuned checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import torch
from accelerate import PartialState

from kinevla_ros.base.files.lock import only_writer, require_free
from kinevla_ros.codec.checkpoint import load_codec
from kinevla_ros.data.action_space_file import Wanted
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.language.tokenizer.llama_vocabulary import LlamaVocabulary, open_vocabulary
from kinevla_ros.training.generator.samples import load_samples
from kinevla_ros.training.lora.adapters import LoraSettings
from kinevla_ros.training.lora.run import fine_tune, is_first
from kinevla_ros.training.pipeline import begin_with_decoder, code_variants


def lora_from_dataset(
    datasets: Sequence[Path],
    codec: Path,
    base: Path,
    out: Path,
    settings: LoraSettings,
    resume: bool,
    cameras: Mapping[str, str] | None = None,
) -> Path:
    """Fine-tune a converted OpenVLA checkpoint; `out` becomes a complete checkpoint.

    Args:
        datasets, codec, out, settings, resume, cameras: as of `generator_from_dataset`.
        base: folder that `convert-openvla` wrote.

    Raises:
        DatasetError: the dataset is missing or damaged.
        ActionSpaceError: the actions or cameras of the datasets are not the codec's.
        ContractError: the codec is damaged.
        FileNotFoundError: no codec, no base, or nothing to resume.
        ValueError: the base is no converted checkpoint, or the run was begun with other settings,
            data or codec.
        FolderInUse: another process writes to `out`.
    """
    if is_first():
        require_free(out)
    trained = load_codec(codec)
    contract = trained.contract
    config = replace(
        GeneratorConfig.load(base),
        cameras=len(contract.space.cameras),
        goal_codes=contract.goal_levels,
        kinematics_codes=contract.kinematics_levels,
        codes_per_level=contract.codes_per_level,
    )
    vocabulary = open_vocabulary(base, config.vocabulary_size, config.codes_per_level)
    if not isinstance(vocabulary, LlamaVocabulary):
        raise ValueError(
            f"{base} is no converted OpenVLA checkpoint; see `kinevla convert-openvla`"
        )
    # Pictures are decoded once on each machine, then every process maps the same file.
    with PartialState(cpu=not torch.cuda.is_available()).local_main_process_first():
        wanted = Wanted(contract.space, f"the codec {codec}")
        samples = load_samples(datasets, config.image_size, cameras, wanted)
    codes = code_variants(samples, trained, settings.seed)
    # Of several processes of one run the first holds the folder for all.
    with only_writer(out) if is_first() else nullcontext():
        if is_first():
            begin_with_decoder(codec, samples.tasks, out)
        fine_tune(base, config, vocabulary, samples, codes, settings, out, resume)
    return out
