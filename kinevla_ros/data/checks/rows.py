"""The rows of a dataset: complete, in order, at the rate that meta/info.json says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kinevla_ros.data.checks.finding import Finding, place
from kinevla_ros.data.lerobot.metadata import read_table
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import COUNTERS, CURE, MOTION, SCENE, TEXTS

Columns = dict[str, NDArray]
SORT = "sort them: kinevla convert {root} NEW_FOLDER"
CUT = "cut the episode there: kinevla convert {root} NEW_FOLDER"


NEEDED = (*COUNTERS, *MOTION, *TEXTS, SCENE)


def read_columns(
    reader: DatasetReader, wanted: Sequence[str] = NEEDED
) -> tuple[Columns, list[Finding]]:
    """Columns, one row a frame; one that has a fault is left out.

    Args:
        wanted: counters, vectors and texts; those that the dataset has not are left out.

    Raises:
        DatasetError: a file is missing or damaged, or has not as many rows as it should.
    """
    features = reader.info["features"]
    names = [name for name in wanted if name in features]
    total = reader.info["total_frames"]
    tables = [read_table(path, total, columns=names) for path in reader.data_files()]
    columns: Columns = {}
    findings = []
    for name in names:
        if any(name not in table.column_names for table in tables):
            findings.append(Finding(name, "a file under data/ lacks the column", CURE))
            continue
        parts = [chunk for table in tables for chunk in table[name].chunks]
        column = pa.concat_arrays(parts)
        if len(column) != total:
            problem = f"{len(column)} rows, and meta/info.json counts {total} frames"
            findings.append(Finding("data", problem, CURE))
            break
        found = _values(reader, name, column)
        if isinstance(found, Finding):
            findings.append(found)
        else:
            columns[name] = found
    return columns, findings


def _values(reader: DatasetReader, name: str, column: pa.Array) -> NDArray | Finding:
    if column.null_count:
        row = int(np.argmax(np.asarray(column.is_null())))
        more = column.null_count - 1
        problem = f"it is empty here and in {more} more frames" if more else "it is empty"
        cure = f"write it: kinevla annotate {reader.root}" if name in TEXTS else CURE
        return Finding(name, problem, cure, place(reader, row))
    if reader.info["features"][name]["dtype"] == "string":
        return np.array(column.to_pylist(), dtype=object)
    if name in COUNTERS:
        return np.asarray(column)
    lengths = np.asarray(column.value_lengths()) if hasattr(column, "value_lengths") else None
    width = reader.info["features"][name]["shape"][0]
    if lengths is None or (lengths != width).any():
        row = 0 if lengths is None else int(np.argmax(lengths != width))
        problem = f"it is not the {width} numbers that meta/info.json says"
        return Finding(name, problem, CURE, place(reader, row))
    values = np.asarray(column.flatten(), dtype=np.float64).reshape(-1, width)
    if not np.isfinite(values).all():
        row = int(np.argmax(~np.isfinite(values).all(axis=1)))
        return Finding(name, "it holds NaN or infinity", CURE, place(reader, row))
    return values


def check_rows(reader: DatasetReader, columns: Columns) -> Iterator[Finding]:
    """Yield rows that are missing, twice there or in another order, and stamps of another rate.

    Columns whose rows can be sorted are sorted in place, so that the rest can be checked.
    """
    root = reader.root
    total = reader.info["total_frames"]
    index = columns.get("index")
    if index is not None and not np.array_equal(index, np.arange(total)):
        row = int(np.argmax(index != np.arange(total)))
        problem = f"index {index[row]} stands where {row} should"
        if np.array_equal(np.sort(index), np.arange(total)):
            yield Finding("index", problem, SORT.format(root=root), place(reader, row))
            order = np.argsort(index)
            columns |= {name: values[order] for name, values in columns.items()}
        else:
            yield Finding("index", f"{problem}: rows are lost or doubled", CURE, place(reader, row))
            return
    lengths = [entry.length for entry in reader.episodes]
    starts = np.repeat([entry.start for entry in reader.episodes], lengths)
    expected = {
        "episode_index": np.repeat(np.arange(len(lengths)), lengths),
        "frame_index": np.arange(total) - starts,
    }
    for name, wanted in expected.items():
        found = columns.get(name, wanted)
        if not np.array_equal(found, wanted):
            row = int(np.argmax(found != wanted))
            problem = f"{found[row]} stands where the episode list has {wanted[row]}"
            yield Finding(name, problem, CURE, place(reader, row))
    if "timestamp" in columns:
        yield from _check_stamps(reader, columns["timestamp"], expected["episode_index"])


def _check_stamps(
    reader: DatasetReader, stamps: NDArray, episode: NDArray[np.int64]
) -> Iterator[Finding]:
    fps, root = reader.info["fps"], reader.root
    within = episode[1:] == episode[:-1]
    steps = np.diff(stamps.astype(np.float64))
    if not within.any():
        return
    usual = float(np.median(steps[within]))
    if abs(usual * fps - 1) > 0.05:
        rate = f"{1 / usual:.3g} Hz" if usual > 0 else "one and the same time"
        yield Finding(
            "timestamp",
            f"frames are stamped at {rate}, and meta/info.json says {fps}",
            f"let kinevla convert {root} NEW_FOLDER go by the stamps, if those are right",
        )
        return
    wrong = np.flatnonzero(within & (np.abs(steps * fps - 1) > 0.5))
    for number in dict.fromkeys(episode[wrong].tolist()):
        rows = wrong[episode[wrong] == number]
        more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
        yield Finding(
            "timestamp",
            f"{steps[rows[0]]:.2f} s to the next frame instead of {1 / fps:.2f}{more}",
            CUT.format(root=root),
            place(reader, int(rows[0])),
        )
