"""Files that appear under their name only when they are whole and on the disk.

A kill or a full disk leaves the file of before.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path of a new file, which takes the place of `path` when the block ends well.

    One process at a time writes to a folder, see `lock`.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        yield partial
        publish(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def publish(file: Path, final: Path) -> None:
    """Move a finished file into place in one step, its bytes on the disk first."""
    with file.open("rb") as handle:
        os.fsync(handle.fileno())
    final.parent.mkdir(parents=True, exist_ok=True)
    os.replace(file, final)


def write_text(path: Path, text: str) -> None:
    """Replace a text file in one step; its folder is made if absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Mapping[str, Any], indent: int = 2) -> None:
    """Replace a JSON file in one step. Raises ValueError for NaN or infinity in the content."""
    write_text(path, json.dumps(content, indent=indent, allow_nan=False) + "\n")


def copy(source: Path, target: Path) -> None:
    """Replace the target by a copy of the source in one step."""
    with replacing(target) as new:
        shutil.copyfile(source, new)
