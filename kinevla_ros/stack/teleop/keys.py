"""Keys of a terminal that move something: all that were pressed, without waiting."""

from __future__ import annotations

import os
import select
import termios

from kinevla_ros.stack.record.keys import Keys
from kinevla_ros.stack.teleop.person import DeviceLost

MOST = 64
"""Keys that are read at once; a paste is not obeyed key by key."""


class TerminalKeys(Keys):
    """The terminal at `descriptor`, without echo and line by line until `close`.

    Args:
        descriptor: of a terminal; standard input without it.

    Raises:
        DeviceLost: it is no terminal.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        super().__init__(descriptor)
        if not os.isatty(self._descriptor):
            raise DeviceLost("keys need a terminal: run the command in one, without a pipe")
        self.__enter__()

    def read(self) -> str:
        """The keys pressed since the last time, the space bar among them.

        Raises:
            DeviceLost: the terminal is gone.
        """
        if not select.select([self._descriptor], [], [], 0)[0]:
            return ""
        try:
            pressed = os.read(self._descriptor, MOST)
        except OSError as error:
            raise DeviceLost(f"the terminal is gone ({error.strerror})") from error
        if not pressed:
            raise DeviceLost("the terminal is closed")
        return pressed.decode(errors="ignore")

    def close(self) -> None:
        """Let the terminal be as it was."""
        try:
            self.__exit__()
        except termios.error:
            return  # a terminal that is gone needs nothing
