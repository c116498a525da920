"""The files under meta/: read with checks, written so that a kill leaves old or new, not half."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kinevla_ros.data.schema import CODEBASE_VERSION

INFO_PATH = "meta/info.json"
STATS_PATH = "meta/stats.json"
TASKS_PATH = "meta/tasks.parquet"
# LeRobot reads tasks.parquet with pandas and expects the texts as the index.
TASK_INDEX = "__index_level_0__"
PANDAS_SCHEMA = {
    "index_columns": [TASK_INDEX],
    "column_indexes": [],
    "columns": [
        {
            "name": "task_index",
            "field_name": "task_index",
            "pandas_type": "int64",
            "numpy_type": "int64",
            "metadata": None,
        },
        {
            "name": None,
            "field_name": TASK_INDEX,
            "pandas_type": "unicode",
            "numpy_type": "object",
            "metadata": None,
        },
    ],
    "creator": {"library": "pyarrow", "version": pa.__version__},
    "pandas_version": "2.2.0",
}


class DatasetError(RuntimeError):
    """A dataset is missing, damaged, in use or of another kind than asked for."""


def publish(file: Path, final: Path) -> None:
    """Move a finished file into place in one step, its bytes on the disk first."""
    with file.open("rb") as handle:
        os.fsync(handle.fileno())
    final.parent.mkdir(parents=True, exist_ok=True)
    os.replace(file, final)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace a JSON file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".unfinished")
    scratch.write_text(json.dumps(content, indent=4), encoding="utf-8")
    publish(scratch, path)


def write_tasks(root: Path, tasks: dict[str, int]) -> None:
    """Replace meta/tasks.parquet in one step; `tasks` maps instruction to task index."""
    table = pa.table(
        {
            "task_index": pa.array(list(tasks.values()), pa.int64()),
            TASK_INDEX: pa.array(list(tasks), pa.string()),
        }
    ).replace_schema_metadata({b"pandas": json.dumps(PANDAS_SCHEMA).encode()})
    path = root / TASKS_PATH
    scratch = path.with_suffix(".unfinished")
    pq.write_table(table, scratch)
    publish(scratch, path)


def read_info(root: Path) -> dict[str, Any]:
    """Read meta/info.json.

    Raises:
        DatasetError: No dataset is there, the file is damaged or of another format version.
    """
    path = root / INFO_PATH
    if not path.is_file():
        raise DatasetError(f"no dataset at {root}: {INFO_PATH} is missing; check the path")
    try:
        info: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = info["codebase_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path} is damaged ({error!r}); restore the file") from error
    if version != CODEBASE_VERSION:
        raise DatasetError(
            f"{root} is a LeRobotDataset of version {version}, only {CODEBASE_VERSION} is read; "
            "convert it with lerobot 0.4: "
            "python -m lerobot.datasets.v30.convert_dataset_v21_to_v30 "
            "--repo-id=USER/NAME --root=PATH --push-to-hub=false"
        )
    return info


def read_table(path: Path) -> pa.Table:
    """Read a parquet file; raise DatasetError naming it if it is missing or damaged."""
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(
            f"{path} is missing or damaged ({error}); restore the file or collect the dataset again"
        ) from error


def read_tasks(root: Path) -> dict[str, int]:
    """Return the task index of each instruction."""
    table = read_table(root / TASKS_PATH)
    (text,) = [name for name in table.column_names if name != "task_index"]
    return dict(zip(table[text].to_pylist(), table["task_index"].to_pylist(), strict=True))


def read_episodes(root: Path, total: int) -> list[dict[str, Any]]:
    """Return the rows of meta/episodes/ of the first `total` episodes.

    A kill between two renames can leave a file of a shard that info.json does not count.
    """
    rows: list[dict[str, Any]] = []
    for path in sorted((root / "meta/episodes").glob("chunk-*/file-*.parquet")):
        rows += read_table(path).to_pylist()
    rows = sorted((row for row in rows if row["episode_index"] < total), key=_index)
    if [_index(row) for row in rows] != list(range(total)):
        raise DatasetError(
            f"{root}/meta/episodes lists {len(rows)} of {total} episodes; restore its files"
        )
    return rows


def _index(row: dict[str, Any]) -> int:
    return int(row["episode_index"])
