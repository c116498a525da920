"""The work behind `kinevla teleop hand`: the arm gives way to the hand that holds it."""

from __future__ import annotations

import sys

from kinevla_ros.base import topics
from kinevla_ros.msg import SafetyStatus
from kinevla_ros.stack.arm_link import ArmLink, NoArm, arm_or_cell
from kinevla_ros.stack.processes.launcher import POLL, Interrupted, LaunchError

DRAG = topics.ARM_DRAG
RESTS = 10.0
"""An arm that is disabled has come to rest by then (s)."""

SILENCE = 1.0
"""An arm whose joints are not measured for so long is not guided any more (s)."""

USAGE = (
    "the arm gives way: hold it and guide it. What is measured is the motion: kinevla record "
    "--teaching hand. Ctrl-C lets the arm hold itself."
)


def guide(namespace: str, discovery: str) -> int:
    """Let the arm be guided by hand until Ctrl-C; returns the exit code, 1 after an error.

    Args:
        namespace: of the arm's nodes.
        discovery: see `confine`.
    """
    try:
        with arm_or_cell("kinevla_teleop", namespace, discovery, cell=False) as link:
            _disable(link)
            _let_go(link)
            try:
                _watch(link)
            finally:
                _hold(link)
    except Interrupted:
        return 0
    except (LaunchError, NoArm, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


def _disable(link: ArmLink) -> None:
    """Bring the arm to rest. Raises NoArm where it does not come to rest."""
    if link.enabled():
        link.switch(topics.ARM_ENABLE, False)
    if not link.wait_for(lambda: not link.enabled(), RESTS):
        raise NoArm(f"the arm does not come to rest; {link.name}/stop stops it")


def _let_go(link: ArmLink) -> None:
    """Let the arm give way. Raises NoArm where it does not."""
    try:
        link.switch(DRAG, True)
    except Interrupted:
        _hold(link)
        raise
    print(USAGE, flush=True)


def _hold(link: ArmLink) -> None:
    """Let the arm hold itself. Raises NoArm where that is not confirmed."""
    link.take_interrupt()  # Ctrl-C has brought us here; the next one ends this wait
    link.switch(DRAG, False)
    print(f"the arm holds; {link.name}/enable lets it move again", flush=True)


def _watch(link: ArmLink) -> None:
    """Wait for Ctrl-C. Raises NoArm when the arm is lost."""
    before = SafetyStatus.NONE if link.status is None else link.status.fault
    while True:
        link.spin(POLL)
        status = link.status
        if status is not None and status.fault not in (SafetyStatus.NONE, before):
            raise NoArm(f"the arm is lost: {status.reason}")
        if link.silent_for() > SILENCE:
            raise NoArm("no joint states come any more: is the arm node there?")
