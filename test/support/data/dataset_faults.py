"""Ways in which a lab's dataset may be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from demonstrations import (
    RIGHT,
    change_column,
    change_info,
    change_rows,
    only,
)

from kinevla_ros.data.checks.dataset import check_dataset
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.language.grammar import instruction

STATE, ACTION = "observation.state", "action"
GOAL, KINEMATICS = "reasoning.goal", "reasoning.kinematics"


def findings(root: Path) -> list[str]:
    return [str(finding) for finding in check_dataset(root)]


def in_degrees(values: np.ndarray) -> np.ndarray:
    return np.column_stack([np.degrees(values[:, :7]), values[:, 7]])


def gripper_in(unit: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda values: np.column_stack([values[:, :7], values[:, 7] / 0.07 * unit])


def names(root: Path, given: list[str]) -> None:
    def change(info: dict) -> None:
        for name in (STATE, ACTION):
            info["features"][name]["names"] = given

    change_info(root, change)


def gripper_first(root: Path) -> None:
    names(root, ["gripper", *(f"joint{n}" for n in range(1, 8))])
    for name in (STATE, ACTION):
        change_column(root, name, lambda values: np.roll(values, 1, axis=1))


def without_gripper(root: Path) -> None:
    def change(info: dict) -> None:
        for name in (STATE, ACTION):
            info["features"][name] |= {"shape": [7], "names": [f"joint{n}" for n in range(1, 8)]}

    change_info(root, change)
    for name in (STATE, ACTION):
        change_column(root, name, lambda values: values[:, :7])


def only_task(root: Path) -> None:
    def change(info: dict) -> None:
        del info["features"][GOAL], info["features"][KINEMATICS]

    change_info(root, change)
    change_rows(root, lambda table: table.drop_columns([GOAL, KINEMATICS]))


def other_rows(root: Path) -> None:
    change_rows(root, lambda table: table.take(np.r_[0:5, 7:40, 5:7, 40:120]))


def thirty_hertz(root: Path) -> None:
    change_column(root, "timestamp", lambda stamps: stamps / 3)


def gap(root: Path) -> None:
    def change(stamps: np.ndarray) -> np.ndarray:
        stamps = stamps.copy()
        stamps[60:80] += 0.7
        return stamps

    change_column(root, "timestamp", change)


def nan(root: Path) -> None:
    def change(values: np.ndarray) -> np.ndarray:
        values = values.copy()
        values[45, 2] = np.nan
        return values

    change_column(root, ACTION, change)


def delta(root: Path) -> None:
    states = DatasetReader(root).frames[STATE]
    change_column(root, ACTION, lambda actions: actions - states)


def contradicting_task(root: Path) -> None:
    path = root / "meta/tasks.parquet"
    table = pq.read_table(path)
    texts = table["__index_level_0__"].to_pylist()
    said = instruction(RIGHT, np.random.default_rng(3))
    changed = pa.array([said, *texts[1:]])
    pq.write_table(table.set_column(1, "__index_level_0__", changed), path)
    episodes = only(root, "meta/episodes/*/*")
    rows = pq.read_table(episodes)
    column = pa.array([[said] if t == [texts[0]] else t for t in rows["tasks"].to_pylist()])
    pq.write_table(rows.set_column(rows.column_names.index("tasks"), "tasks", column), episodes)
