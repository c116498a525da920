"""A LeRobotDataset v3.0 back from disk as numpy arrays.

Format: https://huggingface.co/docs/lerobot/lerobot-dataset-v3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kinevla_ros.base.files.damage import naming
from kinevla_ros.base.files.paths import inside
from kinevla_ros.data.lerobot.metadata import (
    CURE,
    DatasetError,
    read_episodes,
    read_info,
    read_table,
    read_tasks,
)
from kinevla_ros.data.lerobot.metadata_checks import READ, check_row, video_size
from kinevla_ros.data.lerobot.schema import camera_key


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
            if feature["dtype"] == "video" and name.startswith(prefix)
        )
        self._rows = read_episodes(self.root, self.info["total_episodes"])
        with naming(self.root / "meta/episodes", CURE, DatasetError):
            self._check_rows()
        self._add_instructions()
        with naming(self.root / "meta/episodes", CURE, DatasetError):
            self.episodes = [self._entry(row) for row in self._rows]

    @cached_property
    def frames(self) -> dict[str, NDArray[Any]]:
        """Every stored column, one row per frame of the dataset, and `task`.

        Float features have shape (frames, n); counters shape (frames,); `task` (the
        instruction) and the reasoning texts are arrays of str of shape (frames,).
        """
        paths = self.data_files()
        features = self._stored_features()
        texts = [name for name, feature in features.items() if feature["dtype"] == "string"]
        tables = [
            read_table(path, self.info["total_frames"], texts, list(features)) for path in paths
        ]
        for path, table in zip(paths, tables, strict=True):
            missing = set(features) - set(table.column_names)
            if missing:
                raise DatasetError(f"{path} lacks the columns {sorted(missing)}; restore the file")
        data = self.root / "data"
        with naming(data, CURE, DatasetError):
            columns = {
                name: np.concatenate([_column(name, feature, table[name]) for table in tables])
                for name, feature in features.items()
            }
            rows = len(columns["index"])
        if rows != self.info["total_frames"]:
            raise DatasetError(
                f"{data} holds {rows} frames, info.json counts {self.info['total_frames']}; {CURE}"
            )
        with naming(data, CURE, DatasetError):
            self._check_counters(columns)
            return columns | {"task": self._tasks_of(columns["task_index"])}

    def data_files(self) -> list[Path]:
        """The files of the rows, in the order of the episodes."""
        return list(dict.fromkeys(self._data_path(row) for row in self._rows))

    def span(self, episode: int, camera: str) -> tuple[float, float]:
        """From when to when an episode lies in its video, as the episode list says, s."""
        row, key = self._rows[episode], f"videos/{camera_key(camera)}"
        first = float(row[f"{key}/from_timestamp"])
        length = self.episodes[episode].length / self.info["fps"]
        return first, float(row.get(f"{key}/to_timestamp") or first + length)

    def video(self, episode: int, camera: str) -> NDArray[np.uint8]:
        """Return the frames of an episode, rgb, shape (length, height, width, 3)."""
        # Training on rendered pictures runs without a video library.
        from kinevla_ros.data.video import decode

        entry = self.episodes[episode]
        clip = self._clip(entry, camera)
        frames = decode(clip.path, clip.first, self.info["fps"], self._size(camera))
        return _take(frames, entry, clip)

    def iter_video(self, camera: str) -> Iterator[NDArray[np.uint8]]:
        """Yield what `video` returns for each episode in order, reading each file once."""
        from kinevla_ros.data.video import decode

        fps, size = self.info["fps"], self._size(camera)
        for path, group in groupby(self.episodes, lambda entry: self._clip(entry, camera).path):
            frames, position = decode(path, 0, fps, size), 0
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

    def _size(self, camera: str) -> tuple[int, int]:
        return video_size(self.info["features"][camera_key(camera)])

    def _check_rows(self) -> None:
        """Episodes follow each other without a gap and are all that info.json counts."""
        start, keys = 0, [camera_key(camera) for camera in self.cameras]
        for row in self._rows:
            check_row(row, start, keys)
            start += row["length"]
        if start != self.info["total_frames"]:
            raise ValueError(f"{start} frames, and info.json counts {self.info['total_frames']}")

    def _tasks_of(self, numbers: NDArray[np.int64]) -> NDArray[np.object_]:
        """The instruction of each task number."""
        texts = {number: text for text, number in read_tasks(self.root).items()}
        known, places = np.unique(numbers, return_inverse=True)
        if foreign := [int(number) for number in known if number not in texts]:
            raise ValueError(f"task_index {foreign[0]} is none of meta/tasks.parquet")
        return np.array([texts[number] for number in known], dtype=object)[places]

    def _add_instructions(self) -> None:
        """Where the episode list lacks them, from the number of each episode's first frame."""
        if all(row.get("tasks") for row in self._rows):
            return
        total = self.info["total_frames"]
        tables = [read_table(path, total, columns=["task_index"]) for path in self.data_files()]
        with naming(self.root / "data", CURE, DatasetError):
            numbers = np.concatenate([np.asarray(table["task_index"]) for table in tables])
            firsts = numbers[[row["dataset_from_index"] for row in self._rows]]
            for row, text in zip(self._rows, self._tasks_of(firsts), strict=True):
                row["tasks"] = row.get("tasks") or [text]

    def _check_counters(self, columns: dict[str, NDArray[Any]]) -> None:
        """The frames are those of the episode list, in its order."""
        lengths = [entry.length for entry in self.episodes]
        listed = np.repeat(np.arange(len(lengths)), lengths)
        if not np.array_equal(columns["episode_index"], listed):
            raise ValueError("episode_index is not that of the episode list")

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
            clips[camera] = Clip(inside(self.root, path), first)
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
        with naming(self.root / path, CURE, DatasetError):
            return inside(self.root, path)

    def _stored_features(self) -> dict[str, dict[str, Any]]:
        features = self.info["features"]
        return {name: own for name, own in features.items() if own["dtype"] in READ}


def _column(name: str, feature: dict[str, Any], stored: pa.ChunkedArray) -> NDArray[Any]:
    """Values of a feature, one row per frame. Raises ValueError where they are not of it."""
    array = pa.concat_arrays(stored.chunks) if stored.num_chunks > 1 else stored.chunk(0)
    if array.null_count:
        raise ValueError(f"{name} has {array.null_count} empty fields")
    if feature["dtype"] == "string":
        # Texts repeat from frame to frame: one str for all of a kind.
        encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
        kind = encoded.type.value_type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise ValueError(f"{name} holds no texts")
        words = np.array(encoded.dictionary.to_pylist(), dtype=object)
        return words[np.asarray(encoded.indices)]
    shape: tuple[int, ...] = (len(array),)
    if pa.types.is_fixed_size_list(array.type) or pa.types.is_list(array.type):
        shape = (len(array), math.prod(feature["shape"]))
        array = array.flatten()
    values = np.asarray(array).reshape(shape)
    if values.dtype != np.dtype(feature["dtype"]):
        raise ValueError(f"{name} holds {values.dtype} and should hold {feature['dtype']}")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds NaN or infinity")
    return values


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
