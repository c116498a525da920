"""A node as a process: what starts it, why it has ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kinevla_ros.nodes.ros.parent import PARENT
from kinevla_ros.robot.host.priority import at_ordinary_priority


def node_command(
    name: str, config: Path, values: Mapping[str, Any], log_level: str, namespace: str
) -> list[str]:
    """What starts a node.

    Args:
        name: of the node and of its room in `nodes`.
        config: parameter file.
        values: parameters that differ from the file's.
        log_level: lowest level that it prints.
        namespace: of its topics; `/` for none.
    """
    words = [sys.executable, "-m", f"kinevla_ros.nodes.{name}.node", "--ros-args"]
    words += ["-r", f"__ns:={namespace}"] if namespace != "/" else []
    words += ["--params-file", os.fspath(config), "--log-level", log_level]
    for key, value in values.items():
        words += ["-p", f"{key}:={json.dumps(value)}"]
    return words


def started(words: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a node that ends when this process does."""
    # In a session of its own no process gets the terminal's Ctrl-C before its turn.
    environment = {**os.environ, PARENT: str(os.getpid())}
    with at_ordinary_priority():
        return subprocess.Popen(words, start_new_session=True, env=environment)


def why_ended(code: int) -> str:
    """What a node's exit code means; see `runtime.run`."""
    if code < 0:
        short = "; the system does that when memory is short" if code == -signal.SIGKILL else ""
        return f"killed by {signal.Signals(-code).name}{short}"
    reasons = {0: "somebody has shut it down", 2: "a parameter is wrong, see its message above"}
    return reasons.get(code, f"code {code}, see its messages above")


def ends(process: subprocess.Popen[bytes], number: signal.Signals, timeout: float | None) -> bool:
    """Send a signal; whether the process has ended in time (s)."""
    process.send_signal(number)
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        return False
    return True
