"""The work behind `kinevla skill learn`: from recorded episodes to a skill."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.language.task_file import FILE_NAME, load_tasks
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.primitives.demonstrations import resampled
from kinevla_ros.skills.learning.anchors import End, grasp_end, grasped_object, release_end
from kinevla_ros.skills.learning.demonstration import (
    LearningError,
    ShownEpisode,
    read_demonstration,
)
from kinevla_ros.skills.learning.segments import cut
from kinevla_ros.skills.motion import PHASES
from kinevla_ros.skills.skill import Move, Openings, Skill, ToolPose

Array = NDArray[np.float64]

_DIGITS = 5


def learn(root: Path, episodes: Sequence[int]) -> tuple[Skill, TaskSet]:
    """Learn a skill.

    Args:
        root: folder of the dataset, with its tasks.yaml.
        episodes: of one way; the first one is followed, further ones help to tell which frames
            matter.

    Raises:
        FileNotFoundError, DatasetError, TaskSetError: dataset or task set are missing or damaged.
        LearningError: the episodes cannot be learnt from.
    """
    if not episodes or len(set(episodes)) < len(episodes):
        raise LearningError("give at least one episode, and each once: --episode 0 --episode 7")
    dataset, tasks = DatasetReader(root), load_tasks(root / FILE_NAME)
    read = [read_demonstration(dataset, tasks, episode) for episode in episodes]
    for other in read[1:]:
        if other.command != read[0].command:
            raise LearningError(
                f'episode {other.index} shows "{other.command.say}" and episode {read[0].index} '
                f'"{read[0].command.say}"; a skill is learnt from episodes of one way'
            )
    shown = [(each, cut(each)) for each in read]
    first, cuts = shown[0]
    carried = {grasped_object(*each) for each in shown}
    if len(carried) > 1:
        raise LearningError(f"the episodes grasp {' and '.join(sorted(carried))}; give one kind")
    (name,) = carried
    step = float(first.times[1])
    held = float(first.opening[cuts.leaving : cuts.release + 1].min())
    skill = Skill(
        tasks=tasks.name,
        goal=first.command.goal,
        kinematics=first.command.kinematics,
        source=root.resolve().name,
        episodes=tuple(episodes),
        gripper=Openings(
            open=_rounded(first.opening.max()),
            closed=_rounded(max(0.0, first.commanded[cuts.grasp : cuts.release].min())),
            held=_rounded(held),
        ),
        approach=_move(first, cuts.start, cuts.grasp, grasp_end(shown, name)),
        closing=_rounded(max(step, first.times[cuts.leaving] - first.times[cuts.grasp])),
        carry=_move(first, cuts.leaving, cuts.release, release_end(shown, name)),
        opening=_rounded(max(step, first.times[cuts.opened] - first.times[cuts.release])),
        rise=_rounded(max(0.0, first.tool[cuts.end, 2] - first.tool[cuts.release, 2])),
    )
    return skill, tasks


def _move(shown: ShownEpisode, first: int, last: int, end: End) -> Move:
    if last - first < 2:
        raise LearningError(
            f"in episode {shown.index} the tool hardly moves between frames {first} and {last}; "
            "begin the episode with the tool away from the object"
        )
    path = resampled([shown.tool[first : last + 1]], PHASES)[0]
    return Move(
        duration=_rounded(shown.times[last] - shown.times[first]),
        anchor=end.anchor,
        goal=_pose(end.goal),
        path=tuple(_pose(pose) for pose in path),
    )


def _pose(values: Array) -> ToolPose:
    x, y, z, yaw = (_rounded(value) for value in values)
    return x, y, z, yaw


def _rounded(value: float) -> float:
    return round(float(value), _DIGITS)
