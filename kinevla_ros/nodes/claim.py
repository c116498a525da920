"""One program on this computer drives an arm, and no second one."""

from __future__ import annotations

import socket


class Claim:
    """Exclusive claim of a name; the kernel gives it up with the process, however that ends.

    Args:
        arm: what names the arm, such as its address.

    Raises:
        RuntimeError: another process holds the claim.
    """

    def __init__(self, arm: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            # A leading zero byte: a name of the kernel's, no file.
            self._socket.bind(f"\0kinevla_arm_{arm}")
        except OSError as error:
            self._socket.close()
            raise RuntimeError(
                f"another arm node on this computer drives the arm at {arm}; end it first"
            ) from error

    def release(self) -> None:
        """Let others claim the name."""
        self._socket.close()
