"""Shared memory of Fast DDS that killed processes leave behind, as `fastdds shm clean` knows it.

A participant owns segments and ports in /dev/shm, each with a lock file that it holds for as long
as it lives, and removes them when it ends in order. A port that a killed process had open is not
removed by its owner either.
"""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path

FOLDER = Path("/dev/shm")
NAME = re.compile(r"/dev/shm/(fastrtps_\w+?)(?:_[es]l)?$")
LOCKS = ("_el", "_sl")

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
    _watched.update(match[1] for match in map(NAME.search, used) if match)


def clean() -> None:
    """Remove what the watched processes used and nobody owns any more."""
    for name in list(_watched):
        if not any(_held(FOLDER / f"{name}{lock}") for lock in LOCKS):
            for left in (name, *(f"{name}{lock}" for lock in LOCKS), f"sem.{name}_mutex"):
                (FOLDER / left).unlink(missing_ok=True)
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
