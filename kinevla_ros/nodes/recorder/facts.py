"""What an episode's metadata says beside its messages."""

from __future__ import annotations

import hashlib
import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from kinevla_ros import __version__
from kinevla_ros.data.recording.bag import INSTRUCTION, TEACHING
from kinevla_ros.language.task_file import FILE_NAME, load_tasks, shipped_file

LIBRARIES = ("mcap", "rclpy")


def facts(values: dict[str, Any], instruction: str) -> dict[str, str]:
    """Entries for `custom_data`.

    Args:
        values: the node's parameters.
        instruction: that was set for the episode; empty if none was.

    Raises:
        FileNotFoundError, TaskSetError: the task set cannot be read.
    """
    return {
        **({INSTRUCTION: instruction} if instruction else {}),
        TEACHING: values["teaching"],
        **_task_set(values["tasks"]),
        "versions": ", ".join(_versions()),
    }


def _task_set(given: str) -> dict[str, str]:
    """Name and checksum of a task set, given itself or as its checkpoint; one may have none."""
    file = Path(given).expanduser() if given else shipped_file()
    if file.is_dir():
        file /= FILE_NAME
        if not file.is_file():
            return {}
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return {"task_set": load_tasks(file).name, "task_set_sha256": digest}


def _versions() -> list[str]:
    found = [f"kinevla_ros {__version__}"]
    found += [f"ros {os.environ['ROS_DISTRO']}"] if "ROS_DISTRO" in os.environ else []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found
