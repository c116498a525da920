"""Words of both levels written into a dataset: `reasoning.*` and LeRobot's `language_persistent`.

Rows of the style `subtask` hold what is to be reached, rows of the style `motion` how the arm
moves; each is in force from its time on, and every frame of an episode carries all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kinevla_ros.base.files.atomic import replacing, write_json
from kinevla_ros.base.files.damage import naming
from kinevla_ros.base.files.json_file import read_object
from kinevla_ros.base.files.lock import only_writer
from kinevla_ros.data.lerobot.metadata import INFO_PATH, read_table
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import CURE, TEXTS, DatasetError

PERSISTENT = "language_persistent"
STYLES = ("subtask", "motion")
"""Styles of LeRobot's rows for the two levels, in the order of `TEXTS`."""

Words = tuple[str, str]
"""Goal and kinematics text of an episode."""

_FIELDS = ("role", "content", "style", "timestamp", "camera", "tool_calls")
"""Of each row, in LeRobot's order; it leaves the column's type to what the rows hold, as we do."""


def write_words(root: Path, words: Mapping[int, Words]) -> None:
    """Write the words of episodes; those of the others stay, or are empty.

    Each file is replaced in one step and meta/info.json last, so that a kill leaves a dataset
    that is whole.

    Raises:
        DatasetError: the dataset is damaged.
        FolderInUse: another process writes to it.
    """
    with only_writer(root):
        reader = DatasetReader(root)
        for path in reader.data_files():
            table = read_table(path, reader.info["total_frames"])
            with naming(path, CURE, DatasetError):
                table = _with_words(table, words)
            with replacing(path) as new:
                pq.write_table(table, new)
        with naming(root / INFO_PATH, CURE, DatasetError):
            info = read_object(root / INFO_PATH, CURE)
        text = {"dtype": "string", "shape": [1], "names": None}
        info["features"] |= {name: dict(text) for name in TEXTS}
        info["features"][PERSISTENT] = text | {"dtype": "language"}
        write_json(root / INFO_PATH, info, indent=4)


def read_persistent(reader: DatasetReader) -> dict[int, Words]:
    """Words of the episodes that have rows of both styles, the first of each.

    Raises:
        DatasetError: a file is missing or damaged.
    """
    if PERSISTENT not in reader.info["features"]:
        return {}
    found: dict[int, Words] = {}
    for path in reader.data_files():
        names = ["episode_index", PERSISTENT]
        table = read_table(path, reader.info["total_frames"], columns=names)
        with naming(path, CURE, DatasetError):
            numbers = np.asarray(table["episode_index"])
            for number, place in zip(*np.unique(numbers, return_index=True), strict=True):
                rows = table[PERSISTENT][int(place)].as_py() or []
                texts = [_first(rows, style) for style in STYLES]
                if all(texts):
                    found[int(number)] = texts[0], texts[1]
    return found


def _first(rows: Sequence[Mapping[str, Any]], style: str) -> str:
    of_style = [row for row in rows if row["style"] == style]
    return str(min(of_style, key=lambda row: row["timestamp"])["content"]) if of_style else ""


def _with_words(table: pa.Table, words: Mapping[int, Words]) -> pa.Table:
    episodes = np.asarray(table["episode_index"]).tolist()
    for level, name in enumerate(TEXTS):
        kept = table[name].to_pylist() if name in table.column_names else [""] * len(table)
        texts = [
            words[number][level] if number in words else text or ""
            for number, text in zip(episodes, kept, strict=True)
        ]
        table = _set(table, name, pa.array(texts, pa.string()))
    rows = [
        [{field: row.get(field) for field in _FIELDS} for row in rows]
        for rows in _rows(table, episodes, words)
    ]
    return _set(table, PERSISTENT, pa.array(rows))


def _rows(
    table: pa.Table, episodes: Sequence[int], words: Mapping[int, Words]
) -> Iterator[list[dict[str, Any]]]:
    """Of each frame the rows of other styles that were there, and ours."""
    had = PERSISTENT in table.column_names
    kept = table[PERSISTENT].to_pylist() if had else [[]] * len(table)
    for number, rows in zip(episodes, kept, strict=True):
        rows = rows or []
        if number not in words:
            yield rows
            continue
        others = [row for row in rows if row["style"] not in STYLES]
        ours = [
            {"role": "assistant", "content": text, "style": style, "timestamp": 0.0}
            for style, text in zip(STYLES, words[number], strict=True)
        ]
        yield [*others, *ours]


def _set(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, column)
    return table.append_column(name, column)
