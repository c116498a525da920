"""Dictionaries with NumPy arrays as msgpack, encoded as OpenPI's clients and servers do."""

from __future__ import annotations

import re
from typing import Any

import msgpack
import numpy as np

_NUMBERS = "biuf"
"""Kinds of arrays that are sent; anything else could hold objects."""


_DTYPE = re.compile(rf"[<>|=][{_NUMBERS}]\d\d?")


class WireError(ValueError):
    """Bytes that are no message of this protocol."""


def pack(message: Any) -> bytes:
    """Encode dictionaries, lists, texts, numbers and arrays of numbers."""
    return bytes(msgpack.packb(message, default=_encode))


def unpack(data: bytes) -> Any:
    """Decode what `pack` or an OpenPI client wrote; arrays are read-only.

    Raises:
        WireError: it cannot be decoded.
    """
    try:
        return msgpack.unpackb(data, object_hook=_decode)
    except (ValueError, TypeError, KeyError, OverflowError, msgpack.UnpackException) as problem:
        raise WireError(f"{len(data)} bytes that are no message: {problem!r}") from problem


def _encode(value: Any) -> Any:
    if not isinstance(value, np.ndarray | np.generic) or value.dtype.kind not in _NUMBERS:
        raise TypeError(f"a value of {type(value).__name__} cannot be sent")
    if isinstance(value, np.generic):
        return {b"__npgeneric__": True, b"data": value.item(), b"dtype": value.dtype.str}
    return {
        b"__ndarray__": True,
        b"data": value.tobytes(),
        b"dtype": value.dtype.str,
        b"shape": value.shape,
    }


def _decode(found: dict[Any, Any]) -> Any:
    if b"__ndarray__" not in found and b"__npgeneric__" not in found:
        return found
    if not _DTYPE.fullmatch(found[b"dtype"]):
        raise WireError(f"arrays of {found[b'dtype']!r} are not taken")
    dtype = np.dtype(found[b"dtype"])
    if b"__npgeneric__" in found:
        return dtype.type(found[b"data"])
    return np.frombuffer(found[b"data"], dtype).reshape(found[b"shape"])
