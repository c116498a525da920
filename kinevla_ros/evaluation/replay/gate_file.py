"""Limits and workspace of a parameter file, where no arm node can be asked for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from kinevla_ros.base.files.damage import FileError, naming, one_line
from kinevla_ros.base.files.json_file import read_bounded
from kinevla_ros.robot.gate.workspace import Workspace
from kinevla_ros.robot.limits import JointLimits

LARGEST = 1 << 20
CURE = "see config/realman.yaml"
NODES = ("arm", "**")
"""Last part of the section's names that are the arm node's; the second is every node's."""


def read_gate(path: Path) -> tuple[JointLimits, Workspace]:
    """Return what the arm node would hold a motion to.

    Raises:
        FileError: the file is none, or a limit is missing or makes no sense.
        FileNotFoundError: it does not exist.
    """
    with naming(path, CURE):
        content = _content(path)
        values: dict[str, Any] = {}
        for node, section in content.items():
            if node.rpartition("/")[2] in NODES:
                values |= section.get("ros__parameters", {})
        if not {"limits", "workspace"} <= values.keys():
            raise FileError(f"{path} has no limits and workspace of the arm; {CURE}")
        limits = JointLimits(**{name: np.array(v) for name, v in values["limits"].items()})
        ranges = {axis: tuple(values["workspace"][axis]) for axis in "xy"}
        return limits, Workspace(**{**values["workspace"], **ranges})


def _content(path: Path) -> Any:
    try:
        return yaml.safe_load(read_bounded(path, LARGEST))
    except yaml.YAMLError as problem:
        raise FileError(f"{path} is no YAML ({one_line(problem)}); {CURE}") from problem
