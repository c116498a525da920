"""The files of a published checkpoint: all there, whole, merged, and of one kind of numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import torch

from kinevla_ros.base.files.damage import naming
from kinevla_ros.base.files.json_file import read_object
from kinevla_ros.base.files.paths import inside
from kinevla_ros.base.files.tensor_file import TensorFile
from kinevla_ros.generator.openvla.layout import LayoutError
from kinevla_ros.generator.weights import MODEL_FILE

INDEX_FILE = "model.safetensors.index.json"
LARGEST_INDEX = 64 << 20
LFS = b"version https://git-lfs"
"""How a file begins that git-lfs has not fetched yet."""

ADAPTERS = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")
_ADAPTER = re.compile(r"lora_(A|B|embedding|magnitude)|^base_model\.")
_HEADS = ("action_head", "proprio_projector", "noisy_action_projector", "film", "vision_backbone--")
"""Beginnings of the files in which OpenVLA-OFT keeps what OpenVLA does not have."""

_QUANTISED = re.compile(r"\.(SCB|absmax|quant_map|quant_state|qweight|qzeros|weight_scale)(\.|$)")
FLOATS = (torch.bfloat16, torch.float16, torch.float32)


def require_whole(folder: Path) -> None:
    """Refuse a download that is not finished, adapters that are not merged, and foreign heads.

    Raises:
        LayoutError: see there; names the file and what to do.
    """
    for path in sorted(folder.glob("*")):
        if path.is_file() and _begins(path) == LFS:
            raise LayoutError(
                f"{path} is a pointer of git-lfs and not the file itself: run git lfs install and "
                "git lfs pull in that folder, or download it with huggingface-cli"
            )
    for name in ADAPTERS:
        if (folder / name).exists():
            raise LayoutError(
                f"{folder / name}: these are adapters (LoRA) that are not merged into the model: "
                "load them with peft, call merge_and_unload(), save that, and give its folder"
            )
    heads = [path for path in sorted(folder.glob("*.pt")) if path.name.startswith(_HEADS)]
    if heads:
        raise LayoutError(
            f"{heads[0]}: a checkpoint of OpenVLA-OFT, whose model acts through heads of its own "
            "that would be left out, and is of little use without them: start from openvla-7b"
        )


def require_plain(files: Sequence[TensorFile]) -> None:
    """Refuse weights with adapters among them, rounded to 8 bits, or of several kinds.

    Raises:
        LayoutError: see there; names a tensor and what to do.
    """
    kinds: dict[torch.dtype, str] = {}
    for file in files:
        for name, like in file.tensors.items():
            if _ADAPTER.search(name):
                raise LayoutError(
                    f"{file.path} holds {name}, of adapters (LoRA) that are not merged: "
                    "call merge_and_unload() of peft, save that, and give its folder"
                )
            if _QUANTISED.search(name) or like.dtype not in FLOATS:
                raise LayoutError(
                    f"{file.path}: {name} ({like.dtype}) is of a model rounded to 8 or 4 bits; "
                    "give the one in bfloat16, and round it when it runs (--weights)"
                )
            kinds.setdefault(like.dtype, name)
    if len(kinds) > 1:
        mixed = " and ".join(f"{name} is {dtype}" for dtype, name in kinds.items())
        raise LayoutError(
            f"{files[0].path.parent}: {mixed}; save the model in one of them: "
            "model.to(torch.bfloat16).save_pretrained(…)"
        )


def _begins(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(LFS))


def weight_files(folder: Path) -> list[Path]:
    """The single file, or those of the index; each of them must be there and hold its share."""
    index, single = folder / INDEX_FILE, folder / MODEL_FILE
    if index.is_file() and single.is_file():
        raise LayoutError(
            f"{folder} holds {MODEL_FILE} and {INDEX_FILE} with its shards, and nothing says which "
            "is meant: move the one that is not out of the folder"
        )
    if not index.is_file():
        if single.is_file():
            return [single]
        pickles = any(folder.glob("*.bin")) or any(folder.glob("*.pt"))
        why = " (pickle files are never loaded)" if pickles else ""
        raise LayoutError(f"{folder} has neither {MODEL_FILE} nor {INDEX_FILE}{why}")
    cure = "download it again"
    with naming(index, cure, LayoutError):
        places = dict(read_object(index, cure, LARGEST_INDEX)["weight_map"])
        names = sorted(set(places.values()))
        missing = [name for name in names if not inside(folder, name).is_file()]
    if missing:
        raise LayoutError(
            f"{folder}: {', '.join(missing)} missing, which {INDEX_FILE} names; "
            "download it, or give it its name back"
        )
    for name in names:
        with TensorFile(folder / name) as file:
            lacking = [k for k, place in places.items() if place == name and k not in file.tensors]
        if lacking:
            raise LayoutError(
                f"{folder / name} lacks {lacking[0]}, which {INDEX_FILE} says it holds; "
                "files were mixed up or renamed"
            )
    return [folder / name for name in names]
