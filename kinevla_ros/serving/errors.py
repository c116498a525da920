"""What can be wrong with a policy over a websocket; imports nothing that is not always there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class RemotePolicyError(RuntimeError):
    """The server gives no chunk; the message says why and what to do."""


@contextmanager
def naming_extra() -> Iterator[None]:
    """Say how to get the libraries that only this needs.

    Raises:
        RuntimeError: one of them is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        if missing.name not in ("msgpack", "websockets"):
            raise
        raise RuntimeError(
            f"{missing}; a policy over a websocket needs: pip install msgpack 'websockets>=15'"
        ) from missing
