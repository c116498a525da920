"""All checks on a dataset, one after the other, as far as the one before lets the next go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kinevla_ros.base.action_space import RM75
from kinevla_ros.codec.amount import require_enough
from kinevla_ros.data.action_space_file import dataset_space, is_rm75, read_space
from kinevla_ros.data.checks.features import check_features
from kinevla_ros.data.checks.finding import Finding
from kinevla_ros.data.checks.labels import check_labels
from kinevla_ros.data.checks.motion import check_motion
from kinevla_ros.data.checks.rows import check_rows, read_columns
from kinevla_ros.data.checks.texts import check_tasks, check_texts
from kinevla_ros.data.checks.units import check_units
from kinevla_ros.data.checks.videos import check_videos
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import ALTERNATIVES_VALID, CURE, DatasetError


def check_dataset(root: Path, cameras: Sequence[str] | None = None) -> Iterator[Finding]:
    """Yield what is wrong with the dataset at `root`, each fault once, the first place named.

    Args:
        root: folder of a LeRobotDataset v3.0.
        cameras: whose pictures will be used; those of its action space without it.
    """
    try:
        reader = DatasetReader(root)
        space = read_space(root) or RM75
        cameras = space.cameras if cameras is None else cameras
        if not is_rm75(space):
            dataset_space(root, reader.info)
        yield from check_features(reader, cameras, space)
        yield from check_labels(reader)
        columns, findings = read_columns(reader)
        yield from findings
        if any(finding.feature == "data" for finding in findings):
            return
        yield from check_rows(reader, columns)
        if is_rm75(space):
            yield from check_units(reader, columns)
        yield from check_tasks(reader, columns)
        yield from check_texts(reader, columns)
        if is_rm75(space):
            yield from check_motion(reader, columns)
        yield from check_videos(reader, cameras)
    except DatasetError as problem:
        text, _, cure = str(problem).rpartition("; ")
        yield Finding("dataset", text or cure, cure if text else CURE)


def check_amount(root: Path) -> Iterator[Finding]:
    """Yield a sound dataset's want of chunks, if it is to be trained on alone."""
    reader = DatasetReader(root)
    columns, _ = read_columns(reader, (ALTERNATIVES_VALID,))
    labelled = columns.get(ALTERNATIVES_VALID)
    try:
        require_enough(reader.info["total_frames"] if labelled is None else int(labelled.sum()))
    except ValueError as problem:
        text, _, cure = str(problem).partition("; ")
        yield Finding("frames", text, cure)


def require_sound(root: Path, cameras: Sequence[str] | None = None) -> None:
    """Refuse a dataset that has a fault, before anything is trained on it.

    Raises:
        DatasetError: names the first fault, how many there are and how to see them all.
    """
    faults = [finding for finding in check_dataset(root, cameras) if finding.stops]
    if faults:
        more = f" (the first of {len(faults)}; kinevla check {root} shows all)"
        raise DatasetError(f"{root}: {faults[0]}{more if len(faults) > 1 else ''}")
