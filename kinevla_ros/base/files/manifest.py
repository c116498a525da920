"""manifest.json: the SHA-256 of every file of a checkpoint, checked before a file is read.

It is a file of its own: kinevla.json is the decoder's contract, which a codec's folder shares and
an OpenVLA just converted has not. Whoever writes a checkpoint calls `write_manifest` last, and
again after adding a file.

Files of many megabytes are hashed once: the result is remembered in the user's cache folder under
the file's place, size and times. What a disk forgets later without a trace in these goes unseen
there; smaller files are hashed at every load.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from pathlib import Path

from kinevla_ros.base.files.atomic import write_json, write_text
from kinevla_ros.base.files.damage import FileError
from kinevla_ros.base.files.json_file import read_object

FILE_NAME = "manifest.json"
VERSION = 1
REMEMBERED_FROM = 64 << 20
"""Bytes from which on a file's hash is remembered: less takes under 0.1 s."""
_BLOCK = 4 << 20
_NOT_LISTED = (FILE_NAME, "README.md")
_UNFINISHED = ".partial"
_DIGEST = re.compile("[0-9a-f]{64}")


class ManifestError(FileError):
    """A file is not the one that the checkpoint was written with, or nobody knows."""


def write_manifest(folder: Path) -> None:
    """List the files of a checkpoint as they are now; folders and hidden files are none of it.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    names = sorted(entry.name for entry in folder.iterdir() if _is_listed(entry))
    digests = {name: digest(folder / name) for name in names}
    write_json(folder / FILE_NAME, {"version": VERSION, "sha256": digests})


def add_to_manifest(folder: Path, name: str) -> None:
    """List a new or changed file of a checkpoint; the other entries stay as they are.

    Raises:
        ManifestError: the folder has no manifest, or a damaged one.
    """
    digests = {**_read(folder), name: digest(folder / name)}
    write_json(folder / FILE_NAME, {"version": VERSION, "sha256": dict(sorted(digests.items()))})


def checked(folder: Path, name: str) -> Path:
    """The path of a checkpoint's file, which is the one that the checkpoint was written with.

    Raises:
        FileNotFoundError: there is no such file.
        ManifestError: the folder has no manifest, it does not list the file, or the file is
            another one.
    """
    path = folder / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    digests = _read(folder)
    if name not in digests:
        raise ManifestError(
            f"{folder / FILE_NAME} does not list {name}, so nobody knows whether it is whole; "
            f"if it belongs there, `kinevla manifest {folder}` lists it"
        )
    if digest(path) != digests[name]:
        raise ManifestError(
            f"{path} is damaged: its SHA-256 is not the one in {FILE_NAME}. Copy or download it "
            f"again; if it was changed on purpose, `kinevla manifest {folder}` lists it as it is"
        )
    return path


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hex; that of a large one is remembered."""
    with path.open("rb") as file:
        stated = os.fstat(file.fileno())
        note = _note(path, stated) if stated.st_size >= REMEMBERED_FROM else None
        if note and (known := _noted(note)):
            return known
        sha, block = hashlib.sha256(), memoryview(bytearray(_BLOCK))
        while count := file.readinto(block):
            sha.update(block[:count])
    if note:
        with contextlib.suppress(OSError):  # without a cache folder it is hashed every time
            write_text(note, sha.hexdigest())
    return sha.hexdigest()


def _is_listed(entry: Path) -> bool:
    name = entry.name
    unlisted = name in _NOT_LISTED or name.startswith(".") or name.endswith(_UNFINISHED)
    return entry.is_file() and not unlisted


def _read(folder: Path) -> dict[str, str]:
    path = folder / FILE_NAME
    cure = f"copy it again, or write a new one with `kinevla manifest {folder}`"
    if not path.is_file():
        raise ManifestError(
            f"{folder} has no {FILE_NAME}, so nobody knows whether its files are whole; if they "
            f"are, `kinevla manifest {folder}` writes it"
        )
    found = read_object(path, cure)
    digests = found.get("sha256")
    if found.get("version") != VERSION or not isinstance(digests, dict):
        raise ManifestError(f"{path} is no manifest of this version; {cure}")
    for name, value in digests.items():
        if not isinstance(value, str) or not _DIGEST.fullmatch(value):
            raise ManifestError(f"{path} has no SHA-256 of {name[:100]!r}; {cure}")
    return digests


def _note(path: Path, stated: os.stat_result) -> Path | None:
    """Where the hash of a file in this place, of this size and these times is remembered."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if not os.path.isabs(cache):
        return None
    times = stated.st_mtime_ns, stated.st_ctime_ns
    key = f"{path.resolve()}\0{stated.st_dev} {stated.st_ino} {stated.st_size} {times}"
    name = hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()
    return Path(cache) / "kinevla_ros" / "sha256" / name


def _noted(note: Path) -> str | None:
    try:
        found = note.read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    return found if _DIGEST.fullmatch(found) else None
