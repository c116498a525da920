"""Paths that a file names, kept inside the folder of that file."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from kinevla_ros.base.files.damage import FileError

_FOREIGN = set(":\\\0")
"""Characters of URLs and of other systems' paths."""


def inside(folder: Path, named: object) -> Path:
    """Where in the folder the file lies that another file names.

    Raises:
        FileError: the name is absolute, goes up, is a URL, or a link leads out of the folder.
    """
    path = PurePosixPath(named) if isinstance(named, str) else PurePosixPath()
    if not path.parts or path.is_absolute() or ".." in path.parts or set(str(path)) & _FOREIGN:
        raise FileError(f"{folder}: {str(named)[:100]!r} names no file of this folder")
    found = folder / path
    if not found.resolve().is_relative_to(folder.resolve()):
        raise FileError(
            f"{found} is a link out of {folder}; put the file itself there, "
            "as a download with --local-dir does"
        )
    return found
