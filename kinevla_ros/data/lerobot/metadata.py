"""The files under meta/: read with checks, written so that a kill leaves old or new, not half."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kinevla_ros.base.files import atomic
from kinevla_ros.base.files.damage import naming
from kinevla_ros.base.files.json_file import read_object
from kinevla_ros.base.files.paths import inside
from kinevla_ros.data.episode import MOST_TEXT
from kinevla_ros.data.lerobot.metadata_checks import MOST_EPISODES, MOST_FRAMES, check_info
from kinevla_ros.data.lerobot.schema import CODEBASE_VERSION, CURE, DatasetError

INFO_PATH = "meta/info.json"
STATS_PATH = "meta/stats.json"
TASKS_PATH = "meta/tasks.parquet"
LARGEST_TABLE = 8 << 30
"""Bytes of a table unpacked: some hundred hours of demonstrations."""
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


def write_tasks(root: Path, tasks: dict[str, int]) -> None:
    """Replace meta/tasks.parquet in one step; `tasks` maps instruction to task index."""
    table = pa.table(
        {
            "task_index": pa.array(list(tasks.values()), pa.int64()),
            TASK_INDEX: pa.array(list(tasks), pa.string()),
        }
    ).replace_schema_metadata({b"pandas": json.dumps(PANDAS_SCHEMA).encode()})
    with atomic.replacing(root / TASKS_PATH) as new:
        pq.write_table(table, new)


def read_info(root: Path) -> dict[str, Any]:
    """Read meta/info.json.

    Raises:
        DatasetError: No dataset is there, the file is damaged or of another format version.
    """
    path = root / INFO_PATH
    if not path.is_file():
        raise DatasetError(f"no dataset at {root}: {INFO_PATH} is missing; check the path")
    with naming(path, CURE, DatasetError):
        info = read_object(inside(root, INFO_PATH), CURE)
        version = info["codebase_version"]
    if version != CODEBASE_VERSION:
        raise DatasetError(
            f"{root} is a LeRobotDataset of version {version}, only {CODEBASE_VERSION} is read; "
            f"kinevla convert {root} NEW_FOLDER"
        )
    with naming(path, CURE, DatasetError):
        check_info(info)
    return info


def read_table(
    path: Path,
    rows: int = MOST_FRAMES,
    texts: Sequence[str] = (),
    columns: list[str] | None = None,
) -> pa.Table:
    """Read a parquet file of at most so many rows.

    Args:
        rows: that it may have.
        texts: columns of texts that repeat; each text is kept once.
        columns: what to read; all without it. A missing one is left out.

    Raises:
        DatasetError: it is missing, damaged or too large; it is named.
    """
    try:
        with naming(path, CURE, DatasetError), pq.ParquetFile(path, read_dictionary=texts) as file:
            stated = file.metadata
            size = sum(stated.row_group(i).total_byte_size for i in range(stated.num_row_groups))
            if not 0 < stated.num_rows <= rows or size > LARGEST_TABLE:
                raise ValueError(f"{stated.num_rows} rows in {size} bytes, of at most {rows} rows")
            return file.read(columns=columns)
    except (FileNotFoundError, pa.ArrowException) as error:
        raise DatasetError(f"{path} is missing or damaged ({error}); {CURE}") from error


def read_tasks(root: Path) -> dict[str, int]:
    """Return the task index of each instruction.

    A merge or an edit may leave numbers out, and add columns.
    """
    path = root / TASKS_PATH
    with naming(path, CURE, DatasetError):
        table = read_table(inside(root, TASKS_PATH), MOST_EPISODES)
        texts, numbers = table[_text_column(table)].to_pylist(), table["task_index"].to_pylist()
        for text, number in zip(texts, numbers, strict=True):
            if not isinstance(text, str) or not 0 < len(text.strip()) <= MOST_TEXT:
                raise ValueError(f"task {number} is {text!r:.40}, no text of 1 to {MOST_TEXT}")
        if len(set(numbers)) != len(texts) or len(set(texts)) != len(texts) or min(numbers) < 0:
            raise ValueError("two of its tasks have one number or one text")
    return dict(zip(texts, numbers, strict=True))


def _text_column(table: pa.Table) -> str:
    """The texts are pandas' index under whatever name, or the one column of texts there is."""
    texts = [
        field.name
        for field in table.schema
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]
    named = [name for name in (TASK_INDEX, "task") if name in texts] or texts
    if not named:
        raise ValueError("it has no column of texts")
    return named[0]


def read_episodes(root: Path, total: int) -> list[dict[str, Any]]:
    """Return the rows of meta/episodes/ of the first `total` episodes.

    A kill between two renames can leave a file of a shard that info.json does not count.
    """
    rows: list[dict[str, Any]] = []
    for path in sorted((root / "meta/episodes").glob("chunk-*/file-*.parquet")):
        with naming(path, CURE, DatasetError):
            inside(root, str(path.relative_to(root)))
            rows += read_table(path, MOST_EPISODES).to_pylist()
    with naming(root / "meta/episodes", CURE, DatasetError):
        rows = sorted((row for row in rows if _index(row) < total), key=_index)
        if [_index(row) for row in rows] != list(range(total)):
            raise ValueError(f"it lists {len(rows)} of {total} episodes")
    return rows


def _index(row: dict[str, Any]) -> int:
    return int(row["episode_index"])
