"""One open page: hears what it asks for, and sends the newest of what it shows."""

from __future__ import annotations

import asyncio
import struct
import time
from collections import deque
from contextlib import suppress
from itertools import count
from typing import Any

from aiohttp import web

from kinevla_ros.base.cameras import CAMERAS
from kinevla_ros.nodes.console.web.behind import FRESH, Behind
from kinevla_ros.nodes.console.web.encode import encode
from kinevla_ros.nodes.console.web.requests import Request, read_request

MOST_REQUESTS = 16
"""Of a page that wait for their answers; a stop never waits."""

MOST_ANSWERS = 64
SEND_TIMEOUT = 10.0
"""A page that takes nothing for so long is closed, s."""

PICTURE_HEADER = struct.Struct("<BxxxI")
"""Before a JPEG: number of the camera, age in ms."""

_NUMBERS = count(1)


class OpenPage:
    """What a slow page misses is gone; nothing piles up.

    Args:
        socket: of the page.
        behind: what it shows and sets in motion.
    """

    def __init__(self, socket: web.WebSocketResponse, behind: Behind) -> None:
        self._socket, self._behind = socket, behind
        self._name = f"page {next(_NUMBERS)}"
        self._wake = asyncio.Event()
        self._answers: deque[str] = deque(maxlen=MOST_ANSWERS)
        self._state = ""
        self._known: dict[str, Any] | None = None
        self._line = 0
        self._sent: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sender: asyncio.Task[None] | None = None

    def start(self, state: str) -> None:
        """Begin to send."""
        self._answers.append(encode({"hello": {"name": self._name, "fresh": FRESH}}))
        self._sender = asyncio.create_task(self._send())
        self.show(state)

    def show(self, state: str) -> None:
        """Have a state sent, and what else is new."""
        self._state = state
        self._wake.set()

    def hear(self, message: str) -> None:
        """Take a message of the page; it is answered, whatever it is."""
        try:
            request = read_request(message)
        except ValueError as problem:
            self.refuse(str(problem))
            return
        if len(self._tasks) >= MOST_REQUESTS and request.do != "stop":
            self._answer(request.id, False, "too much is asked for at once", 0.0)
            return
        task = asyncio.create_task(self._do(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def refuse(self, problem: str) -> None:
        """Answer what is no request."""
        self._answer(None, False, f"not understood: {problem}", 0.0)

    async def close(self) -> None:
        """End the connection; a stop that is under way goes on."""
        if self._sender is not None:
            self._sender.cancel()
        with suppress(Exception):
            await asyncio.wait_for(self._socket.close(), 1.0)

    async def _do(self, request: Request) -> None:
        began = time.monotonic()
        if request.do == "ping":
            done, text = True, ""
        else:
            done, text = await self._behind.do(request, self._name)
        self._answer(request.id, done, text, time.monotonic() - began)

    def _answer(self, number: int | None, ok: bool, text: str, spent: float) -> None:
        """Queue an answer; spent: s from its request to it, here."""
        answer = {"id": number, "ok": ok, "text": text, "ms": round(1000 * spent, 2)}
        self._answers.append(encode({"answer": answer}))
        self._wake.set()

    async def _send(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await asyncio.wait_for(self._send_new(), SEND_TIMEOUT)
        except (TimeoutError, ConnectionError, RuntimeError):
            with suppress(Exception):
                await self._socket.close()

    async def _send_new(self) -> None:
        """Answers first: somebody waits for them."""
        while self._answers:
            await self._socket.send_str(self._answers.popleft())
        if (known := self._behind.known()) is not self._known:
            self._known = known
            await self._socket.send_str(encode({"known": known}))
        if lines := self._behind.log(self._line):
            self._line = lines[-1][0]
            await self._socket.send_str(encode({"log": lines}))
        state, self._state = self._state, ""
        if state:
            await self._socket.send_str(state)
        for number, camera in enumerate(CAMERAS):
            picture = self._behind.picture(camera)
            if picture is not None and picture.number != self._sent.get(camera):
                self._sent[camera] = picture.number
                age = min(max(time.monotonic() - picture.taken, 0.0), 4e6)
                header = PICTURE_HEADER.pack(number, round(1000 * age))
                await self._socket.send_bytes(header + picture.jpeg)
