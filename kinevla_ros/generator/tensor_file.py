"""safetensors files read and written tensor by tensor.

The library maps a file into memory, and every page that was read counts against the process
until the file is closed. Here one tensor at a time is in memory, whatever the size of the file.
Format: https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

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
NAMES = {dtype: name for name, dtype in DTYPES.items()}
MAX_HEADER = 100_000_000


class TensorFileError(ValueError):
    """The file is no safetensors file, or not the whole of one."""


class TensorFile:
    """A safetensors file open for reading. Use it as a context manager.

    Attributes:
        tensors: empty (`meta`) tensor of each name's shape and dtype.

    Raises:
        TensorFileError: see there.
        FileNotFoundError: there is no such file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")
        try:
            self._start, entries = self._header()
            self.tensors: dict[str, Tensor] = {}
            self._places: dict[str, tuple[int, int]] = {}
            for name, entry in entries.items():
                self._add(name, entry)
            self._check_size()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> TensorFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, name: str) -> Tensor:
        """One tensor, in memory of its own."""
        like = self.tensors[name]
        begin, end = self._places[name]
        data = bytearray(end - begin)
        self._file.seek(self._start + begin)
        if self._file.readinto(data) != len(data):
            raise self._broken("it ends too early")
        if not data:
            return torch.empty(like.shape, dtype=like.dtype)
        return torch.frombuffer(data, dtype=like.dtype).reshape(like.shape)

    def _header(self) -> tuple[int, dict]:
        length = int.from_bytes(self._file.read(8), "little")
        if not 2 <= length <= MAX_HEADER:
            raise self._broken("it has no safetensors header")
        try:
            entries = json.loads(self._file.read(length))
            entries.pop("__metadata__", None)
        except (ValueError, AttributeError) as problem:
            raise self._broken("its header cannot be read") from problem
        return 8 + length, entries

    def _add(self, name: str, entry: Mapping) -> None:
        try:
            dtype, shape = DTYPES[entry["dtype"]], tuple(map(int, entry["shape"]))
            begin, end = map(int, entry["data_offsets"])
        except (KeyError, TypeError, ValueError) as problem:
            raise self._broken(f"its header describes {name} wrongly") from problem
        if end - begin != math.prod(shape) * dtype.itemsize or begin < 0:
            raise self._broken(f"its header describes {name} wrongly")
        self.tensors[name] = torch.empty(shape, dtype=dtype, device="meta")
        self._places[name] = begin, end

    def _check_size(self) -> None:
        wanted = self._start + max((end for _, end in self._places.values()), default=0)
        size = os.fstat(self._file.fileno()).st_size
        if size != wanted:
            raise self._broken(f"it has {size} bytes and should have {wanted}; it was cut short")

    def _broken(self, why: str) -> TensorFileError:
        return TensorFileError(f"{self.path} is damaged: {why}. Copy or download it again")


def write_tensors(path: Path, plan: Mapping[str, Tensor], tensors: Iterable[Tensor]) -> None:
    """Write a file from tensors that come one by one.

    The file appears under its name only when it is whole.

    Args:
        plan: name, and a tensor of the right shape and dtype (`meta` will do), in order.
        tensors: the values in the same order.
    """
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
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
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for (name, like), tensor in zip(plan.items(), tensors, strict=True):
                if tensor.shape != like.shape or tensor.dtype != like.dtype:
                    raise ValueError(f"{name} is {tensor.shape} {tensor.dtype}, planned {like}")
                flat = tensor.detach().cpu().contiguous().reshape(-1)
                if flat.numel():
                    file.write(flat.view(torch.uint8).numpy().data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
