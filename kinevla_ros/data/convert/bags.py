"""`kinevla convert` for bags: one dataset of all episodes, with a line for each bag."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.data.convert.bag_frames import Actions, SynchronisedFrame, frames_of, synchronise
from kinevla_ros.data.convert.dataset import (
    ConvertedRecording,
    abandon,
    even,
    open_target,
    require_new,
)
from kinevla_ros.data.convert.resample import SHORTEST
from kinevla_ros.data.episode import Episode, Frame
from kinevla_ros.data.lerobot.schema import DatasetError
from kinevla_ros.data.lerobot.writer import DatasetWriter
from kinevla_ros.data.recording.bag import FAILURE, HAND, TEACHING, VERDICT, find_bags, unfinished


def convert_bags(root: Path, target: Path, only_takeover: bool) -> Iterator[ConvertedRecording]:
    """Write the bag at `root`, or all bags in that folder, as one dataset.

    An episode that its recorder called a failure, or left unfinished, is left out.

    Args:
        target: folder of the new dataset; empty or absent.
        only_takeover: whether to keep only frames in which a person led the arm.

    Raises:
        DatasetError: a bag is damaged, the target is not empty, or nothing is left.
    """
    require_new(root, target)
    writer: DatasetWriter | None = None
    bags, abandoned = find_bags(root), unfinished(root)
    try:
        for number, bag in enumerate(bags):
            if bag.stated.get(VERDICT) == FAILURE:
                yield ConvertedRecording(
                    number, 0, 0, 0, (f"{bag.root.name} was a failure: left out",)
                )
                continue
            actions: Actions = "measured" if bag.stated.get(TEACHING) == HAND else "targets"
            stretches, targets = synchronise(bag, actions)
            total = sum(len(stretch.seen) for stretch in stretches)
            stated = [stretch.stated for stretch in stretches if stretch.stated]
            if total and not targets.stamps:
                stated.append(
                    "nothing was streamed to the arm; an arm that was guided by hand is recorded "
                    f"with {TEACHING}: {HAND}"
                )
            kept = parts = 0
            for stretch in stretches:
                for run in frames_of(stretch, targets, only_takeover):
                    if len(run) < SHORTEST:
                        stated.append(f"{len(run) / 10:.1f} s left out: too short")
                        continue
                    episode = _episode(run)
                    writer = writer or open_target(target, episode, texts=False)
                    writer.add(episode)
                    kept, parts = kept + len(run), parts + 1
            yield ConvertedRecording(number, total, kept, parts, tuple(stated))
        for number, folder in enumerate(abandoned, len(bags)):
            why = f"{folder.name} is unfinished and left out: kinevla recover {folder}"
            yield ConvertedRecording(number, 0, 0, 0, (why,))
        if writer:
            writer.close()
    except BaseException:
        if writer:
            abandon(writer, target)
        raise
    if writer is None:
        raise DatasetError(f"nothing of {root} can be used; see above what was left out, and why")


def is_bag(root: Path) -> bool:
    """Whether `root` is a bag or a folder of bags, finished or not."""
    return bool(find_bags(root) or unfinished(root))


def _episode(run: list[tuple[SynchronisedFrame, NDArray[np.float64]]]) -> Episode:
    frames = [
        Frame(
            images={camera: even(own) for camera, own in seen.observation.images.items()},
            state=np.append(seen.observation.joints, seen.observation.gripper),
            action=action,
        )
        for seen, action in run
    ]
    return Episode(run[0][0].instruction, frames)
