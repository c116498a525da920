"""Single keys of a terminal, or of whatever is piped in."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from typing import Any


class Keys:
    """A context in which keys come without Enter and are not shown."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = sys.stdin.fileno() if descriptor is None else descriptor
        self._before: list[Any] | None = None

    def __enter__(self) -> Keys:
        if os.isatty(self._descriptor):
            self._before = termios.tcgetattr(self._descriptor)
            tty.setcbreak(self._descriptor)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    def pressed(self) -> str | None:
        """The next key in lower case; None while there is none, empty at the end of the input."""
        while select.select([self._descriptor], [], [], 0)[0]:
            read = os.read(self._descriptor, 1)
            if not read or (key := read.decode(errors="ignore").strip().lower()):
                return key if read else ""
        return None
