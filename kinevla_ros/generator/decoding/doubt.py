"""doubt.json: the disagreement that few runs of a checkpoint reach which end well."""

from __future__ import annotations

from pathlib import Path

from kinevla_ros.base.files.atomic import write_json
from kinevla_ros.base.files.damage import one_line
from kinevla_ros.base.files.fields import number, only_keys
from kinevla_ros.base.files.json_file import read_object
from kinevla_ros.base.files.manifest import add_to_manifest, checked, digest
from kinevla_ros.generator.checkpoint import CheckpointError
from kinevla_ros.generator.weights import MODEL_FILE

FILE_NAME = "doubt.json"
CURE = "write it again with `kinevla calibrate --episodes FIGURES`, or remove it"
LARGEST = 1000.0
"""No two chunks of the arm are so far apart."""


def save_doubt(folder: Path, most: float, false_alarms: float, episodes: int) -> None:
    """Write doubt.json into a checkpoint and its manifest.

    Args:
        most: disagreement above which the policy doubts itself.
        false_alarms: share of successful runs above it, by split conformal prediction.
        episodes: successful ones that it comes from.

    Raises:
        FileNotFoundError: the folder has no weights.
        ManifestError: it has no manifest, or a damaged one.
    """
    content = {
        "most_disagreement": number("most_disagreement", most, 0.0, LARGEST),
        "false_alarms": false_alarms,
        "episodes": episodes,
        "weights": digest(folder / MODEL_FILE),
    }
    write_json(folder / FILE_NAME, content)
    add_to_manifest(folder, FILE_NAME)


def load_doubt(folder: Path) -> float | None:
    """The disagreement above which a checkpoint's policy doubts itself; None without a file.

    Raises:
        CheckpointError: the file is damaged, or belongs to another checkpoint or other weights.
    """
    if not (folder / FILE_NAME).is_file():
        return None
    try:
        found = read_object(checked(folder, FILE_NAME), CURE)
        only_keys(FILE_NAME, found, ("most_disagreement", "false_alarms", "episodes", "weights"))
        most = number("most_disagreement", found.get("most_disagreement"), 0.0, LARGEST)
        if found.get("weights") != digest(folder / MODEL_FILE):
            raise ValueError(f"it belongs to other weights than {MODEL_FILE} beside it")
    except (ValueError, OSError) as problem:
        path = folder / FILE_NAME
        raise CheckpointError(f"{path}: {one_line(problem, 2000)}; {CURE}") from problem
    return most
