"""Squares of a dataset's pictures, kept in the user's cache folder under what the videos hold."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from rich.progress import Progress

from kinevla_ros.base.files.atomic import replacing, write_json
from kinevla_ros.base.files.json_file import read_object
from kinevla_ros.base.files.lock import only_writer
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.generator.pictures.squares import square


def cache_folder() -> Path:
    """Where the XDG base directory specification puts what can be made again."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(given) if Path(given).is_absolute() else Path.home() / ".cache") / "kinevla"


def _content(reader: DatasetReader, cameras: Sequence[str]) -> str:
    """SHA-256 of the videos and of where each episode lies in them."""
    whole = hashlib.sha256()
    files: dict[Path, str] = {}
    for camera in cameras:
        for entry in reader.episodes:
            clip = entry.clips[camera]
            if clip.path not in files:
                with clip.path.open("rb") as file:
                    files[clip.path] = hashlib.file_digest(file, "sha256").hexdigest()
            whole.update(f"{camera} {files[clip.path]} {clip.first} {entry.length}\n".encode())
    return whole.hexdigest()


def squares(reader: DatasetReader, size: int, cameras: Sequence[str]) -> NDArray[np.uint8]:
    """Squares of all frames of these cameras, decoded once into a memory-mapped file.

    Trainings on the same videos share it, and other videos under the same names have another.

    Returns:
        Shape (frames, cameras, size, size, 3).
    """
    count, content = reader.info["total_frames"], _content(reader, cameras)
    cache = cache_folder() / "squares" / content
    path, marker = cache / f"images_{size}.npy", cache / f"images_{size}.json"
    shape = (count, len(cameras), size, size, 3)
    with only_writer(cache, wait=True):
        if not _is_decoded(path, marker, shape):
            # Who reads the old file keeps it.
            with replacing(path) as new:
                _decode_squares(reader, new, shape, cameras)
            write_json(marker, {"frames": count, "size": size})
    return np.load(path, mmap_mode="r")


def _is_decoded(path: Path, marker: Path, shape: tuple[int, ...]) -> bool:
    """Whether the file is there and of this shape; what is damaged is decoded again."""
    try:
        found_marker = read_object(marker, "it is decoded again")
        found = np.load(path, mmap_mode="r")
    except (OSError, ValueError):
        return False
    wanted = {"frames": shape[0], "size": shape[2]}
    return found_marker == wanted and found.shape == shape and found.dtype == np.uint8


def _decode_squares(
    reader: DatasetReader, path: Path, shape: tuple[int, ...], cameras: Sequence[str]
) -> None:
    count, size = shape[0], shape[2]
    images = open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    # A mapped file has no room of its own yet; on a full disk writing to it would end the process.
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    with Progress() as progress:
        for number, camera in enumerate(cameras):
            bar = progress.add_task(f"decode {camera} images", total=count)
            index = 0
            for episode in reader.iter_video(camera):
                for image in episode:
                    images[index, number] = square(image, size)
                    index += 1
                progress.update(bar, advance=len(episode))
    images.flush()
