"""Offers a policy to any OpenPI client."""

from __future__ import annotations

import http
import logging
import threading
import time
from typing import Any, Protocol

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from kinevla_ros.base.observation import Observation
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.generator.inference import Inference
from kinevla_ros.serving.dictionaries import (
    ACTION_SPACE,
    ACTIONS,
    IMAGES,
    PROMPT,
    STATE,
    observation_from_dictionary,
)
from kinevla_ros.serving.wire import pack, unpack

PORT = 8000
"""As OpenPI's own server."""

LARGEST_OBSERVATION = 64 * 2**20
"""Two pictures of 4096 x 2160 and more, bytes."""

METADATA = {"policy": "kinevla", "observation": [*IMAGES.values(), STATE, PROMPT]}

logger = logging.getLogger(__name__)


class Serves(Protocol):
    """What a server needs of a policy; see `generator.policy.Policy`."""

    def reset(self) -> None:
        """Forget the observation before."""

    def infer(self, instruction: str, observation: Observation) -> Inference:
        """Reasoning and chunk for one observation; raises what is wrong with them."""


class PolicyServer:
    """Listens from the start; one client at a time infers.

    An observation that leads to no actions is answered by a text that says why, which OpenPI's
    client raises; the connection stays. Pages in a browser are refused.

    Args:
        policy: what infers.
        host, port: where to listen; port 0 takes a free one.

    Attributes:
        url: where it listens.

    Raises:
        OSError: nothing can listen there.
    """

    def __init__(self, policy: Serves, host: str = "127.0.0.1", port: int = PORT) -> None:
        self._policy, self._lock = policy, threading.Lock()
        self._last: ServerConnection | None = None
        self._server: Server = serve(
            self._talk,
            host,
            port,
            compression=None,
            max_size=LARGEST_OBSERVATION,
            origins=[None],
            process_request=_health,
        )
        self.url = f"ws://{host}:{self._server.socket.getsockname()[1]}"

    def serve_forever(self) -> None:
        """Answer until `close` is called from another thread."""
        self._server.serve_forever()

    def close(self) -> None:
        """Listen no more, and end all connections."""
        self._server.shutdown()

    def _talk(self, connection: ServerConnection) -> None:
        try:
            connection.send(pack(METADATA | {ACTIONS: ACTION_SPACE}))
            for message in connection:
                connection.send(self._answer(connection, message))
        except ConnectionClosed:
            pass  # it came back for nothing

    def _answer(self, connection: ServerConnection, message: str | bytes) -> str | bytes:
        """Actions as bytes, or as a text why there are none."""
        try:
            if isinstance(message, str):
                raise ValueError("send the observation as a binary message of msgpack")
            given = observation_from_dictionary(unpack(message), time.monotonic())
            with self._lock:
                if connection is not self._last:
                    self._policy.reset()
                    self._last = connection
                return pack(_actions(self._policy.infer(*given)))
        except (ValueError, GenerationError) as problem:  # NotUnderstood is among them
            return str(problem)
        except Exception as problem:
            logger.exception("an inference failed")
            return f"{type(problem).__name__}: {problem}"


def _actions(inference: Inference) -> dict[str, Any]:
    """What a client is answered."""
    chunk = inference.chunk
    return {
        ACTIONS: np.column_stack([chunk.positions, chunk.gripper]),
        "goal": inference.goal,
        "kinematics": inference.kinematics,
        "server_timing": {"infer_ms": 1000 * inference.model_time},
    }


def _health(connection: ServerConnection, request: Request) -> Response | None:
    """OpenPI's clients may ask whether the server is there."""
    if request.path == "/healthz":
        return connection.respond(http.HTTPStatus.OK, "OK\n")
    return None
