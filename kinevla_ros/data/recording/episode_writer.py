"""Writes an episode in threads of its own, so that no disk holds up what is received."""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from kinevla_ros.base.files.damage import one_line
from kinevla_ros.data.recording.episode_file import BagContents, EpisodeFile, TopicDefinition
from kinevla_ros.data.recording.folders import FILE_NAME
from kinevla_ros.data.recording.recover import make_whole

FLUSH_PERIOD = 0.4
"""What is older is written, s, unless the disk is slower than what comes."""

FIRST_FLUSH = 0.05
FLUSH_SIZE = 8 << 20
MOST_WAITING = 256 << 20
"""Bytes that wait for the disk; what comes then is lost, and counted."""

Waiting = tuple[str, TopicDefinition, int, bytes]


class EpisodeWriter:
    """Takes messages from one thread and writes them in another.

    Args:
        folder: of the episode.
        about: what is known at its start.
        least_free: bytes of the disk that stay free; with less it ends.

    Attributes:
        problem: why nothing more is written; empty while it is.
        dropped: messages of each topic that were lost because the disk was too slow.

    Raises:
        OSError: nothing can be written.
    """

    def __init__(self, folder: Path, about: Mapping[str, str], least_free: int) -> None:
        self.problem = ""
        self.dropped: Counter[str] = Counter()
        self._folder, self._least_free = folder, least_free
        self._file = EpisodeFile(folder / FILE_NAME, about)
        self._damaged = False
        self._queue: deque[Waiting] = deque()
        self._waiting = 0
        self._over = False
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            for work, name in ((self._write, "episode writer"), (self._sync, "episode sync"))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def size(self) -> int:
        """Bytes that are written."""
        return self._file.size

    @property
    def waiting(self) -> int:
        """Bytes that are not yet written."""
        return self._waiting

    def add(self, topic: str, definition: TopicDefinition, at: int, data: bytes) -> None:
        """Take a message, CDR, received at a time (ns since 1970); never waits."""
        with self._changed:
            if self.problem or self._over:
                return
            if self._waiting + len(data) > MOST_WAITING:
                self.dropped[topic] += 1
                return
            self._queue.append((topic, definition, at, data))
            self._waiting += len(data)
            self._changed.notify()

    def finish(self) -> BagContents:
        """Write what waits and the index.

        Raises:
            OSError, FileError: the index cannot be written; the file stays as it is and can be
                recovered.
        """
        self._end()
        if not self._damaged:
            with suppress(OSError):
                return self._file.finish()
        self._file.abandon()
        # There may be room again, or enough for the index alone.
        return make_whole(self._folder / FILE_NAME)

    def abandon(self) -> None:
        """Write nothing more."""
        with self._changed:
            self._queue.clear()
        self._end()
        self._file.abandon()

    def _end(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify()
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as problem:  # whatever it is, what is written stays whole
            self._damaged = True
            self._halt(f"nothing more is written: {one_line(problem)}")

    def _sync(self) -> None:
        while not self._ended.wait(FLUSH_PERIOD):
            self._file.sync()

    def _write(self) -> None:
        due = time.monotonic() + FIRST_FLUSH
        while True:
            for topic, definition, at, data in self._take(due - time.monotonic()):
                self._file.add(topic, definition, at, data)
                if self._file.pending > FLUSH_SIZE:
                    self._flush()
            if time.monotonic() >= due:
                self._flush()
                self._look_at_disk()
                due = time.monotonic() + FLUSH_PERIOD
            with self._changed:
                if self._over and not self._queue:
                    break
        self._flush()

    def _take(self, timeout: float) -> list[Waiting]:
        with self._changed:
            if not self._queue and not self._over:
                self._changed.wait(max(timeout, 0.0))
            taken = list(self._queue)
            self._queue.clear()
            return taken

    def _flush(self) -> None:
        written = self._file.pending
        self._file.flush()
        with self._changed:
            self._waiting -= written

    def _look_at_disk(self) -> None:
        free = shutil.disk_usage(self._folder).free
        if free < self._least_free and not self.problem:
            self._halt(
                f"the disk is full ({free / 1e6:.0f} MB are free, {self._least_free / 1e6:.0f} MB "
                "stay so)"
            )

    def _halt(self, problem: str) -> None:
        with self._changed:
            self.problem = problem
            self._queue.clear()
            self._waiting = self._file.pending if not self._damaged else 0
