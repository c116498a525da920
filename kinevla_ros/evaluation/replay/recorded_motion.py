"""The motion of a recorded episode, of a dataset or of a bag."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.base.chunk import CHUNK_DT, HORIZON, JOINT_NAMES, ActionChunk
from kinevla_ros.base.interpolation import at_times
from kinevla_ros.data.action_space_file import dataset_space, require_plausible
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import ACTION, STATE, DatasetError
from kinevla_ros.data.recording.bag import HAND, INSTRUCTION, TEACHING, Bag, find_bags
from kinevla_ros.data.recording.topics import JOINTS, TARGETS
from kinevla_ros.data.synchronisation.joint_states import GRIPPER, positions_by_name
from kinevla_ros.robot.executable import require_executable

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RecordedMotion:
    """Targets that were sent, one every `CHUNK_DT`.

    Attributes:
        instruction: what was asked for; empty if that is not known.
        start: where joints and gripper were at the beginning, shape (8,), rad and m.
        targets: joint positions and opening, shape (N, 8), rad and m; number k is due
            `(k + 1) * CHUNK_DT` after the start.
    """

    instruction: str
    start: Array
    targets: Array

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return len(self.targets) * CHUNK_DT

    def slower(self, share: float) -> RecordedMotion:
        """The same way at a share of its speed, above 0 and up to 1."""
        count = math.ceil(len(self.targets) / share)
        targets = self.at(np.arange(1, count + 1, dtype=float) * (share * CHUNK_DT))
        return RecordedMotion(self.instruction, self.start, targets)

    def chunk(self, step: int, stamp: float, sequence: int) -> ActionChunk:
        """The targets that follow `step`; the last one is repeated at the end."""
        rows = self.targets[np.minimum(step + np.arange(HORIZON), len(self.targets) - 1)]
        return ActionChunk(stamp, sequence, rows[:, :-1], rows[:, -1])

    def at(self, times: Array) -> Array:
        """Where it leads at times since its start, s, straight between targets, shape (n, 8)."""
        due = CHUNK_DT * np.arange(len(self.targets) + 1)
        path = np.vstack([self.start, self.targets])
        return at_times(times, due, path)


def read_motion(path: Path, episode: int) -> RecordedMotion:
    """Read an episode of a LeRobotDataset at 10 Hz, or of a bag or a folder of bags.

    Args:
        path: folder of the dataset, of the bag, or of bags.
        episode: its number; of bags in the order of their names.

    Raises:
        DatasetError: it cannot be read, or there is no such episode.
        ActionSpaceError: its actions are not targets of this arm.
    """
    if bags := find_bags(path):
        _require_episode(path, episode, len(bags))
        return _of_bag(bags[episode])
    reader = DatasetReader(path)
    space = dataset_space(reader.root, reader.info)
    require_executable(space, f"the dataset {path}", (*CAMERAS, *space.cameras))
    _require_episode(path, episode, len(reader.episodes))
    require_plausible(reader.root, space, reader.frames)
    entry = reader.episodes[episode]
    states, actions = (reader.frames[name][entry.span] for name in (STATE, ACTION))
    return RecordedMotion(
        entry.instruction, np.asarray(states[0], float), np.asarray(actions, float)
    )


def _require_episode(path: Path, episode: int, count: int) -> None:
    if not 0 <= episode < count:
        raise DatasetError(f"{path} has the episodes 0 to {count - 1}, and no {episode}")


def _of_bag(bag: Bag) -> RecordedMotion:
    """What was streamed, or the measured motion of an arm that was guided by hand."""
    topic = JOINTS if bag.stated.get(TEACHING) == HAND else TARGETS
    stamps, places = list[float](), list[Array]()
    opening, start = np.nan, None
    for received in bag.messages([JOINTS, TARGETS]):
        named = positions_by_name(received.message, received.topic)
        if not named.keys() >= {*JOINT_NAMES}:
            continue
        measured = received.topic == JOINTS
        if measured and topic == TARGETS and stamps:
            continue  # from the first target on its openings count
        opening = named.get(GRIPPER, opening)
        place = np.array([*(named[name] for name in JOINT_NAMES), opening])
        if received.topic == topic and np.isfinite(place).all():
            start = place if start is None else start
            stamps.append(received.stamp)
            places.append(place)
    if start is None or stamps[-1] - stamps[0] < CHUNK_DT:
        raise DatasetError(
            f"{bag.root} has no motion with a gripper on {topic}; an arm that was guided by hand "
            f"is recorded with {TEACHING}: {HAND}"
        )
    due = np.arange(stamps[0] + CHUNK_DT, stamps[-1] + CHUNK_DT / 2, CHUNK_DT)
    targets = at_times(due, stamps, places)
    return RecordedMotion(bag.stated.get(INSTRUCTION, ""), start, targets)
