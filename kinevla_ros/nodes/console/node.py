"""The console node: serves the page; whatever becomes of it, the arm does not notice."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kinevla_ros.nodes.console.parameters import PARAMETERS
from kinevla_ros.nodes.ros.managed import Diagnosis, ManagedNode
from kinevla_ros.nodes.ros.runtime import run

if TYPE_CHECKING:
    from kinevla_ros.nodes.console.board import Board
    from kinevla_ros.nodes.console.web.server import ConsoleServer


class ConsoleNode(ManagedNode):
    """The page is there as soon as the node is configured."""

    def __init__(self) -> None:
        super().__init__("console", PARAMETERS)
        self._board: Board | None = None
        self._server: ConsoleServer | None = None

    def configure(self) -> None:
        """Listen to the graph, and serve the page."""
        try:
            from kinevla_ros.nodes.console.board import Board
            from kinevla_ros.nodes.console.web.server import ConsoleServer
        except ModuleNotFoundError as missing:
            if missing.name != "aiohttp":
                raise
            raise RuntimeError(f"{missing}; the page needs: pip install aiohttp") from missing
        if self._board is None:
            # Kept until the end of the node: what it heard is shown when the page comes back.
            values = self.values
            self._board = Board(self, values["image_transport"], values["picture_rate"])
        self._server = ConsoleServer(self._board, self.values["host"], self.values["port"])
        # Not logged: a log is kept, and goes out on /rosout.
        print(f"console: {self._server.url}", flush=True)

    def cleanup(self) -> None:
        """Serve it no more."""
        if self._server is not None:
            self._server.close()
        self._server = None

    def destroy_node(self) -> None:
        """See rclpy."""
        if self._board is not None:
            self._board.close()
        super().destroy_node()

    def diagnosis(self) -> Diagnosis:
        """How many look at it."""
        pages = self._board.open_pages if self._board else 0
        return Diagnosis("serves the page", figures={"open pages": str(pages)})


def main() -> int:
    """Run the node; returns the exit code."""
    return run(ConsoleNode)


if __name__ == "__main__":
    sys.exit(main())
