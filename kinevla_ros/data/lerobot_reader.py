"""A LeRobotDataset v3.0 back from disk as numpy arrays.

Format: https://huggingface.co/docs/lerobot/lerobot-dataset-v3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kinevla_ros.data.metadata import (
    DatasetError,
    read_episodes,
    read_info,
    read_table,
    read_tasks,
)
from kinevla_ros.data.schema import camera_key
from kinevla_ros.data.video import decode


@dataclass(frozen=True)
class Clip:
    """Where an episode lies in a video file; `first` counts frames from the file's start."""

    path: Path
    first: int


@dataclass(frozen=True)
class EpisodeEntry:
    """One line of the episode list.

    Attributes:
        index: Number of the episode.
        instruction: What the operator said.
        start: First frame in the columns of `DatasetReader.frames`.
        length: Number of frames.
        clips: Its place in the videos, by camera.
    """

    index: int
    instruction: str
    start: int
    length: int
    clips: dict[str, Clip]

    @property
    def span(self) -> slice:
        """The rows of this episode in the columns of `DatasetReader.frames`."""
        return slice(self.start, self.start + self.length)


class DatasetReader:
    """Reads the dataset at `root`; frames and videos are read when first asked for.

    Attributes:
        root: Folder of the dataset.
        info: Content of meta/info.json.
        cameras: Names of the cameras, such as "front".
        episodes: The episodes in order.

    Raises:
        DatasetError: No dataset is there, it is of another version, or damaged.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self.info: dict[str, Any] = read_info(self.root)
        prefix = camera_key("")
        self.cameras = tuple(
            name.removeprefix(prefix)
            for name, feature in self.info["features"].items()
            if feature["dtype"] == "video"
        )
        self._rows = read_episodes(self.root, self.info["total_episodes"])
        self.episodes = [self._entry(row) for row in self._rows]

    @cached_property
    def frames(self) -> dict[str, NDArray[Any]]:
        """Every stored column, one row per frame of the dataset, and `task`.

        Float features have shape (frames, n); counters shape (frames,); `task` (the
        instruction) and the reasoning texts are arrays of str of shape (frames,).
        """
        paths = dict.fromkeys(self._data_path(row) for row in self._rows)
        tables = [read_table(path) for path in paths]
        for path, table in zip(paths, tables, strict=True):
            missing = set(self._stored_features()) - set(table.column_names)
            if missing:
                raise DatasetError(f"{path} lacks the columns {sorted(missing)}; restore the file")
        names = self._stored_features()
        columns = {
            name: np.concatenate([_column(table[name]) for table in tables]) for name in names
        }
        rows = len(columns["index"])
        if rows != self.info["total_frames"]:
            raise DatasetError(
                f"{self.root}/data holds {rows} frames, info.json counts "
                f"{self.info['total_frames']}; restore its files"
            )
        texts = {index: text for text, index in read_tasks(self.root).items()}
        table_of_texts = np.array([texts[index] for index in range(len(texts))], dtype=object)
        return columns | {"task": table_of_texts[columns["task_index"]]}

    def video(self, episode: int, camera: str) -> NDArray[np.uint8]:
        """Return the frames of an episode, rgb, shape (length, height, width, 3)."""
        entry = self.episodes[episode]
        clip = self._clip(entry, camera)
        return _take(decode(clip.path, clip.first, self.info["fps"]), entry, clip)

    def iter_video(self, camera: str) -> Iterator[NDArray[np.uint8]]:
        """Yield what `video` returns for each episode in order, reading each file once."""
        fps = self.info["fps"]
        for path, group in groupby(self.episodes, lambda entry: self._clip(entry, camera).path):
            frames, position = decode(path, 0, fps), 0
            for entry in group:
                clip = self._clip(entry, camera)
                # An interrupted recording can leave frames that belong to no episode.
                for _ in islice(frames, clip.first - position):
                    pass
                yield _take(frames, entry, clip)
                position = clip.first + entry.length

    def first_pictures(self, camera: str, count: int) -> list[NDArray[np.uint8]]:
        """How up to `count` episodes, spread over the dataset, begin; each rgb, (h, w, 3)."""
        spread = np.linspace(0, len(self.episodes) - 1, count).round().astype(int)
        return [self.video(index, camera)[0] for index in dict.fromkeys(spread.tolist())]

    def _clip(self, entry: EpisodeEntry, camera: str) -> Clip:
        if camera not in entry.clips:
            raise DatasetError(
                f"{self.root} has no camera {camera!r}; it has {', '.join(self.cameras)}"
            )
        return entry.clips[camera]

    def _entry(self, row: dict[str, Any]) -> EpisodeEntry:
        clips = {}
        for camera in self.cameras:
            key = camera_key(camera)
            path = self.info["video_path"].format(
                video_key=key,
                chunk_index=row[f"videos/{key}/chunk_index"],
                file_index=row[f"videos/{key}/file_index"],
            )
            first = round(row[f"videos/{key}/from_timestamp"] * self.info["fps"])
            clips[camera] = Clip(self.root / path, first)
        return EpisodeEntry(
            index=row["episode_index"],
            instruction=row["tasks"][0],
            start=row["dataset_from_index"],
            length=row["length"],
            clips=clips,
        )

    def _data_path(self, row: dict[str, Any]) -> Path:
        path = self.info["data_path"].format(
            chunk_index=row["data/chunk_index"], file_index=row["data/file_index"]
        )
        return self.root / path

    def _stored_features(self) -> list[str]:
        features = self.info["features"]
        return [name for name, feature in features.items() if feature["dtype"] != "video"]


def _column(stored: pa.ChunkedArray) -> NDArray[Any]:
    array = stored.combine_chunks()
    if pa.types.is_fixed_size_list(array.type) or pa.types.is_list(array.type):
        return np.asarray(array.flatten()).reshape(len(array), -1)
    if pa.types.is_string(array.type):
        # Texts repeat from frame to frame: one str for all of a kind.
        encoded = array.dictionary_encode()
        words = np.array(encoded.dictionary.to_pylist(), dtype=object)
        return words[np.asarray(encoded.indices)]
    return np.asarray(array)


def _take(
    frames: Iterator[NDArray[np.uint8]], entry: EpisodeEntry, clip: Clip
) -> NDArray[np.uint8]:
    images = list(islice(frames, entry.length))
    if len(images) < entry.length:
        raise DatasetError(
            f"the video {clip.path} ends {entry.length - len(images)} frames before episode "
            f"{entry.index} does; restore the file or collect the dataset again"
        )
    return np.stack(images)
