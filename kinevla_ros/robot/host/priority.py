"""Real-time priority for the process that streams."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

STREAM_PRIORITY = 10
"""Of processes whose threads sleep most of the time and must not wait when they are due."""

NODE_PRIORITY = 5
"""Of a node whose services must not wait for ordinary processes, nor the stream for it."""

SWITCH_INTERVAL = 5e-4
"""How long a thread may keep the interpreter from others, s; 5 ms would hold up the stream."""

ADVICE = (
    "no right to real-time priority: on a busy computer the stream is less even. Add the line "
    "'<user> - rtprio 20' to /etc/security/limits.d/kinevla.conf and log in again"
)


def take_priority(priority: int = STREAM_PRIORITY, every_thread: bool = False) -> bool:
    """Let this thread, and those it starts, run before all ordinary processes (SCHED_FIFO).

    The system permits that to root, with CAP_SYS_NICE or under an rtprio limit.

    Args:
        priority: 1 to 99.
        every_thread: those that this process has started before as well.

    Returns:
        Whether it is permitted.
    """
    threads = [int(name) for name in os.listdir("/proc/self/task")] if every_thread else [0]
    try:
        for thread in threads:
            # A thread may end meanwhile.
            with contextlib.suppress(ProcessLookupError):
                os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(priority))
    except PermissionError:
        return False
    return True


@contextmanager
def at_ordinary_priority() -> Iterator[None]:
    """For a while no real-time priority for this thread, nor for processes that it starts."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


@contextmanager
def promptly() -> Iterator[bool]:
    """Real-time priority for a while; gives whether the system permits it."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield take_priority()
    finally:
        os.sched_setscheduler(0, *before)
