"""A policy that somebody else serves, in the protocol of OpenPI."""

from __future__ import annotations

import ipaddress
import math
import socket
import struct
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from kinevla_ros.base.observation import Observation, plain_observation
from kinevla_ros.generator.inference import Inference
from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.serving.dictionaries import (
    DictionaryError,
    chunk_from_dictionary,
    observation_to_dictionary,
    require_action_space,
)
from kinevla_ros.serving.errors import RemotePolicyError
from kinevla_ros.serving.wire import WireError, pack, unpack

if TYPE_CHECKING:
    from kinevla_ros.generator.decoding.override import Override

CONNECT_TIMEOUT = 1.0
"""Of each step of connecting; with an answer it all takes less than a node waits for its end, s."""

ANSWER_TIMEOUT = 2.0
"""A chunk lasts 0.5 s; who takes so long is held to hang, s."""

FIRST_ANSWER_TIMEOUT = 120.0
"""A server may compile its model when the first observation comes, s."""

CLOSE_TIMEOUT = 0.2
LARGEST_ANSWER = 4 * 2**20
WARM_UP_INSTRUCTION = kine_realman().example
GREY = 90
"""Brightness of the picture that a server is warmed up with."""


class RemotePolicy:
    """Asks a server for each chunk; in the place of `Policy`. Not thread safe.

    No answer, a wrong one and a late one are no chunk. After any of them the connection is closed,
    so that what comes late is never taken for the answer to a later observation.

    Args:
        url: such as ws://127.0.0.1:8000.
        actions: what the server's actions are if it does not say; see `require_action_space`.
        anywhere: whether the server may be on another machine.

    Raises:
        ValueError: the URL is none, or of another machine.
    """

    def __init__(self, url: str, actions: str = "", anywhere: bool = False) -> None:
        require_url(url, anywhere)
        self.url, self._actions = url, actions
        self._sequence = 0
        self._connection: ClientConnection | None = None
        self._open = ExitStack()

    def reset(self) -> None:
        """Nothing is kept from one observation to the next."""

    def close(self) -> None:
        """End the connection."""
        self._connection = None
        self._open.close()

    def warm_up(self, consistency: bool = False) -> None:
        """Connect, and have the server answer a grey picture, however long it compiles.

        Raises:
            RemotePolicyError: see there.
        """
        seen = plain_observation(GREY, time.monotonic())
        self._infer(WARM_UP_INSTRUCTION, seen, FIRST_ANSWER_TIMEOUT)

    def infer(
        self,
        instruction: str,
        observation: Observation,
        override: Override | None = None,
        consistency: bool = False,
    ) -> Inference:
        """Return the server's chunk; its words, if it sends any; no codes, and no consistency.

        Raises:
            RemotePolicyError: there is none, or words are to be replaced, which a server cannot.
        """
        if override is not None:
            raise RemotePolicyError(f"{self.url} takes no words in the place of its own")
        return self._infer(instruction, observation, ANSWER_TIMEOUT)

    def _infer(self, instruction: str, observation: Observation, timeout: float) -> Inference:
        started = time.perf_counter()
        try:
            question = pack(observation_to_dictionary(instruction, observation))
            answer = self._ask(question, timeout)
            self._sequence += 1
            chunk = chunk_from_dictionary(answer, observation.stamp, self._sequence)
        except (DictionaryError, WireError) as problem:
            self.close()
            raise RemotePolicyError(f"{self.url}: {problem}") from problem
        return Inference(
            sequence=self._sequence,
            stamp=observation.stamp,
            instruction=instruction,
            goal=_text(answer.get("goal")),
            kinematics=_text(answer.get("kinematics")),
            goal_codes=(),
            kinematics_codes=(),
            draft_accepted=False,
            passes=0,
            model_time=time.perf_counter() - started,
            chunk=chunk,
            consistency=math.nan,
        )

    def _ask(self, question: bytes, timeout: float) -> Any:
        """Send one message, return the answer to it."""
        try:
            connection = self._connection
            if connection is None or connection.close_code is not None:
                connection = self._connect()
            _require_silence(connection)
            connection.send(question)
            answer = connection.recv(timeout=timeout)
        except TimeoutError as problem:
            self.close()
            raise RemotePolicyError(
                f"{self.url} does not answer in time. Does the server hang, or is its model too "
                "slow?"
            ) from problem
        except (OSError, WebSocketException) as problem:
            self.close()
            raise RemotePolicyError(
                f"{self.url}: {problem}. Is the policy server running?"
            ) from problem
        if isinstance(answer, str):
            # A server of OpenPI sends a traceback, whose last line says it.
            lines = answer.strip().splitlines() or ["nothing"]
            raise RemotePolicyError(f"{self.url} answers: {lines[-1]}")
        return unpack(answer)

    def _connect(self) -> ClientConnection:
        self.close()
        connection = self._open.enter_context(
            connect(
                self.url,
                compression=None,
                max_size=LARGEST_ANSWER,
                open_timeout=CONNECT_TIMEOUT,
                close_timeout=CLOSE_TIMEOUT,
                # A server may compute where it should answer; the answer's time is what counts.
                ping_interval=None,
                proxy=None,
            )
        )
        # Without it a picture would wait for ever for a server that has stopped reading.
        patience = struct.pack("ll", math.ceil(ANSWER_TIMEOUT), 0)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
        metadata = connection.recv(timeout=CONNECT_TIMEOUT)
        if isinstance(metadata, str):
            raise DictionaryError("a text came first, not metadata. Is it a server of OpenPI?")
        require_action_space(unpack(metadata), self._actions)
        self._connection = connection
        return connection


def require_url(url: str, anywhere: bool) -> None:
    """Check where a policy is to come from.

    Raises:
        ValueError: it is no websocket's URL, or of another machine without `anywhere`.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError(f'policy_url "{url}" is none; give one such as ws://127.0.0.1:8000')
    if not anywhere and not _is_loopback(parts.hostname):
        raise ValueError(
            f"policy_url {url} is on another machine: pictures would go there and motion come from "
            "there, without a password. Set policy_url_anywhere if that is meant"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _require_silence(connection: ClientConnection) -> None:
    """Nothing may wait to be read: it would be taken for the answer to what is asked next."""
    try:
        connection.recv(timeout=0)
    except TimeoutError:
        return
    raise DictionaryError("the server answers what it was not asked")


def _text(given: Any) -> str:
    return given if isinstance(given, str) else ""
