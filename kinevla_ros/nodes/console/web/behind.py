"""What pages need of what is behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from kinevla_ros.nodes.console.web.requests import Request

FRESH = {
    "arm": 1.0, "joints": 0.5, "scene": 1.0, "reasoning": 2.0, "pictures": 1.0, "nodes": 3.0,
}  # fmt: skip
"""What is older is shown as old, s. Each comes several times in so long while all is well."""


@dataclass(frozen=True)
class Picture:
    """The newest of a camera.

    Attributes:
        number: counts them.
        jpeg: what a page shows.
        taken: monotonic time of its stamp, or of its arrival where that is earlier, s.
    """

    number: int
    jpeg: bytes
    taken: float


class Behind(Protocol):
    """What pages show and set in motion; called from the pages' thread."""

    async def do(self, request: Request, who: str) -> tuple[bool, str]:
        """Do what is asked for: whether it is done, and in words; raises nothing."""

    async def stop(self, who: str) -> tuple[bool, str]:
        """Stop the arm."""

    def state(self) -> dict[str, Any]:
        """What every page shows."""

    def log(self, after: int) -> list[tuple[int, str, str]]:
        """See `Seen.log`."""

    def known(self) -> dict[str, Any]:
        """What can be said; the same object while it does not change."""

    def picture(self, camera: str) -> Picture | None:
        """The newest of a camera."""

    def watched(self, pages: int) -> None:
        """So many pages are open now."""
