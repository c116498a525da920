"""Somebody else's policy behind a websocket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from websockets.sync.server import ServerConnection, serve

from kinevla_ros.serving.dictionaries import ACTION_SPACE
from kinevla_ros.serving.wire import pack, unpack
from kinevla_ros.sim.controller.plant import READY_POSE

HOME = np.array(READY_POSE)
ACTIONS = np.tile(np.append(HOME, 0.03), (5, 1))
METADATA = {"actions": ACTION_SPACE}


@contextmanager
def listening(talk: Callable[[ServerConnection], None]) -> Iterator[str]:
    with serve(talk, "127.0.0.1", 0, compression=None, max_size=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield "ws://127.0.0.1:{1}".format(*server.socket.getsockname())
        server.shutdown()
        thread.join()


@contextmanager
def foreign(answer: Callable[[Any], Any], metadata: Any = METADATA) -> Iterator[str]:
    """Somebody else's server: answers with what `answer` returns, nothing if that is None."""

    def talk(connection: ServerConnection) -> None:
        connection.send(metadata if isinstance(metadata, str) else pack(metadata))
        for message in connection:
            if (said := answer(unpack(message))) is not None:
                connection.send(said if isinstance(said, str | bytes) else pack(said))

    with listening(talk) as url:
        yield url
