"""A LeRobotDataset v3.0 of another rate, order, unit or kind of picture as a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from kinevla_ros.data.checks.finding import Finding
from kinevla_ros.data.checks.rows import check_rows, read_columns
from kinevla_ros.data.convert.recording import Picture, Recording
from kinevla_ros.data.convert.stored_pictures import StoredPictures
from kinevla_ros.data.lerobot.metadata_checks import video_size
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import COUNTERS, DatasetError, camera_key
from kinevla_ros.data.video import decode

CURED = ("index", "timestamp")
"""Columns whose faults conversion mends: rows are sorted, and cut by their stamps."""


class Version30:
    """The dataset at `root`; see `RecordingSource`.

    Raises:
        DatasetError: it is damaged.
    """

    def __init__(self, root: Path) -> None:
        self._reader = DatasetReader(root)
        self.features: Mapping[str, Mapping[str, Any]] = self._reader.info["features"]
        prefix = camera_key("")
        stored = [n for n, own in self.features.items() if own["dtype"] == "image"]
        self._stored = {name.removeprefix(prefix) for name in stored if name.startswith(prefix)}
        self.cameras = (*self._reader.cameras, *sorted(self._stored))
        self.episodes = tuple(entry.index for entry in self._reader.episodes)

    def recordings(self, vectors: Sequence[str], texts: Sequence[str]) -> Iterator[Recording]:
        """Yield every episode, its rows sorted."""
        reader = self._reader
        columns, findings = read_columns(reader, [*COUNTERS, *vectors, *texts])
        findings += check_rows(reader, columns)
        _refuse(findings)
        for entry in reader.episodes:
            yield Recording(
                entry.index,
                entry.instruction,
                columns["timestamp"][entry.span].astype(np.float64),
                {name: columns[name][entry.span] for name in vectors},
                {name: columns[name][entry.span].tolist() for name in texts},
                partial(self._pictures, entry.index),
            )

    def _pictures(self, episode: int, camera: str, frames: Sequence[int]) -> list[Picture]:
        entry = self._reader.episodes[episode]
        if camera in self._stored:
            column = StoredPictures(self._reader.root, camera_key(camera))
            files = self._reader.data_files()
            return column.read(files, [entry.start + frame for frame in frames])
        clip = entry.clips[camera]
        size = video_size(self.features[camera_key(camera)])
        return chosen(clip.path, clip.first, self._reader.info["fps"], size, frames)


def chosen(
    path: Path, first: int, fps: int, size: tuple[int, int], frames: Sequence[int]
) -> list[Picture]:
    """Pictures of a video at frames in rising order, counted from the frame `first`.

    Raises:
        DatasetError: the video is damaged, of another size or shorter.
    """
    wanted, taken = set(frames), []
    for number, picture in enumerate(islice(decode(path, first, fps, size), frames[-1] + 1)):
        if number in wanted:
            taken.append(picture)
    if len(taken) < len(frames):
        raise DatasetError(
            f"the video {path} ends {len(frames) - len(taken)} pictures too early; "
            "restore the file or leave the episode out"
        )
    return taken


def _refuse(findings: Sequence[Finding]) -> None:
    """Raise what conversion cannot correct."""
    for finding in findings:
        if finding.feature not in CURED or "lost" in finding.problem:
            raise DatasetError(str(finding))
