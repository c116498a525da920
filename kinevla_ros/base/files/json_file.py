"""JSON of bounded size and depth, without the numbers that JSON does not have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from kinevla_ros.base.files.damage import FileError, naming

LARGEST = 1 << 20
"""Bytes of a configuration, of which the largest has a few thousand."""


def parse_object(text: bytes) -> dict[str, Any]:
    """Read a JSON object. Raises ValueError, for one nested too deeply as well."""
    try:
        found = json.loads(text, parse_constant=_refuse)
    except RecursionError as problem:
        raise ValueError("it is nested too deeply") from problem
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return found


def read_object(path: Path, cure: str, largest: int = LARGEST) -> dict[str, Any]:
    """Read a file that holds a JSON object.

    Args:
        cure: what the message of an error says to do.
        largest: bytes that the file may have.

    Raises:
        FileNotFoundError: there is no such file.
        FileError: it is too large or holds no JSON object.
    """
    with naming(path, cure):
        return parse_object(read_bounded(path, largest))


def read_bounded(path: Path, largest: int) -> bytes:
    """Bytes of a regular file. Raises FileNotFoundError, or FileError when there are too many."""
    if path.exists() and not path.is_file():
        raise FileError(f"{path} is no regular file; put the file in its place")
    with path.open("rb") as file:
        found = file.read(largest + 1)
    if len(found) > largest:
        raise FileError(f"{path} has more than {largest} bytes; it is of another kind")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")
