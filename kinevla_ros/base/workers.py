"""Processes of a pool."""

from __future__ import annotations

import signal


def leave_interrupt_to_parent() -> None:
    """Ctrl-C reaches every process of a terminal: the parent alone ends the pool, in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
