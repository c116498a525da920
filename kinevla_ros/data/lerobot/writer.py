"""Demonstrations to a LeRobotDataset v3.0 that outlives a kill.

Format: https://huggingface.co/docs/lerobot/lerobot-dataset-v3. Episodes go to disk in shards.
A shard's files are moved into place first and counted in meta/info.json last, so whatever
info.json counts is whole; a kill loses the episodes of the shard then open, nothing else.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

from kinevla_ros.base.action_space import RM75, ActionSpaceError
from kinevla_ros.base.files.atomic import write_json
from kinevla_ros.base.files.damage import naming
from kinevla_ros.base.files.lock import FolderInUse, FolderLock
from kinevla_ros.data.action_space_file import FILE_NAME as SPACE_FILE
from kinevla_ros.data.action_space_file import dataset_space, write_space
from kinevla_ros.data.episode import Episode
from kinevla_ros.data.lerobot.feature_statistics import Statistics, as_lists, from_lists, merge
from kinevla_ros.data.lerobot.metadata import (
    CURE,
    INFO_PATH,
    STATS_PATH,
    DatasetError,
    read_episodes,
    read_info,
    read_tasks,
    write_tasks,
)
from kinevla_ros.data.lerobot.schema import (
    CHUNK_SIZE,
    CODEBASE_VERSION,
    DATA_PATH,
    EPISODES_PATH,
    VIDEO_PATH,
    Schema,
    camera_key,
    shard_path,
)
from kinevla_ros.data.lerobot.shard import Shard

ROBOT_TYPE = "realman_rm75"


class DatasetWriter:
    """Adds episodes to the dataset at `root`, which it starts or continues.

    One process writes a dataset at a time. Use it as a context manager, or call `close`:
    either keeps every episode added.
    """

    def __init__(self, root: Path, schema: Schema, episodes_per_shard: int) -> None:
        self._root = root
        self._schema = schema
        self._episodes_per_shard = episodes_per_shard
        self._tasks: dict[str, int] = {}
        self._statistics: dict[str, Statistics] = {}
        self._shard: Shard | None = None
        self._finished_shards = 0
        self._finished_episodes = 0
        self._finished_frames = 0
        self._lock = _lock(root)

    @classmethod
    def open(cls, root: str | Path, schema: Schema, episodes_per_shard: int = 50) -> DatasetWriter:
        """Start a dataset at `root`, or continue the one that is there.

        Raises:
            DatasetError: Another process writes there, the dataset there is damaged, or its
                features or actions differ from `schema`.
        """
        root = Path(root)
        root.mkdir(parents=True, exist_ok=True)
        writer = cls(root, schema, episodes_per_shard)
        try:
            if (root / INFO_PATH).exists():
                writer._resume()
            writer._remove_uncounted()
            if not (root / SPACE_FILE).exists():
                write_space(root, schema.space)
        except BaseException:
            writer._release()
            raise
        return writer

    @property
    def episodes(self) -> int:
        """Episodes added so far, those of earlier runs included."""
        return self._finished_episodes + (self._shard.episodes if self._shard else 0)

    @property
    def frames(self) -> int:
        """Frames of those episodes."""
        return self._finished_frames + (self._shard.frames if self._shard else 0)

    def add(self, episode: Episode) -> None:
        """Append an episode; it is safe on disk when its shard is full or the writer closed.

        Raises:
            ValueError: A frame does not fit the schema; nothing was added.
        """
        self._schema.check(episode)
        if self._shard is None:
            self._shard = Shard(self._root, self._schema, self._finished_shards)
        task = self._tasks.setdefault(
            episode.instruction, max(self._tasks.values(), default=-1) + 1
        )
        self._shard.add(episode, self.episodes, self.frames, task)
        if self._shard.episodes >= self._episodes_per_shard:
            self.flush()

    def flush(self) -> None:
        """End the open shard, so that every episode added is safe on disk."""
        shard, self._shard = self._shard, None
        if shard is None or not shard.episodes:
            return
        shard.finish()
        self._finished_shards += 1
        self._finished_episodes += shard.episodes
        self._finished_frames += shard.frames
        self._merge(shard.statistics)
        write_tasks(self._root, self._tasks)
        stored = {name: as_lists(name, values) for name, values in self._statistics.items()}
        write_json(self._root / STATS_PATH, stored, indent=4)
        write_json(self._root / INFO_PATH, self._info(), indent=4)

    def close(self) -> None:
        """Flush and let others write."""
        try:
            self.flush()
        finally:
            self._release()

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _info(self) -> dict[str, Any]:
        return {
            "codebase_version": CODEBASE_VERSION,
            "robot_type": ROBOT_TYPE if self._schema.space.names == RM75.names else None,
            "total_episodes": self._finished_episodes,
            "total_frames": self._finished_frames,
            "total_tasks": len(self._tasks),
            "chunks_size": CHUNK_SIZE,
            "data_files_size_in_mb": 100,
            "video_files_size_in_mb": 200,
            "fps": self._schema.fps,
            "splits": {"train": f"0:{self._finished_episodes}"},
            "data_path": DATA_PATH,
            "video_path": VIDEO_PATH,
            "features": self._schema.features(),
        }

    def _resume(self) -> None:
        info = read_info(self._root)
        self._refuse_other_features(info)
        try:
            found, cure = dataset_space(self._root, info), "Write to another folder."
            self._schema.space.require(found, "what is to be written", str(self._root), cure)
        except ActionSpaceError as problem:
            raise DatasetError(str(problem)) from problem
        rows = read_episodes(self._root, info["total_episodes"])
        self._tasks = read_tasks(self._root)
        with naming(self._root / "meta/episodes", CURE, DatasetError):
            last = rows[-1]
            shard = last["data/chunk_index"] * CHUNK_SIZE + last["data/file_index"]
            self._merge([_row_statistics(row) for row in rows])
        self._finished_shards = shard + 1
        self._finished_episodes = len(rows)
        self._finished_frames = info["total_frames"]

    def _refuse_other_features(self, info: dict[str, Any]) -> None:
        theirs, ours = info["features"], self._schema.features()
        different = [key for key in theirs | ours if _kind(theirs, key) != _kind(ours, key)]
        if info["fps"] != self._schema.fps:
            different.append("fps")
        if different:
            raise DatasetError(
                f"{self._root} holds a dataset whose {', '.join(different)} differ from what is "
                "to be written; write to another folder or use the same features"
            )

    def _remove_uncounted(self) -> None:
        """Remove what a kill between the moves of a shard left uncounted."""
        for template in (DATA_PATH, EPISODES_PATH):
            shard_path(self._root, template, self._finished_shards).unlink(missing_ok=True)
        for camera in self._schema.space.cameras:
            video_key = camera_key(camera)
            video = shard_path(self._root, VIDEO_PATH, self._finished_shards, video_key)
            video.unlink(missing_ok=True)

    def _merge(self, episodes: list[dict[str, Statistics]]) -> None:
        for episode in episodes:
            for name, values in episode.items():
                known = self._statistics.get(name)
                self._statistics[name] = merge(known, values) if known else values

    def _release(self) -> None:
        self._lock.release()


def _lock(root: Path) -> FolderLock:
    try:
        return FolderLock(root)
    except FolderInUse as problem:
        raise DatasetError(str(problem)) from problem


def _kind(features: dict[str, Any], name: str) -> tuple[Any, ...]:
    """What makes it another feature; a merge rewrites how a video is encoded, and may."""
    feature = features.get(name, {})
    return tuple(feature.get(key) for key in ("dtype", "shape", "names"))


def _row_statistics(row: dict[str, Any]) -> dict[str, Statistics]:
    stored: dict[str, dict[str, list[Any]]] = {}
    for key, values in row.items():
        if key.startswith("stats/"):
            _, feature, statistic = key.split("/")
            stored.setdefault(feature, {})[statistic] = values
    return {feature: from_lists(values) for feature, values in stored.items()}
