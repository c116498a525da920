"""What training reads beside motion, words and pictures: further chunks, and where things lie."""

from __future__ import annotations

from collections.abc import Iterator

from kinevla_ros.data.checks.finding import Finding
from kinevla_ros.data.lerobot.reader import DatasetReader
from kinevla_ros.data.lerobot.schema import ALTERNATIVES, ALTERNATIVES_VALID, SCENE
from kinevla_ros.language.task_file import FILE_NAME

OF_A_THING = 4
"""Numbers that say where a thing is."""


def check_labels(reader: DatasetReader) -> Iterator[Finding]:
    """Yield labels that training cannot read."""
    yield from check_order(reader)
    features = reader.info["features"]
    if ALTERNATIVES in features and ALTERNATIVES_VALID not in features:
        problem = f"without {ALTERNATIVES_VALID} it is not known which of its chunks are filled"
        yield Finding(ALTERNATIVES, problem, f"add {ALTERNATIVES_VALID}, or leave the column out")
    given = features.get(SCENE, {}).get("shape", [OF_A_THING])
    if len(given) != 1 or given[0] % OF_A_THING:
        yield Finding(
            SCENE,
            f"it has the shape {given}, not four numbers for each thing: x, y (m), cosine and "
            "sine of its yaw",
            "leave the column out",
        )


def check_order(reader: DatasetReader) -> Iterator[Finding]:
    """Yield chunks of every way of a task set that is not there."""
    if ALTERNATIVES in reader.info["features"] and not (reader.root / FILE_NAME).is_file():
        yield Finding(
            ALTERNATIVES,
            f"its order is that of a task set, and there is no {FILE_NAME}",
            "put the one that it was collected with into the folder",
        )
