"""Squares in a memory-mapped file of a cache folder, made once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from kinevla_ros.base.files.atomic import replacing, write_json
from kinevla_ros.base.files.json_file import read_object
from kinevla_ros.base.files.lock import only_writer

Shape = tuple[int, int, int, int, int]


def kept_squares(
    folder: Path, shape: Shape, make: Callable[[NDArray[np.uint8]], None]
) -> NDArray[np.uint8]:
    """The squares of a folder, left in their file; what is not whole is made.

    Args:
        folder: of these squares alone.
        shape: (pictures, cameras, S, S, 3).
        make: fills an array of that shape, which lies in the file.

    Raises:
        OSError: the disk is full.
    """
    path, marker = (folder / f"images_{shape[2]}.{kind}" for kind in ("npy", "json"))
    with only_writer(folder, wait=True):
        if not _is_made(path, marker, shape):
            # Who reads the old file keeps it.
            with replacing(path) as new:
                images = open_memmap(new, mode="w+", dtype=np.uint8, shape=shape)
                # A mapped file has no room of its own yet; on a full disk writing to it would end
                # the process.
                with new.open("r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, new.stat().st_size)
                make(images)
                images.flush()
            write_json(marker, {"frames": shape[0], "size": shape[2]})
    return np.load(path, mmap_mode="r")


def _is_made(path: Path, marker: Path, shape: Shape) -> bool:
    """Whether the file is there and of this shape; what is damaged is made again."""
    try:
        found_marker = read_object(marker, "it is made again")
        found = np.load(path, mmap_mode="r")
    except (OSError, ValueError):
        return False
    wanted = {"frames": shape[0], "size": shape[2]}
    return found_marker == wanted and found.shape == shape and found.dtype == np.uint8
