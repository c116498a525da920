"""Segments in shared memory that killed processes leave behind.

Each participant of Fast DDS owns a segment in /dev/shm, with a lock file that it holds for as long
as it lives, and removes both when it ends in order. Its ports stay: the next participant takes the
same numbers, and where one was removed that another process still had open, that process finds it
broken, makes the port again, and the new participant hears nothing from then on.
"""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path

FOLDER = Path("/dev/shm")
SEGMENT = re.compile(r"/dev/shm/(fastrtps_[0-9a-f]{16})(?:_el)?$")

_watched: set[str] = set()


def watch(pid: int) -> None:
    """Take note of what a living process and its children use, in case they are killed."""
    process = Path(f"/proc/{pid}")
    used: list[str] = []
    with suppress(OSError):  # it has ended
        used = [line.split()[-1] for line in (process / "maps").read_text().splitlines()]
        for link in (process / "fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                used.append(os.readlink(link))
        for child in (process / f"task/{pid}/children").read_text().split():
            watch(int(child))
    _watched.update(match[1] for match in map(SEGMENT.search, used) if match)


def clean() -> None:
    """Remove the segments of the watched processes that nobody owns any more."""
    for name in list(_watched):
        segment, lock = FOLDER / name, FOLDER / f"{name}_el"
        if not _held(lock):
            segment.unlink(missing_ok=True)
            lock.unlink(missing_ok=True)
            _watched.discard(name)


def _held(lock: Path) -> bool:
    """Whether a living process holds a lock file, or another user's may."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
