"""Small datasets of demonstrations that a real arm could have given, and ways to spoil them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from shipped_tasks import TASKS, goal_text, kinematics_text

from kinevla_ros.base.action_space import RM75
from kinevla_ros.data.episode import Episode, Frame
from kinevla_ros.data.lerobot.schema import Schema
from kinevla_ros.data.lerobot.writer import DatasetWriter
from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import phrasings
from kinevla_ros.language.task_file import kine_realman, save_tasks
from kinevla_ros.robot.kinematics import top_down_ik

HEIGHT, WIDTH = 48, 64
LEFT, RIGHT = TASKS[0], TASKS[1]


def picture(number: int, camera: int) -> NDArray[np.uint8]:
    """A background with a block whose place is the frame's number."""
    image = np.full((HEIGHT, WIDTH, 3), (90, 120, 60 + 90 * camera), dtype=np.uint8)
    image[16:32, number % 12 * 4 :][:, :16] = (220, 60, 40)
    return image


def bread_motion(command: Command, steps: int = 40) -> NDArray[np.float64]:
    """States of a grasp at one place and a release further on, shape (steps, 8), rad and m."""
    side = {"left_front": -1.0, "right_front": 1.0, "front": 0.0}[str(command.slot("direction"))]
    corners = np.array(
        [[0.24, 0.0, 0.12], [0.24, 0.0, 0.024], [0.24, 0.0, 0.10], [0.33, 0.09 * side, 0.03]]
    )
    path = np.linspace(0, len(corners) - 1, steps)
    tool = np.column_stack([np.interp(path, range(len(corners)), axis) for axis in corners.T])
    joints = np.array([top_down_ik(point, 0.0) for point in tool])
    opening = np.where(path < 1.0, 0.07, 0.03)
    opening[-3:] = 0.07
    return np.column_stack([joints, opening])


def demonstration(command: Command, steps: int = 40, said: str | None = None) -> Episode:
    """An episode in which each action is the next state."""
    states = bread_motion(command, steps)
    actions = np.vstack([states[1:], states[-1:]])
    frames = [
        Frame(
            {"front": picture(step, 0), "wrist": picture(step, 1)},
            state,
            action,
            goal_text(command),
            kinematics_text(command),
        )
        for step, (state, action) in enumerate(zip(states, actions, strict=True))
    ]
    return Episode(said or next(phrasings(command)), frames)


def write_sound(root: Path, fps: int = 10, steps: int = 40) -> Path:
    """Three episodes without a fault: left, right, left."""
    schema = Schema(height=HEIGHT, width=WIDTH, space=replace(RM75, rate=float(fps)))
    with DatasetWriter.open(root, schema) as writer:
        for command in (LEFT, RIGHT, LEFT):
            writer.add(demonstration(command, steps))
    save_tasks(kine_realman(), root)
    return root


def only(root: Path, pattern: str) -> Path:
    """The one file of that name."""
    (path,) = root.glob(pattern)
    return path


def change_info(root: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite meta/info.json."""
    path = root / "meta/info.json"
    info = json.loads(path.read_text())
    change(info)
    path.write_text(json.dumps(info))


def change_rows(root: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Rewrite the rows."""
    path = only(root, "data/*/*")
    pq.write_table(change(pq.read_table(path)), path)


def change_column(
    root: Path, name: str, change: Callable[[NDArray[Any]], NDArray[Any] | list[Any]]
) -> None:
    """Rewrite one column; vectors come as an array of shape (frames, width)."""

    def rewrite(table: pa.Table) -> pa.Table:
        values = change(np.array(table[name].to_pylist(), dtype=None))
        values = list(values) if not isinstance(values, list) else values
        kind = table.schema.field(name).type
        if pa.types.is_fixed_size_list(kind):
            kind = pa.list_(kind.value_type, len(values[0]))
        column = pa.array(values, kind)
        return table.set_column(table.column_names.index(name), name, column)

    change_rows(root, rewrite)


def rename_feature(root: Path, old: str, new: str) -> None:
    """Give a camera another name everywhere."""
    change_info(root, lambda info: info["features"].update({new: info["features"].pop(old)}))
    (root / "videos" / old).rename(root / "videos" / new)
    path = only(root, "meta/episodes/*/*")
    table = pq.read_table(path)
    renamed = [name.replace(f"/{old}/", f"/{new}/") for name in table.column_names]
    pq.write_table(table.rename_columns(renamed), path)
