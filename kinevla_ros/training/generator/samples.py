"""Frames of a dataset as training samples: squares of both cameras, state, labelled chunks.

A dataset may carry `action.alternatives`: the demonstrator's chunk for every command from the
same state. Such a frame teaches each of them, so that nothing but the words decides the motion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.action_space import RM75, ActionSpace
from kinevla_ros.base.files.damage import naming
from kinevla_ros.data.action_space_file import Wanted, dataset_space, require_plausible
from kinevla_ros.data.checks.dataset import require_sound
from kinevla_ros.data.chunks import demonstrated_chunks, frames_ahead
from kinevla_ros.data.lerobot.metadata import read_info
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import (
    ALTERNATIVES,
    ALTERNATIVES_VALID,
    CURE,
    MOTION,
    SCENE,
    DatasetError,
)
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.training.generator.dataset_tasks import (
    COLUMNS,
    Spoken,
    read_spoken,
    task_set_of,
)
from kinevla_ros.training.generator.shared_motion import shared_motion
from kinevla_ros.training.generator.square_cache import FROM_VIDEOS


class PictureSource(Protocol):
    """Where the pictures of a dataset come from."""

    @property
    def cameras_needed(self) -> bool:
        """Whether the dataset must hold sound videos."""

    @property
    def looks(self) -> int:
        """PictureSource of each frame."""

    def __call__(
        self, reader: DatasetReader, size: int, cameras: Sequence[str]
    ) -> NDArray[np.uint8]:
        """Squares of all frames, (frames looks, cameras, size, size, 3)."""


class Joined:
    """Arrays read as one, each left in its file: the images of all datasets outgrow the memory."""

    def __init__(self, arrays: Sequence[NDArray[np.uint8]]) -> None:
        self._arrays = arrays
        self._begins = np.cumsum([0, *map(len, arrays)])

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The rows of these numbers, shape (n,), copied."""
        places = np.searchsorted(self._begins, rows, side="right") - 1
        return np.stack(
            [
                self._arrays[place][row - self._begins[place]]
                for row, place in zip(rows, places, strict=True)
            ]
        )


@dataclass(frozen=True)
class Samples:
    """Aligned arrays of N frames.

    Attributes:
        images: squares (N looks, cameras, S, S, 3), uint8, left in their files; those of one frame
            are next to each other.
        state: measured, as `space` names it (N, S).
        task: index into the task set's W commands of the one that was followed (N,).
        chunks: physical chunk for each command (N, W, H, D): absolute actions as offsets from
            the measured state, the gripper as it is.
        valid: which of those chunks exist (N, W).
        scene: object poses for the auxiliary regression (N, n).
        parts: frames of each dataset, in order; each is drawn from equally often.
        tasks: what the datasets' ways are.
        said: for each command the instructions of its demonstrations, (W,).
        space: what the numbers mean, and the cameras in their order.
        looks: pictures of each frame.
        ahead: frames from each to that at its chunk's end (N,); None where nobody asks for it.
    """

    images: NDArray[np.uint8] | Joined
    state: NDArray[np.float32]
    task: NDArray[np.int64]
    chunks: NDArray[np.float32]
    valid: NDArray[np.bool_]
    scene: NDArray[np.float32]
    parts: tuple[int, ...]
    tasks: TaskSet
    said: tuple[tuple[str, ...], ...]
    space: ActionSpace = RM75
    looks: int = 1
    ahead: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.state)

    def pictures(self, rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Squares of frames, (n, cameras, S, S, 3), each in one of its looks."""
        return self.images[rows * self.looks + self._looks(len(rows), rng)]

    def moving_pictures(
        self, rows: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """Squares of frames, then of those at their chunks' ends, (n, 2 cameras, S, S, 3).

        Raises:
            ValueError: nothing says which frames follow each other.
        """
        if self.ahead is None:
            raise ValueError("these samples do not say which frames follow each other")
        looks = self._looks(len(rows), rng)
        both = [rows, rows + self.ahead[rows]]
        return np.concatenate([self.images[r * self.looks + looks] for r in both], axis=1)

    def _looks(self, count: int, rng: np.random.Generator) -> NDArray[np.int64] | int:
        return rng.integers(self.looks, size=count) if self.looks > 1 else 0

    def common(self) -> NDArray[np.float32]:
        """What the ways to each goal share, shaped as `chunks`; see `shared_motion`."""
        return shared_motion(self.tasks, self.chunks, self.valid, self.state, self.task, self.space)


def load_samples(
    datasets: Sequence[Path],
    image_size: int | None,
    cameras: Mapping[str, str] | None = None,
    wanted: Wanted | None = None,
    pictures: PictureSource = FROM_VIDEOS,
) -> Samples:
    """Read datasets of one task set, one after the other.

    No size means no images. What `kinevla check` finds is refused first.

    Args:
        cameras: name that training uses to that in the datasets; only these are used then.
        wanted: what their actions must be; those of the first dataset without it.
        pictures: where they come from.

    Raises:
        DatasetError: a dataset is missing, damaged, without reasoning, of other tasks, or tells
            other places of objects than the others.
        ActionSpaceError: its actions or cameras are not what is wanted; names both.
    """
    if wanted is None:
        require_sound(datasets[0], ())
        first = dataset_space(datasets[0], read_info(datasets[0]), cameras)
        wanted = Wanted(first, f"the dataset {datasets[0]}")
    spoken = [read_spoken(dataset) for dataset in datasets]
    tasks = task_set_of(spoken)
    read = [_load(own, tasks, image_size, cameras or {}, wanted, pictures) for own in spoken]
    if len({arrays["scene"].shape[1] for arrays in read}) > 1:
        raise DatasetError(f"train on datasets that all have {SCENE}, or on such that all have not")
    images = Joined([arrays.pop("images") for arrays in read])
    joined = {name: np.concatenate([arrays[name] for arrays in read]) for name in read[0]}
    parts = tuple(len(arrays["state"]) for arrays in read)
    every = [own.instructions(tasks) for own in spoken]
    said = tuple(tuple(dict.fromkeys(t for own in every for t in own[c])) for c in tasks.commands)
    return Samples(
        images,
        **joined,
        parts=parts,
        tasks=tasks,
        said=said,
        space=wanted.space,
        looks=pictures.looks,
    )


def _load(
    spoken: Spoken,
    tasks: TaskSet,
    image_size: int | None,
    cameras: Mapping[str, str],
    wanted: Wanted,
    pictures: PictureSource,
) -> dict[str, NDArray]:
    """The arrays of one dataset, by their names in `Samples`."""
    reader, space = spoken.reader, wanted.space
    dataset = reader.root
    wanted.require(dataset, reader.info, cameras)
    own = [cameras.get(name, name) for name in space.cameras]
    require_sound(dataset, own if image_size is not None and pictures.cameras_needed else ())
    columns = reader.frames
    missing = set(MOTION) - set(columns)
    if missing:
        raise DatasetError(f"{dataset} lacks the columns {sorted(missing)}; {COLUMNS}")
    require_plausible(dataset, space, columns)
    state = columns[MOTION[0]].astype(np.float32)
    task = spoken.ways(tasks)
    with naming(dataset / "data", CURE, DatasetError):
        chunks, valid = _chunks(columns, state, task, len(tasks.commands), space)
        scene = columns.get(SCENE, np.zeros((len(state), 0), np.float32)).astype(np.float32)
        scene = scene.reshape(len(state), -1)
    images = np.zeros((len(state), 0), np.uint8)
    if image_size is not None:
        images = pictures(reader, image_size, own)
    return {
        "images": images,
        "state": state,
        "task": task,
        "chunks": chunks,
        "valid": valid,
        "scene": scene,
        "ahead": frames_ahead(columns["episode_index"], space.horizon),
    }


def _chunks(
    columns: dict[str, NDArray],
    state: NDArray[np.float32],
    task: NDArray[np.int64],
    ways: int,
    space: ActionSpace,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Chunks for each command, absolute actions relative to the measured state."""
    count = len(state)
    shape = (count, ways, space.horizon, space.width)
    rows = np.arange(count)
    if ALTERNATIVES in columns:
        chunks = columns[ALTERNATIVES].astype(np.float32).reshape(shape).copy()
        valid = columns[ALTERNATIVES_VALID].astype(bool)
    else:
        chunks, valid = np.zeros(shape, np.float32), np.zeros(shape[:2], bool)
        valid[rows, task] = True
    chunks[rows, task] = demonstrated_chunks(columns, space)
    chunks -= space.start(state)[:, None, None]
    return chunks, valid
