"""One writer a folder: the second is refused until the first ends, in whatever way."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_FILE = ".lock"


class FolderInUse(ValueError):
    """Another process, or another part of this one, writes to the folder."""


class FolderLock:
    """Holds a folder, which is made if absent, until `release` or the end of the process.

    Its file is there only as long as it is held, or until the next one after a kill.

    Args:
        wait: whether to wait for the other writer instead of being refused.

    Raises:
        FolderInUse: another one writes there.
    """

    def __init__(self, folder: Path, wait: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / LOCK_FILE
        while not self._take(wait):
            pass

    def _take(self, wait: bool) -> bool:
        """Lock the file; not if it is no longer the one of that name, which was released."""
        self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if _is_at(self._descriptor, self._path):
                return True
        except BlockingIOError as problem:
            os.close(self._descriptor)
            raise FolderInUse(
                f"another process writes to {self._path.parent}; wait for it, or write elsewhere"
            ) from problem
        except BaseException:
            os.close(self._descriptor)
            raise
        os.close(self._descriptor)
        return False

    def release(self) -> None:
        """Let others write."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def require_free(folder: Path) -> None:
    """Find out before long work whether another one writes to a folder; makes nothing.

    Raises:
        FolderInUse: see `FolderLock`.
    """
    if (folder / LOCK_FILE).exists():
        FolderLock(folder).release()


@contextmanager
def only_writer(folder: Path, wait: bool = False) -> Iterator[None]:
    """Hold a folder inside the block; arguments and errors as of `FolderLock`."""
    lock = FolderLock(folder, wait)
    try:
        yield
    finally:
        lock.release()
