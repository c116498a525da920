"""OpenVLA-7B as a generator: conversion of the published checkpoint.

Tensors go through one by one, so it takes little more memory than the largest of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from rich.progress import DownloadColumn, Progress
from torch import Tensor, nn

from kinevla_ros.base.files.atomic import copy
from kinevla_ros.base.files.damage import naming
from kinevla_ros.base.files.lock import only_writer
from kinevla_ros.base.files.manifest import write_manifest
from kinevla_ros.base.files.state_dict import check_names
from kinevla_ros.base.files.tensor_file import TensorFile, write_tensors
from kinevla_ros.generator.config import FILE_NAME, GeneratorConfig
from kinevla_ros.generator.openvla.files import require_plain, require_whole, weight_files
from kinevla_ros.generator.openvla.layout import LayoutError, is_published, read_config
from kinevla_ros.generator.openvla.names import translate
from kinevla_ros.generator.weights import MODEL_FILE, skeleton

TOKENIZER_FILE = "tokenizer.json"
HEADS_SEED = 0


def is_openvla(folder: Path) -> bool:
    """Whether a folder holds a converted OpenVLA, fine-tuned or not."""
    try:
        return GeneratorConfig.load(folder).images_first
    except (ValueError, FileNotFoundError):
        return False


def convert_openvla(source: Path, target: Path) -> None:
    """Turn a published checkpoint into ours: config.json, model.safetensors, tokenizer.json.

    Weights keep their dtype. The heads of the InfoNCE loss, which the original lacks, start at
    random. The manifest is written last.

    Raises:
        LayoutError: the source is not in the published layout, the target is taken or too small.
        FolderInUse: another process writes to the target.
        TensorFileError: a file is damaged.
        WeightsError: tensors are missing or too many.
    """
    with ExitStack() as stack:
        config, files = stack.enter_context(_published(source))
        plan = dict(files.planned())
        check_names(skeleton(config), plan)
        stack.enter_context(only_writer(target))
        if any((target / name).exists() for name in (FILE_NAME, MODEL_FILE)):
            raise LayoutError(f"{target} already holds a checkpoint; give an empty folder")
        size = sum(t.numel() * t.dtype.itemsize for t in plan.values())
        free = shutil.disk_usage(target).free
        if free < size:
            raise LayoutError(f"{target} has {free / 1e9:.1f} GB left and {size / 1e9:.1f} needed")
        with Progress(*Progress.get_default_columns(), DownloadColumn()) as progress:
            bar = progress.add_task("convert", total=size)

            def counted() -> Iterator[Tensor]:
                for _, tensor in files.translated():
                    yield tensor
                    progress.advance(bar, tensor.numel() * tensor.dtype.itemsize)

            write_tensors(target / MODEL_FILE, plan, counted())
        if (source / TOKENIZER_FILE).is_file():
            copy(source / TOKENIZER_FILE, target / TOKENIZER_FILE)
        config.save(target)
        write_manifest(target)


class _Source:
    """The published files, their tensors in the order in which they are stored."""

    def __init__(self, files: list[TensorFile], config: GeneratorConfig) -> None:
        self._files, self._config = files, config

    def planned(self) -> Iterator[tuple[str, Tensor]]:
        """Our names and `meta` tensors."""
        dtype = None
        for file in self._files:
            for name, like in file.tensors.items():
                dtype = dtype or like.dtype
                yield from translate(name, like, self._config)
        for name, tensor in _new_tensors(self._config, dtype):
            yield name, tensor.to("meta")

    def translated(self) -> Iterator[tuple[str, Tensor]]:
        """The same with values."""
        dtype = None
        for file in self._files:
            for name in file.tensors:
                tensor = file.read(name)
                dtype = dtype or tensor.dtype
                yield from translate(name, tensor, self._config)
        yield from _new_tensors(self._config, dtype)


def _new_tensors(
    config: GeneratorConfig, dtype: torch.dtype | None
) -> Iterator[tuple[str, Tensor]]:
    """What a generator has and OpenVLA has not, at its start."""
    width = config.language["hidden_size"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(HEADS_SEED)
        for head in ("words_head", "codes_head"):
            for name, tensor in nn.Linear(width, config.embedding_dim).state_dict().items():
                yield f"{head}.{name}", tensor.to(dtype)
    yield "log_temperature", torch.tensor(2.66).to(dtype)


@contextmanager
def _published(folder: Path) -> Iterator[tuple[GeneratorConfig, _Source]]:
    """Open all files of a published checkpoint and read its configuration."""
    with ExitStack() as stack:
        require_whole(folder)
        if not is_published(folder):
            raise LayoutError(f"{folder / FILE_NAME} is not of an OpenVLA checkpoint")
        files = [stack.enter_context(TensorFile(path)) for path in weight_files(folder)]
        require_plain(files)
        tensors = {name: like for file in files for name, like in file.tensors.items()}
        with naming(folder, "download the checkpoint again", LayoutError):
            config = read_config(folder, tensors)
            found = _Source(files, config)
            # What is found wrong later is not of the names and shapes.
            dict(found.planned())
        yield config, found
