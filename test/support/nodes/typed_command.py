"""A `kinevla` command in a terminal of its own, whose keys a test presses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

LONG = 120.0
"""A busy computer takes its time, s."""


class TypedCommand:
    """A running command.

    Attributes:
        said: all that it has printed.
    """

    def __init__(self, words: tuple[str, ...]) -> None:
        self._fingers, screen = os.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "kinevla_ros.cli", *words],
            stdin=screen, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        os.close(screen)
        self.said = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def press(self, keys: str) -> None:
        os.write(self._fingers, keys.encode())

    def interrupt(self) -> int:
        """Ctrl-C; returns the exit code."""
        self._process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self) -> int:
        """The exit code, once the command has ended."""
        code = self._process.wait(LONG)
        self._reader.join(LONG)
        return code

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._fingers)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said += line


@contextmanager
def typed(*words: str) -> Iterator[TypedCommand]:
    """Run a command; it is killed at the end if it still runs."""
    command = TypedCommand(words)
    try:
        yield command
    finally:
        command.kill()
