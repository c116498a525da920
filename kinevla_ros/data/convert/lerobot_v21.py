"""A LeRobotDataset v2.0 or v2.1 as a source: one file of rows and one video an episode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kinevla_ros.base.files.damage import naming
from kinevla_ros.base.files.fields import integer, one_of
from kinevla_ros.base.files.json_file import parse_object, read_bounded, read_object
from kinevla_ros.base.files.paths import inside
from kinevla_ros.data.convert.lerobot_v30 import chosen
from kinevla_ros.data.convert.recording import Picture, Recording
from kinevla_ros.data.convert.stored_pictures import StoredPictures
from kinevla_ros.data.lerobot.metadata import INFO_PATH, read_table
from kinevla_ros.data.lerobot.metadata_checks import (
    FASTEST,
    MOST_EPISODES,
    MOST_FRAMES,
    check_feature,
    video_size,
)
from kinevla_ros.data.lerobot.schema import CURE, DatasetError, camera_key

VERSIONS = ("v2.0", "v2.1")
DATA = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
VIDEO = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
LARGEST_LIST = 256 << 20


class Version21:
    """The dataset at `root`; see `RecordingSource`.

    Raises:
        DatasetError: it is damaged.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        with naming(root / INFO_PATH, CURE, DatasetError):
            info = read_object(inside(root, INFO_PATH), CURE)
            self._fps = integer("fps", info.get("fps"), 1, FASTEST)
            self._per_chunk = integer("chunks_size", info.get("chunks_size"), 1, MOST_EPISODES)
            one_of("data_path", info.get("data_path"), (DATA,))
            self.features: Mapping[str, Mapping[str, Any]] = info["features"]
            for name, feature in self.features.items():
                check_feature(name, feature)
            if any(feature["dtype"] == "video" for feature in self.features.values()):
                one_of("video_path", info.get("video_path"), (VIDEO,))
        prefix = camera_key("")
        self.cameras = tuple(
            name.removeprefix(prefix)
            for name, feature in self.features.items()
            if name.startswith(prefix) and feature["dtype"] in ("video", "image")
        )
        self._tasks = {line["task_index"]: line["task"] for line in self._lines("meta/tasks.jsonl")}
        self._episodes = self._lines("meta/episodes.jsonl")
        self.episodes = tuple(
            integer("episode_index", line.get("episode_index"), 0, MOST_EPISODES)
            for line in self._episodes
        )

    def recordings(self, vectors: Sequence[str], texts: Sequence[str]) -> Iterator[Recording]:
        """Yield every episode in the order of meta/episodes.jsonl."""
        for number, line in zip(self.episodes, self._episodes, strict=True):
            path = self._file(DATA, number)
            table = read_table(path, MOST_FRAMES)
            with naming(path, CURE, DatasetError):
                table = table.sort_by("frame_index")
                if len(table) != line["length"]:
                    raise ValueError(f"{len(table)} rows, and the list says {line['length']}")
                yield Recording(
                    number,
                    self._tasks[table["task_index"][0].as_py()],
                    np.asarray(table["timestamp"], dtype=np.float64),
                    {name: _vector(table, name) for name in vectors},
                    {name: table[name].to_pylist() for name in texts},
                    partial(self._pictures, number),
                )

    def _pictures(self, number: int, camera: str, frames: Sequence[int]) -> list[Picture]:
        key = camera_key(camera)
        feature = self.features[key]
        if feature["dtype"] == "image":
            return StoredPictures(self._root, key).read([self._file(DATA, number)], frames)
        path = self._file(VIDEO, number, video_key=key)
        return chosen(path, 0, self._fps, video_size(feature), frames)

    def _file(self, template: str, number: int, **names: str) -> Path:
        chunk = number // self._per_chunk
        path = template.format(episode_chunk=chunk, episode_index=number, **names)
        with naming(self._root / path, CURE, DatasetError):
            return inside(self._root, path)

    def _lines(self, name: str) -> list[dict[str, Any]]:
        path = self._root / name
        with naming(path, CURE, DatasetError):
            text = read_bounded(inside(self._root, name), LARGEST_LIST)
            return [parse_object(line) for line in text.splitlines() if line.strip()]


def _vector(table: pa.Table, name: str) -> NDArray[np.float64]:
    column = table[name].combine_chunks()
    values = np.asarray(column.flatten(), dtype=np.float64).reshape(len(table), -1)
    if column.null_count or not np.isfinite(values).all():
        raise ValueError(f"{name} holds empty fields, NaN or infinity")
    return values
