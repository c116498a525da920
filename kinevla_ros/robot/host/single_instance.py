"""One program on this computer drives an arm, and no second one."""

from __future__ import annotations

import socket
import time

PREDECESSOR = 3.0
"""A driver whose node has ended brings its arm to rest and disconnects within this time, s."""

RETRY = 0.1


class SingleInstance:
    """Exclusive claim of an arm; the kernel gives it up with the process, however that ends.

    Args:
        arm: what names the arm, such as its address.

    Raises:
        RuntimeError: another process holds the claim.
    """

    def __init__(self, arm: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        deadline = time.monotonic() + PREDECESSOR
        while True:
            try:
                # A leading zero byte: a name of the kernel's, no file.
                self._socket.bind(f"\0kinevla_arm_{arm}")
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    self._socket.close()
                    raise RuntimeError(
                        f"another arm node on this computer drives the arm at {arm}; end it first"
                    ) from error
            time.sleep(RETRY)

    def release(self) -> None:
        """Let others claim the arm."""
        self._socket.close()
