"""A node ends with what has started it: no arm stays enabled that nobody looks after."""

from __future__ import annotations

import ctypes
import os
import signal

PARENT = "KINEVLA_PARENT"
"""Whoever starts nodes puts its process id here."""

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Let the kernel send this process SIGTERM when the one that `PARENT` names ends.

    A node whose parent is another, such as a shell or a debugger, is not bound to it.
    """
    given = os.environ.get(PARENT, "")
    if not given.isdecimal():
        return
    if os.getppid() == int(given):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    # Asked again: it may have ended before the kernel knew.
    if os.getppid() != int(given) and not os.path.exists(f"/proc/{given}"):
        os.kill(os.getpid(), signal.SIGTERM)
