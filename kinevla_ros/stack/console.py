"""The console by itself, beside nodes that somebody else has started."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinevla_ros.stack.processes.claims import AlreadyRunning, claim
from kinevla_ros.stack.processes.isolation import confine
from kinevla_ros.stack.processes.launcher import (
    POLL,
    Interrupted,
    Launcher,
    LaunchError,
    client_node,
    parameter_file,
)


def console(
    given: Mapping[str, Any], config: Path | None, discovery: str, namespace: str = ""
) -> int:
    """Run the console node until Ctrl-C; returns the exit code.

    Args:
        given: its parameters that differ from the file's.
        config: parameter file.
        discovery: see `confine`.
        namespace: of the nodes that it shows.
    """
    confine(discovery)
    nodes = {"console": given}
    try:
        held = claim(nodes, namespace)
        with (
            client_node("kinevla_console", namespace) as (node, interrupted),
            Launcher(node, interrupted, parameter_file(config), nodes) as launcher,
        ):
            launcher.bring_up()
            while held:
                launcher.spin(POLL)
    except Interrupted:
        return 0
    except (LaunchError, FileNotFoundError, AlreadyRunning) as error:
        print(f"error: {error}", file=sys.stderr)
    return 1
