"""A run of episodes on its way to disk: one data file and one video per camera."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kinevla_ros.base.files.atomic import publish
from kinevla_ros.data.episode import Episode, Frame
from kinevla_ros.data.lerobot.feature_statistics import (
    Statistics,
    as_lists,
    summarise,
    summarise_images,
)
from kinevla_ros.data.lerobot.schema import (
    ACTION,
    CHUNK_SIZE,
    COUNTERS,
    DATA_PATH,
    EPISODES_PATH,
    STATE,
    TEXTS,
    VIDEO_PATH,
    Schema,
    camera_key,
    shard_path,
)
from kinevla_ros.data.video import VideoWriter

Columns = dict[str, NDArray[Any]]


class _Record(NamedTuple):
    row: dict[str, Any]
    columns: Columns
    statistics: dict[str, Statistics]


class Shard:
    """Takes episodes into scratch files that `finish` moves into the dataset.

    Videos are encoded as episodes come; of the rest only the numbers are held in memory.
    """

    def __init__(self, root: Path, schema: Schema, number: int) -> None:
        self._root = root
        self._schema = schema
        self._number = number
        self._scratch = root / ".unfinished"
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir()
        self._videos = {camera: self._open_video(camera) for camera in schema.space.cameras}
        self._records: list[_Record] = []

    @property
    def episodes(self) -> int:
        """Episodes taken."""
        return len(self._records)

    @property
    def frames(self) -> int:
        """Frames of the episodes taken."""
        return sum(int(record.row["length"]) for record in self._records)

    @property
    def statistics(self) -> list[dict[str, Statistics]]:
        """Statistics of each episode taken, by feature."""
        return [record.statistics for record in self._records]

    def add(self, episode: Episode, index: int, start: int, task: int) -> None:
        """Take an episode with its number in the dataset, its first frame's and its task's.

        An exception on the way, say an interrupt, leaves some frames in the videos that no
        episode points to, and the shard as good as before.
        """
        offsets = {camera: video.frames for camera, video in self._videos.items()}
        columns = self._collect(episode, index, start, task)
        statistics: dict[str, Statistics] = {}
        for camera, video in self._videos.items():
            images = [frame.images[camera] for frame in episode.frames]
            for image in images:
                video.add(image)
            statistics[camera_key(camera)] = summarise_images(images)
        for name, values in columns.items():
            if name not in TEXTS:
                statistics[name] = summarise(values.reshape(len(values), -1))
        row = self._row(episode, index, start, offsets) | _statistics_entries(statistics)
        self._records.append(_Record(row, columns, statistics))

    def finish(self) -> None:
        """Close the files and move them into the dataset, the episode list last."""
        for camera, video in self._videos.items():
            video.close()
            final = shard_path(self._root, VIDEO_PATH, self._number, camera_key(camera))
            publish(self._video_scratch(camera), final)
        data, rows = self._scratch / "data", self._scratch / "episodes"
        pq.write_table(self._table(), data)
        pq.write_table(pa.Table.from_pylist([record.row for record in self._records]), rows)
        publish(data, shard_path(self._root, DATA_PATH, self._number))
        publish(rows, shard_path(self._root, EPISODES_PATH, self._number))
        shutil.rmtree(self._scratch)

    def _video_scratch(self, camera: str) -> Path:
        return self._scratch / f"{camera}.mp4"

    def _open_video(self, camera: str) -> VideoWriter:
        height, width = self._schema.size(camera)
        return VideoWriter(self._video_scratch(camera), width, height, self._schema.fps)

    def _collect(self, episode: Episode, index: int, start: int, task: int) -> Columns:
        frames = episode.frames
        length = len(frames)
        numbers = np.arange(length)
        columns: Columns = {
            STATE: np.stack([frame.state for frame in frames]),
            ACTION: np.stack([frame.action for frame in frames]),
        }
        for name in self._schema.vectors:
            columns[name] = np.stack([frame.vectors[name] for frame in frames])
        if self._schema.texts:
            for name, texts in zip(TEXTS, _texts(frames), strict=True):
                columns[name] = np.array(texts, dtype=object)
        columns["timestamp"] = (numbers / self._schema.fps).astype(np.float32)
        columns["frame_index"] = numbers
        columns["episode_index"] = np.full(length, index)
        columns["index"] = start + numbers
        columns["task_index"] = np.full(length, task)
        return columns

    def _row(
        self, episode: Episode, index: int, start: int, offsets: dict[str, int]
    ) -> dict[str, Any]:
        length = len(episode.frames)
        chunk, file = divmod(self._number, CHUNK_SIZE)
        row: dict[str, Any] = {
            "episode_index": index,
            "tasks": [episode.instruction],
            "length": length,
            "data/chunk_index": chunk,
            "data/file_index": file,
            "dataset_from_index": start,
            "dataset_to_index": start + length,
            "meta/episodes/chunk_index": chunk,
            "meta/episodes/file_index": file,
        }
        for camera, offset in offsets.items():
            prefix = f"videos/{camera_key(camera)}"
            row[f"{prefix}/chunk_index"] = chunk
            row[f"{prefix}/file_index"] = file
            row[f"{prefix}/from_timestamp"] = offset / self._schema.fps
            row[f"{prefix}/to_timestamp"] = (offset + length) / self._schema.fps
        return row

    def _table(self) -> pa.Table:
        arrays: dict[str, pa.Array] = {}
        for name in self._records[0].columns:
            values = np.concatenate([record.columns[name] for record in self._records])
            if name in TEXTS:
                arrays[name] = pa.array(values, pa.string())
            elif name in COUNTERS:
                arrays[name] = pa.array(values, pa.type_for_alias(COUNTERS[name]))
            else:
                flat = pa.array(values.ravel(), pa.float32())
                arrays[name] = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
        return pa.table(arrays)


def _texts(frames: Sequence[Frame]) -> tuple[list[str], list[str]]:
    return [frame.goal for frame in frames], [frame.kinematics for frame in frames]


def _statistics_entries(statistics: dict[str, Statistics]) -> dict[str, Any]:
    return {
        f"stats/{name}/{statistic}": numbers
        for name, values in statistics.items()
        for statistic, numbers in as_lists(name, values).items()
    }
