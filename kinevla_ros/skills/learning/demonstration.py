"""One recorded episode as a skill sees it: tool, gripper and where the objects were."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import ACTION, SCENE, STATE, TEXTS
from kinevla_ros.language.command import Command
from kinevla_ros.language.parse import UnknownInstruction, parse_instruction
from kinevla_ros.language.reading.reader_of import reader_of
from kinevla_ros.language.reading.readings import UnknownReasoning
from kinevla_ros.language.task_set import TaskSet
from kinevla_ros.skills.planar import tool_path

Array = NDArray[np.float64]

_PARTS = ("x", "y", "cos", "sin")
"""Of each object's pose in the scene: NAME.x, NAME.y (m), cosine and sine of the yaw."""

MOST_TILT = math.radians(10)
"""The tool may lean so far from straight down; a skill holds it straight (rad)."""


class LearningError(ValueError):
    """A demonstration cannot be learnt from; the message says why and what to do."""


@dataclass(frozen=True, eq=False)
class ShownEpisode:
    """An episode of N frames.

    Attributes:
        index: number of the episode.
        command: the way that it shows.
        times: shape (N,), s, from 0.
        tool: poses (x, y, z, yaw), shape (N, 4), m and rad.
        opening: measured, shape (N,), m.
        commanded: opening that was commanded, shape (N,), m.
        objects: poses (x, y, yaw) by name, each of shape (N, 3), m and rad.
    """

    index: int
    command: Command
    times: Array
    tool: Array
    opening: Array
    commanded: Array
    objects: dict[str, Array]


def read_demonstration(dataset: DatasetReader, tasks: TaskSet, episode: int) -> ShownEpisode:
    """Read an episode of an RM75.

    Raises:
        DatasetError: the dataset is damaged.
        LearningError: there is no such episode, it names no way, holds no poses of objects, or
            the tool leans.
    """
    if not 0 <= episode < len(dataset.episodes):
        raise LearningError(
            f"{dataset.root} has no episode {episode}; give 0 to {len(dataset.episodes) - 1}"
        )
    entry = dataset.episodes[episode]
    state, action = (dataset.frames[name][entry.span].astype(float) for name in (STATE, ACTION))
    if state.shape[1] != 8 or action.shape[1] != 8:
        raise LearningError(
            f"{dataset.root} is not of an RM75 with its gripper: a state has {state.shape[1]} and "
            f"an action {action.shape[1]} numbers, and both should have 8"
        )
    tool, tilt = tool_path(state[:, :7])
    if tilt.max() > MOST_TILT:
        raise LearningError(
            f"in frame {tilt.argmax()} of episode {episode} the tool leans by "
            f"{math.degrees(tilt.max()):.0f} deg; a skill holds it straight down, give an episode "
            "in which it is"
        )
    return ShownEpisode(
        index=episode,
        command=_command(dataset, tasks, episode),
        times=np.arange(entry.length) / dataset.info["fps"],
        tool=tool,
        opening=state[:, 7],
        commanded=action[:, 7],
        objects=_objects(dataset, entry.span),
    )


def _command(dataset: DatasetReader, tasks: TaskSet, episode: int) -> Command:
    """The way of an episode, by its reasoning texts or else by its instruction."""
    entry, reader = dataset.episodes[episode], reader_of(tasks)
    frames = dataset.frames
    try:
        if all(name in frames and frames[name][entry.start] for name in TEXTS):
            goal, kinematics = (str(frames[name][entry.start]) for name in TEXTS)
            return reader.reasoning(goal, kinematics)
        return parse_instruction(reader, entry.instruction)
    except (UnknownReasoning, UnknownInstruction) as problem:
        raise LearningError(
            f"episode {episode} names no way of {tasks.name}: {problem}"
        ) from problem


def _objects(dataset: DatasetReader, span: slice) -> dict[str, Array]:
    feature = dataset.info["features"].get(SCENE, {})
    names = [str(name) for name in feature.get("names") or ()]
    found = {}
    for name in dict.fromkeys(name.rpartition(".")[0] for name in names):
        wanted = [f"{name}.{part}" for part in _PARTS]
        if name and all(one in names for one in wanted):
            columns = dataset.frames[SCENE][span][:, [names.index(one) for one in wanted]]
            x, y, cos, sin = columns.astype(float).T
            found[name] = np.column_stack([x, y, np.unwrap(np.arctan2(sin, cos))])
    if not found:
        raise LearningError(
            f"{dataset.root} has no poses of objects: its frames need {SCENE} with "
            f"{', '.join(f'OBJECT.{part}' for part in _PARTS)} for each object, as `kinevla "
            "collect` writes them"
        )
    return found
