"""safetensors files read and written tensor by tensor.

The library maps a file into memory, and every page that was read counts against the process
until the file is closed. Here one tensor at a time is in memory, whatever the size of the file,
and nothing is allocated before the header has been held against the file.
Format: https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor

from kinevla_ros.base.files.atomic import replacing
from kinevla_ros.base.files.damage import FileError, one_line
from kinevla_ros.base.files.json_file import parse_object

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
UNREAD = ("I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F4", "F6_E2M3", "F6_E3M2")
NAMES = {dtype: name for name, dtype in DTYPES.items()}
MAX_HEADER = 16 << 20
MAX_TENSORS = 50_000
MAX_AXES, MAX_AXIS = 8, 1 << 31


class TensorFileError(FileError):
    """The file is no safetensors file, not the whole of one, or holds what is no number."""


class TensorFile:
    """A safetensors file open for reading. Use it as a context manager.

    Attributes:
        tensors: empty (`meta`) tensor of each name's shape and dtype.
        metadata: texts by name.

    Raises:
        TensorFileError: see there.
        FileNotFoundError: there is no such file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists() and not path.is_file():
            self._refuse("it is no regular file")
        self._file = path.open("rb")
        try:
            self._size = os.fstat(self._file.fileno()).st_size
            self._start, entries = self._header()
            self.metadata = self._texts(entries.pop("__metadata__", {}))
            self.tensors: dict[str, Tensor] = {}
            self._places: dict[str, tuple[int, int]] = {}
            for name, entry in entries.items():
                self._add(name, entry)
            self._check_places()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> TensorFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, name: str) -> Tensor:
        """One tensor, in memory of its own. Raises TensorFileError for NaN or infinity in it."""
        like = self.tensors[name]
        begin, end = self._places[name]
        data = bytearray(end - begin)
        self._file.seek(self._start + begin)
        if self._file.readinto(data) != len(data):
            self._refuse("it ends too early")
        if not data:
            return torch.empty(like.shape, dtype=like.dtype)
        tensor = torch.frombuffer(data, dtype=like.dtype).reshape(like.shape)
        # The extremes of a tensor with a NaN are NaN; this reads memory once, isfinite thrice.
        if tensor.is_floating_point() and not torch.stack(tensor.aminmax()).isfinite().all():
            self._refuse(f"{name} holds NaN or infinity")
        return tensor

    def _header(self) -> tuple[int, dict]:
        length = int.from_bytes(self._file.read(8), "little")
        if not 2 <= length <= min(MAX_HEADER, self._size - 8):
            self._refuse("it has no safetensors header")
        try:
            entries = parse_object(self._file.read(length))
        except ValueError as problem:
            raise self._broken("its header cannot be read") from problem
        if len(entries) > MAX_TENSORS:
            self._refuse(f"its header lists {len(entries)} tensors")
        return 8 + length, entries

    def _texts(self, stated: object) -> dict[str, str]:
        if not isinstance(stated, dict) or not all(isinstance(v, str) for v in stated.values()):
            self._refuse("its header holds metadata that are no texts")
        return dict(stated)

    def _add(self, name: str, entry: object) -> None:
        if isinstance(entry, dict) and entry.get("dtype") in UNREAD:
            raise TensorFileError(
                f"{self.path}: {name[:100]} is {entry['dtype']}, of a model rounded to 8 bits or "
                "less, which is not read; give the one that it was made from, in bfloat16"
            )
        try:
            if not isinstance(entry, dict):
                raise TypeError("no object")
            dtype, shape = DTYPES[entry["dtype"]], entry["shape"]
            begin, end = entry["data_offsets"]
            sizes = [_count(axis, MAX_AXIS) for axis in shape[: MAX_AXES + 1]]
            begin, end = (_count(place, self._size) for place in (begin, end))
            if len(sizes) > MAX_AXES or end - begin != math.prod(sizes) * dtype.itemsize:
                raise ValueError("size and shape differ")
            self.tensors[name] = torch.empty(sizes, dtype=dtype, device="meta")
        except (KeyError, TypeError, ValueError, RuntimeError) as problem:
            raise self._broken(f"its header describes {name[:100]} wrongly") from problem
        self._places[name] = begin, end

    def _check_places(self) -> None:
        """The tensors must fill the file one after the other, without a gap and none twice."""
        place = 0
        for begin, end in sorted(self._places.values()):
            if begin != place:
                self._refuse("its tensors overlap, or leave a gap")
            place = end
        if self._size != self._start + place:
            more = self._size - self._start - place
            wrong = (
                f"{more} too many follow" if more > 0 else f"{-more} are missing: it was cut short"
            )
            self._refuse(f"it should have {self._start + place} bytes, and {wrong}")

    def _refuse(self, why: str) -> NoReturn:
        raise self._broken(why)

    def _broken(self, why: str) -> TensorFileError:
        return TensorFileError(
            f"{self.path} is damaged: {one_line(why)}. Copy or download it again"
        )


def _count(value: object, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"{value!r:.40} is no size")
    return value


def read_tensors(path: Path, device: str | torch.device = "cpu") -> dict[str, Tensor]:
    """All tensors of a file on a device; errors as of `TensorFile`."""
    with TensorFile(path) as file:
        return {name: file.read(name).to(device) for name in file.tensors}


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a file from tensors in memory; see `write_tensors`."""
    write_tensors(path, tensors, tensors.values(), metadata)


def write_tensors(
    path: Path,
    plan: Mapping[str, Tensor],
    tensors: Iterable[Tensor],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a file from tensors that come one by one.

    The file appears under its name only when it is whole.

    Args:
        plan: name, and a tensor of the right shape and dtype (`meta` will do), in order.
        tensors: the values in the same order.
        metadata: texts to keep beside them.
    """
    header: dict[str, object] = {"__metadata__": {"format": "pt", **(metadata or {})}}
    place = 0
    for name, like in plan.items():
        size = like.numel() * like.dtype.itemsize
        header[name] = {
            "dtype": NAMES[like.dtype],
            "shape": list(like.shape),
            "data_offsets": [place, place + size],
        }
        place += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as partial, partial.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for (name, like), tensor in zip(plan.items(), tensors, strict=True):
            if tensor.shape != like.shape or tensor.dtype != like.dtype:
                raise ValueError(f"{name} is {tensor.shape} {tensor.dtype}, planned {like}")
            flat = tensor.detach().cpu().contiguous().reshape(-1)
            if flat.numel():
                file.write(flat.view(torch.uint8).numpy().data)
