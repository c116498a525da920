"""`kinevla convert`: any source into a new dataset at 10 Hz, with a line for each episode."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.base.files.atomic import copy
from kinevla_ros.base.files.json_file import read_object
from kinevla_ros.data.checks.features import MOTION
from kinevla_ros.data.convert.lerobot_v21 import VERSIONS, Version21
from kinevla_ros.data.convert.lerobot_v30 import Version30
from kinevla_ros.data.convert.mapping import FeatureNames, FeatureUnits
from kinevla_ros.data.convert.recording import Picture, Recording, RecordingSource
from kinevla_ros.data.convert.resample import ResampledPart, TooSlow, resample
from kinevla_ros.data.episode import Episode, Frame
from kinevla_ros.data.lerobot.metadata import INFO_PATH
from kinevla_ros.data.lerobot.schema import COUNTERS, CURE, TEXTS, DatasetError, Schema, camera_key
from kinevla_ros.data.lerobot.writer import DatasetWriter
from kinevla_ros.language.task_file import FILE_NAME as TASKS_FILE


@dataclass(frozen=True)
class ConvertedRecording:
    """What became of one recording.

    Attributes:
        number: of the recording in its source.
        frames: it had; kept: that are in the new dataset.
        parts: episodes that it became.
        stated: what was left out, and why.
    """

    number: int
    frames: int
    kept: int
    parts: int
    stated: tuple[str, ...] = ()

    def __str__(self) -> str:
        episodes = "1 episode" if self.parts == 1 else f"{self.parts} episodes"
        stated = f": {'; '.join(self.stated)}" if self.stated else ""
        return f"recording {self.number}: {self.kept} of {self.frames} frames, {episodes}{stated}"


def convert_dataset(
    root: Path, target: Path, names: FeatureNames, units: FeatureUnits, drop: Collection[int] = ()
) -> Iterator[ConvertedRecording]:
    """Write the LeRobotDataset at `root` (v3.0, v2.1) as a new one: 10 Hz, our order and units.

    Args:
        target: folder of the new dataset; empty or absent.
        drop: numbers of recordings to leave out.

    Raises:
        DatasetError: the source is damaged or lacks an episode to drop, the target is not empty,
            or nothing is left.
        MappingError: `names` do not fit the source.
    """
    require_new(root, target)
    source = open_source(root)
    if unknown := sorted(set(drop) - set(source.episodes)):
        last = max(source.episodes, default=0)
        raise DatasetError(f"--drop {unknown[0]}: {root} has no such episode; its last is {last}")
    vectors = {name: _vector(source, names, name) for name in MOTION}
    columns = {name: names.columns(name, source.features[own]) for name, own in vectors.items()}
    cameras = {camera: names.camera(camera, source.cameras) for camera in CAMERAS}
    texts = TEXTS if all(name in source.features for name in TEXTS) else ()
    writer: DatasetWriter | None = None
    try:
        for recording in source.recordings(list(vectors.values()), texts):
            if recording.number in drop:
                yield ConvertedRecording(
                    recording.number, len(recording.stamps), 0, 0, ("left out as asked",)
                )
                continue
            state, action = units.apply(
                *(recording.vectors[vectors[name]][:, columns[name]] for name in MOTION)
            )
            try:
                parts, stated = resample(recording.stamps, action)
            except TooSlow as problem:
                yield ConvertedRecording(recording.number, len(state), 0, 0, (str(problem),))
                continue
            for part in parts:
                episode = _episode(recording, part, state, cameras)
                writer = writer or open_target(target, episode, bool(texts))
                writer.add(episode)
            kept = sum(len(part.rows) for part in parts)
            yield ConvertedRecording(recording.number, len(state), kept, len(parts), tuple(stated))
        if writer:
            writer.close()
    except BaseException:
        if writer:
            abandon(writer, target)
        raise
    if writer is None:
        raise DatasetError(f"nothing of {root} can be used; see above what was left out, and why")
    if (root / TASKS_FILE).is_file():
        copy(root / TASKS_FILE, target / TASKS_FILE)


def left_out(root: Path, names: FeatureNames) -> list[str]:
    """Features of a source that the new dataset will not have."""
    features = open_source(root).features
    ours = {names.of(name) for name in (*MOTION, *TEXTS)} | set(COUNTERS)
    ours |= {camera_key(names.of(camera).removeprefix(camera_key(""))) for camera in CAMERAS}
    return [name for name in features if name not in ours]


def open_source(root: Path) -> RecordingSource:
    """The dataset at `root` as its version wants it read.

    Raises:
        DatasetError: there is none, it is damaged or of a version that is not read.
    """
    path = root / INFO_PATH
    if not path.is_file():
        raise DatasetError(f"no dataset at {root}: {INFO_PATH} is missing; check the path")
    version = read_object(path, CURE).get("codebase_version")
    return Version21(root) if version in VERSIONS else Version30(root)


def require_new(root: Path, target: Path) -> None:
    """Refuse to convert in place or over something. Raises DatasetError."""
    if target.resolve() == root.resolve() or root.resolve() in target.resolve().parents:
        raise DatasetError(f"{target} lies in {root}, which stays as it is; give another folder")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DatasetError(f"{target} is not empty; give a new folder")


def abandon(writer: DatasetWriter, target: Path) -> None:
    """Remove what a conversion has written into its new folder: half would look like all of it."""
    with suppress(OSError):  # of a full disk; it goes anyway
        writer.close()
    for path in target.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    target.rmdir()


def open_target(target: Path, episode: Episode, texts: bool) -> DatasetWriter:
    """Start a dataset for episodes like this one."""
    first = episode.frames[0]
    sizes = {camera: first.images[camera].shape[:2] for camera in CAMERAS}
    return DatasetWriter.open(target, Schema(sizes=sizes, texts=texts))


def even(picture: Picture) -> Picture:
    """A picture without the last row or column where their number is odd: video needs even."""
    height, width = picture.shape[:2]
    return picture[: height - height % 2, : width - width % 2]


def _vector(source: RecordingSource, names: FeatureNames, name: str) -> str:
    own = names.of(name)
    if own not in source.features:
        numbers = [n for n, f in source.features.items() if f["dtype"].startswith("float")]
        raise DatasetError(
            f"there is no column {own}; say which of {', '.join(numbers)} it is: --map {name}=…"
        )
    return own


def _episode(
    recording: Recording,
    part: ResampledPart,
    state: NDArray[np.float64],
    cameras: Mapping[str, str],
) -> Episode:
    rows = part.rows.tolist()
    pictures = {own: recording.pictures(other, rows) for own, other in cameras.items()}
    goal, kinematics = (recording.texts.get(name) for name in TEXTS)
    frames = [
        Frame(
            images={camera: even(own[place]) for camera, own in pictures.items()},
            state=state[row],
            action=part.actions[place],
            goal=goal[row] if goal else "",
            kinematics=kinematics[row] if kinematics else "",
        )
        for place, row in enumerate(rows)
    ]
    return Episode(recording.instruction, frames)
