"""Squares of a dataset's pictures, kept in the user's cache folder under what the videos hold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from kinevla_ros.base.files.cache import cache_folder
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.generator.pictures.kept_squares import kept_squares
from kinevla_ros.generator.pictures.squares import square


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


class SquaresOfVideos:
    """The pictures that a dataset's videos hold."""

    cameras_needed = True
    looks = 1

    def __call__(
        self, reader: DatasetReader, size: int, cameras: Sequence[str]
    ) -> NDArray[np.uint8]:
        """Squares of all frames of these cameras, decoded once into a memory-mapped file.

        Trainings on the same videos share it, and other videos under the same names have another.

        Returns:
            Shape (frames, cameras, size, size, 3).
        """
        cache = cache_folder() / "squares" / _content(reader, cameras)
        shape = (reader.info["total_frames"], len(cameras), size, size, 3)
        return kept_squares(cache, shape, lambda out: _decode_squares(reader, out, cameras))


FROM_VIDEOS = SquaresOfVideos()


def _decode_squares(
    reader: DatasetReader, images: NDArray[np.uint8], cameras: Sequence[str]
) -> None:
    count, size = images.shape[0], images.shape[2]
    with Progress() as progress:
        for number, camera in enumerate(cameras):
            bar = progress.add_task(f"decode {camera} images", total=count)
            index = 0
            for episode in reader.iter_video(camera):
                for image in episode:
                    images[index, number] = square(image, size)
                    index += 1
                progress.update(bar, advance=len(episode))
