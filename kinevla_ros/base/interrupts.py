"""Ctrl-C: who ends, and with which exit code."""

from __future__ import annotations

import signal

INTERRUPTED = 130
"""Exit code of a program that Ctrl-C has ended, as shells give it."""


def leave_interrupt_to_parent() -> None:
    """Ctrl-C reaches every process of a terminal: the parent alone ends the pool, in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
