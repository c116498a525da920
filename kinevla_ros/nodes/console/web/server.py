"""Serves the page and its websocket from a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from kinevla_ros.nodes.console.web.access import Access
from kinevla_ros.nodes.console.web.behind import Behind
from kinevla_ros.nodes.console.web.encode import encode
from kinevla_ros.nodes.console.web.open_page import OpenPage
from kinevla_ros.nodes.console.web.requests import LARGEST

FILES = Path(__file__).parent / "page"
KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}

PERIOD = 0.1
"""Between two states that pages get, s."""

MOST_PAGES = 8
HEARTBEAT = 5.0
"""A page whose computer does not answer pings for so long is closed, s."""

COOKIE_AGE = 30 * 24 * 3600
START_TIMEOUT = 10.0

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

logger = logging.getLogger(__name__)


class ConsoleServer:
    """Listens from the start.

    Args:
        behind: what pages show and set in motion.
        host, port: where to listen; port 0 takes a free one.

    Attributes:
        url: what to open, with the token where there is one.

    Raises:
        OSError: nothing can listen there.
    """

    def __init__(self, behind: Behind, host: str, port: int) -> None:
        self._behind, self._access = behind, Access.at(host)
        self._pages: set[OpenPage] = set()
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._files = {
            f"/{path.name}": (path.read_bytes(), KINDS[path.suffix]) for path in FILES.iterdir()
        }
        self._thread = threading.Thread(target=self._loop.run_forever, name="pages", daemon=True)
        self._thread.start()
        try:
            port = self._wait(self._start(host, port))
        except BaseException:
            self.close()
            raise
        shown = f"[{host}]" if ":" in host else host
        token = f"?token={self._access.token}" if self._access.token else ""
        self.url = f"http://{shown}:{port}/{token}"

    def close(self) -> None:
        """Listen no more, and end all connections."""
        with suppress(TimeoutError):
            self._wait(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_TIMEOUT)
        if not self._thread.is_alive():
            self._loop.close()

    def _wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(START_TIMEOUT)

    async def _start(self, host: str, port: int) -> int:
        # No middleware: aiohttp caches those with their handlers, and the node would live on.
        application = web.Application(client_max_size=LARGEST)
        application.router.add_get("/ws", self._guarded(self._talk))
        application.router.add_post("/stop", self._guarded(self._stop_by_post))
        application.router.add_get("/{file:.*}", self._guarded(self._file))
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as problem:
            raise OSError(
                f"the page cannot be served on {host}:{port} ({problem.strerror or problem}): end "
                "what listens there, or give the console another port"
            ) from problem
        port = int(self._runner.addresses[0][1])
        self._cookie = f"kinevla_console_{port}"  # cookies do not know ports
        self._ticker = asyncio.create_task(self._tick())
        return port

    async def _stop(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        for page in list(self._pages):
            await page.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def _guarded(self, handler: Handler) -> Handler:
        """Let nobody in who must not be."""

        async def guard(request: web.Request) -> web.StreamResponse:
            given = request.query.get("token") or request.cookies.get(self._cookie, "")
            acts = request.path == "/ws" or request.method != "GET"
            origin = request.headers.get("Origin")
            if refusal := self._access.refusal(request.host, origin, acts, given):
                raise web.HTTPForbidden(text=f"{refusal}\n", headers=HEADERS)
            if "token" in request.query and request.method == "GET":
                return self._remember(given)
            return await handler(request)

        return guard

    def _remember(self, token: str) -> web.Response:
        """Take the token out of the address, where people would see it."""
        response = web.Response(status=303, headers=HEADERS | {"Location": "/"})
        response.set_cookie(
            self._cookie, token, max_age=COOKIE_AGE, httponly=True, samesite="Strict"
        )
        return response

    async def _file(self, request: web.Request) -> web.Response:
        found = self._files.get("/index.html" if request.path == "/" else request.path)
        if found is None:
            raise web.HTTPNotFound(text="there is only /\n", headers=HEADERS)
        content, kind = found
        return web.Response(body=content, content_type=kind, charset="utf-8", headers=HEADERS)

    async def _stop_by_post(self, _: web.Request) -> web.Response:
        """A page's second way, where its websocket does not answer."""
        ok, text = await self._behind.stop("a page, by its second way")
        return web.Response(text=text, status=200 if ok else 503, headers=HEADERS)

    async def _talk(self, request: web.Request) -> web.StreamResponse:
        if len(self._pages) >= MOST_PAGES:
            text = f"{MOST_PAGES} pages are open: close one\n"
            raise web.HTTPServiceUnavailable(text=text, headers=HEADERS)
        socket = web.WebSocketResponse(max_msg_size=LARGEST, heartbeat=HEARTBEAT, compress=False)
        await socket.prepare(request)
        page = OpenPage(socket, self._behind)
        self._pages.add(page)
        self._behind.watched(len(self._pages))
        try:
            page.start(self._state())
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    page.hear(message.data)
                elif message.type is WSMsgType.BINARY:
                    page.refuse("pages send text")
        finally:
            self._pages.discard(page)
            self._behind.watched(len(self._pages))
            await page.close()
        return socket

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            if not self._pages:
                continue
            try:
                state = self._state()
            except Exception:
                # A page that gets nothing shows that by itself.
                logger.exception("the state cannot be shown")
                continue
            for page in self._pages:
                page.show(state)

    def _state(self) -> str:
        return encode({"state": self._behind.state() | {"pages": len(self._pages)}})
