"""The work behind `kinevla record`: a recorder of its own, or the one that runs already."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import rclpy
from rich.console import Console
from rich.live import Live

from kinevla_ros.base.interrupts import INTERRUPTED
from kinevla_ros.base.resources import resource_path
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
from kinevla_ros.stack.record.keys import Keys
from kinevla_ros.stack.record.session import RecordSession
from kinevla_ros.stack.record.view import view

DDS_PROFILES = "FASTRTPS_DEFAULT_PROFILES_FILE"
NODE = "recorder"
ITS_OWN = (
    "a recorder runs already, with settings of its own: leave the options out to drive it, or end "
    "it first"
)


def record(
    given: Mapping[str, Any], config: Path | None, discovery: str = "", namespace: str = ""
) -> int:
    """Record episodes by keys until somebody quits; returns the exit code.

    Args:
        given: parameters of the recorder that differ from the file's.
        config: parameter file.
        discovery: see `confine`.
        namespace: of the nodes that are recorded.
    """
    confine(discovery)
    os.environ.setdefault(DDS_PROFILES, str(resource_path("config", "fastdds.xml")))
    console = Console()
    try:
        with ExitStack() as context:
            node, interrupted = context.enter_context(client_node("kinevla_record", namespace))

            def spin() -> None:
                rclpy.spin_once(node, timeout_sec=POLL)
                if interrupted.is_set():
                    raise Interrupted

            try:
                held = claim([NODE], namespace)
            except AlreadyRunning:
                if given or config:
                    raise AlreadyRunning(ITS_OWN) from None
                return _run(RecordSession(node, spin, console), spin, console)
            launcher = Launcher(node, interrupted, parameter_file(config), {NODE: given}, "warn")
            context.callback(held.clear)
            context.enter_context(launcher)
            session = RecordSession(node, lambda: launcher.spin(POLL), console)
            launcher.bring_up()
            return _run(session, lambda: launcher.spin(POLL), console)
    except Interrupted:
        return INTERRUPTED
    except (LaunchError, FileNotFoundError, AlreadyRunning) as error:
        print(f"error: {error}", file=sys.stderr)
    return 1


def _run(session: RecordSession, spin: Callable[[], None], console: Console) -> int:
    """Show what the recorder does and take keys."""
    with ExitStack() as context:
        keys = context.enter_context(Keys())
        shown: Live | None = None
        if console.is_terminal:
            shown = Live(console=console, auto_refresh=False, transient=True)
            context.enter_context(shown)
        going_on = True
        try:
            while going_on:
                spin()
                key = keys.pressed()
                going_on = key is None or session.press(key)
                if shown is not None:
                    shown.update(view(session.status), refresh=True)
        except Interrupted:
            if session.status is not None and session.status.episode:
                console.print(f"{session.status.episode} ends as a failure", style="yellow")
            raise
        except LaunchError:
            if session.status is not None and session.status.episode:
                console.print(
                    f"{session.status.episode} was broken off; kinevla recover, with the folder of "
                    "the recordings, keeps all but its last moment",
                    style="yellow",
                )
            raise
    console.print(f"recorded: {session.summary()}")
    return 0
