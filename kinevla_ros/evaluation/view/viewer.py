"""The viewer itself: in a window, or as a page of this computer alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

LOOPBACK = "127.0.0.1"
"""Nobody else sees the pictures; rerun's own default is every interface."""

SILENT = {"CI": "true"}
"""With this the viewer sends its makers no usage data; it has no other switch but its settings."""


def open_window(path: Path) -> int:
    """Show a recording in a window; returns the viewer's exit code.

    Raises:
        ValueError: there is no display.
    """
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise ValueError("there is no display here: give --save FILE, or --web for a browser")
    return _run([str(path)])


def serve_page(path: Path, port: int, data_port: int) -> int:
    """Serve a recording as a page on this computer until Ctrl-C; returns the exit code.

    Args:
        path: of the recording.
        port, data_port: TCP ports of the page and of its data.
    """
    print(
        f"look at http://{LOOPBACK}:{port}/?url=rerun%2Bhttp://{LOOPBACK}:{data_port}/proxy; "
        "Ctrl-C ends it",
        flush=True,
    )
    ports = ["--port", str(data_port), "--web-viewer-port", str(port)]
    return _run(["--serve-web", "--bind", LOOPBACK, *ports, str(path)])


def _run(words: list[str]) -> int:
    # rerun's command is a process that starts another: as one group they end together.
    command, environment = [sys.executable, "-m", "rerun", *words], os.environ | SILENT
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    with suppress(KeyboardInterrupt):
        return process.wait()
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()
    return 0
