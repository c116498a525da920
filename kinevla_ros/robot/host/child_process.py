"""Starts a module of this package as a process; spawned, for a fork would copy threads."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from kinevla_ros.robot.host.priority import at_ordinary_priority


def start_module(
    module: str, arguments: Sequence[str], descriptors: Sequence[int]
) -> subprocess.Popen[bytes]:
    """Start `python -m module`, in a session of its own: the terminal's Ctrl-C is the parent's.

    It begins at ordinary priority, for it takes a core to import what it needs.

    Args:
        module: full name.
        arguments: of its command line.
        descriptors: file descriptors that it inherits.
    """
    root = str(Path(__file__).parents[3])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    with at_ordinary_priority():
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env={**os.environ, "PYTHONPATH": path},
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            stdout=2,
            start_new_session=True,
        )


def child_of(parent: int) -> int:
    """Return the process id of a running child of a process.

    Raises:
        LookupError: it has none.
    """
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            return int(folder.name)
    raise LookupError(f"process {parent} has no running child")
