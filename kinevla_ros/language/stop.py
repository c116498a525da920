"""The word that ends a task."""

from __future__ import annotations

STOP = "stop"


def ends_task(text: str) -> bool:
    """Whether an instruction ends the task and begins none: `STOP` in whatever case, or nothing."""
    return text.strip().lower() in ("", STOP)
