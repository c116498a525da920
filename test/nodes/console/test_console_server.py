"""The page's server: who gets in, what is answered, and that no page harms another."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("aiohttp")

import aiohttp

from kinevla_ros.nodes.console.web.behind import Picture
from kinevla_ros.nodes.console.web.open_page import MOST_REQUESTS, PICTURE_HEADER
from kinevla_ros.nodes.console.web.requests import LARGEST, Request
from kinevla_ros.nodes.console.web.server import MOST_PAGES, ConsoleServer

JPEG = b"\xff\xd8" + bytes(200_000) + b"\xff\xd9"


class FakeBoard:
    """Counts what is asked for.

    Attributes:
        slow: how long a request but `stop` takes, s.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.pages, self.slow, self.number = 0, 0.0, 0

    async def do(self, request: Request, who: str) -> tuple[bool, str]:
        if request.do != "stop":
            await asyncio.sleep(self.slow)
        self.asked.append((request.do, who))
        return True, f"{request.do} done"

    async def stop(self, who: str) -> tuple[bool, str]:
        self.asked.append(("stop", who))
        return True, "stopped"

    def state(self) -> dict[str, Any]:
        self.number += 1
        return {"number": self.number, "broken": float("nan")}

    def log(self, after: int) -> list[tuple[int, str, str]]:
        return [(1, "12:00:00", "a line")][after:]

    def known(self) -> dict[str, Any]:
        return KNOWN

    def picture(self, camera: str) -> Picture | None:
        return Picture(self.number, JPEG, time.monotonic() - 0.25) if camera == "wrist" else None

    def watched(self, pages: int) -> None:
        self.pages = pages


KNOWN = {"sentences": ["wave"]}


@pytest.fixture
def board() -> FakeBoard:
    return FakeBoard()


@pytest.fixture
def server(board: FakeBoard) -> Iterator[ConsoleServer]:
    server = ConsoleServer(board, "127.0.0.1", 0)
    yield server
    server.close()


class Page:
    """A page's websocket, and what came over it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, **request: Any) -> None:
        await self._socket.send_str(json.dumps(request))

    async def send_str(self, text: str) -> None:
        await self._socket.send_str(text)

    async def send_bytes(self, data: bytes) -> None:
        await self._socket.send_bytes(data)

    async def close(self) -> None:
        await self._socket.close()

    async def next(self, kind: str) -> Any:
        """The next message of a kind, or the next `picture`."""
        async with asyncio.timeout(5):
            while True:
                message = await self._socket.receive()
                assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message
                if message.type is aiohttp.WSMsgType.BINARY:
                    if kind == "picture":
                        return message.data
                elif kind in (found := json.loads(message.data)):
                    return found[kind]


def browse(server: ConsoleServer, visit: Callable[..., Awaitable[None]], **headers: str) -> None:
    """Visit with a session, and a function that opens a page."""

    async def run() -> None:
        url = server.url.partition("?")[0]
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as session:

            async def open_page(**changed: str) -> Page:
                given = {"Origin": url.rstrip("/"), **headers, **changed}
                return Page(await session.ws_connect(f"{url}ws", headers=given))

            await visit(session, url, open_page)

    asyncio.run(run())


def test_the_page_and_its_files_come_with_headers_that_keep_others_out(
    server: ConsoleServer,
) -> None:
    async def visit(session: aiohttp.ClientSession, url: str, _: Any) -> None:
        for file in ("", "page.js", "arm.js", "link.js", "talk.js", "style.css"):
            async with session.get(url + file) as answer:
                assert answer.status == 200 and len(await answer.text()) > 500
                assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
                assert answer.headers["X-Frame-Options"] == "DENY"
        for file in ("../server.py", "nothing", "%2e%2e/server.py"):
            async with session.get(url + file) as answer:
                assert answer.status == 404

    browse(server, visit)


def test_nobody_of_another_origin_or_name_gets_in(server: ConsoleServer, board: FakeBoard) -> None:
    async def visit(session: aiohttp.ClientSession, url: str, open_page: Any) -> None:
        for wrong in ({"Origin": "http://evil.example"}, {"Host": "evil.example:8070"}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await open_page(**wrong)
            assert refused.value.status == 403
            async with session.post(f"{url}stop", headers=wrong) as answer:
                assert answer.status == 403
        async with session.post(f"{url}stop") as answer:
            assert answer.status == 403  # a browser would have said its origin

    browse(server, visit)
    assert board.asked == [] and board.pages == 0


def test_elsewhere_only_the_token_opens_the_page_and_leaves_the_address(board: FakeBoard) -> None:
    server = ConsoleServer(board, "0.0.0.0", 0)
    port = int(server.url.partition("?")[0].rpartition(":")[2].strip("/"))
    server.url = server.url.replace("0.0.0.0", "127.0.0.1")

    async def visit(session: aiohttp.ClientSession, url: str, open_page: Any) -> None:
        for path in ("", "page.js", "?token=wrong", "?token="):
            async with session.get(url + path) as answer:
                assert answer.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await open_page()
        async with session.get(server.url) as answer:
            assert answer.status == 200 and "token" not in str(answer.url)
            (cookie,) = answer.history[0].cookies.values()
            assert cookie["httponly"] and cookie["samesite"] == "Strict"
            assert str(port) in cookie.key
        assert "number" in await (await open_page()).next("state")
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await open_page(Origin="http://evil.example")

    try:
        assert len(server.url.partition("token=")[2]) >= 32
        browse(server, visit)
    finally:
        server.close()


def test_two_pages_see_the_same(server: ConsoleServer, board: FakeBoard) -> None:
    async def visit(_: Any, __: str, open_page: Any) -> None:
        one, other = await open_page(), await open_page()
        for page in (one, other):
            assert (await page.next("hello"))["fresh"]["arm"] > 0
            assert await page.next("known") == KNOWN
            assert await page.next("log") == [[1, "12:00:00", "a line"]]
        numbers = [
            {(await page.next("state"))["number"] for _ in range(4)} for page in (one, other)
        ]
        assert len(numbers[0] & numbers[1]) >= 2
        state = await one.next("state")
        assert state["pages"] == 2 and state["broken"] is None
        picture = await other.next("picture")
        camera, age = PICTURE_HEADER.unpack_from(picture)
        assert (camera, picture[PICTURE_HEADER.size :]) == (1, JPEG)
        assert 250 <= age < 5000

    browse(server, visit)


def test_closing_a_page_changes_nothing_for_the_others(
    server: ConsoleServer, board: FakeBoard
) -> None:
    async def visit(_: Any, __: str, open_page: Any) -> None:
        one, other = await open_page(), await open_page()
        await one.next("state")
        await one.close()
        async with asyncio.timeout(5):
            while (await other.next("state"))["pages"] != 1:
                pass

    browse(server, visit)
    assert board.asked == []


def test_whatever_a_page_sends_is_answered_and_the_page_goes_on(
    server: ConsoleServer, board: FakeBoard
) -> None:
    async def visit(_: Any, __: str, open_page: Any) -> None:
        page = await open_page()
        for wrong in ("", "{", "null", '{"id": 1, "do": "dance"}', "[" * 5000):
            await page.send_str(wrong)
            answer = await page.next("answer")
            assert not answer["ok"] and "not understood" in answer["text"]
        await page.send_bytes(b"\0")
        assert not (await page.next("answer"))["ok"]
        await page.send(id=5, do="pause", on=True)
        answer = await page.next("answer")
        assert (answer["id"], answer["ok"], answer["text"]) == (5, True, "pause done")

    browse(server, visit)
    assert [what for what, _ in board.asked] == ["pause"]


def test_a_message_that_is_too_large_ends_its_page_alone(server: ConsoleServer) -> None:
    async def visit(_: Any, __: str, open_page: Any) -> None:
        one, other = await open_page(), await open_page()
        await one.send_str("a" * (LARGEST + 1000))
        with pytest.raises(AssertionError):
            while True:
                await one.next("state")
        await other.send(id=1, do="ping")
        assert (await other.next("answer"))["ok"]

    browse(server, visit)


def test_a_stop_waits_for_no_other_request(server: ConsoleServer, board: FakeBoard) -> None:
    board.slow = 30.0

    async def visit(_: Any, __: str, open_page: Any) -> None:
        page = await open_page()
        for number in range(MOST_REQUESTS + 3):
            await page.send(id=number, do="judge")
        for _ in range(3):
            answer = await page.next("answer")
            assert not answer["ok"] and "too much" in answer["text"]
        began = time.monotonic()
        await page.send(id=99, do="stop")
        assert (await page.next("answer"))["id"] == 99
        assert time.monotonic() - began < 2.0

    browse(server, visit)
    assert [what for what, _ in board.asked] == ["stop"]


def test_a_stop_has_a_second_way(server: ConsoleServer, board: FakeBoard) -> None:
    async def visit(session: aiohttp.ClientSession, url: str, _: Any) -> None:
        async with session.post(f"{url}stop", headers={"Origin": url.rstrip("/")}) as answer:
            assert answer.status == 200 and await answer.text() == "stopped"

    browse(server, visit)
    assert [what for what, _ in board.asked] == ["stop"]


def test_a_page_that_takes_nothing_holds_up_no_other(server: ConsoleServer) -> None:
    async def visit(_: Any, url: str, open_page: Any) -> None:
        host, port = url.strip("/").rpartition("/")[2].split(":")
        frozen = socket.create_connection((host, int(port)))
        frozen.sendall(
            f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://{host}:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        page = await open_page()
        for number in range(20):
            await page.next("picture")
            await page.send(id=number, do="ping")
            assert (await page.next("answer"))["ms"] < 1000
        frozen.close()

    browse(server, visit)


def test_there_are_only_so_many_pages(server: ConsoleServer) -> None:
    async def visit(_: Any, __: str, open_page: Any) -> None:
        pages = [await open_page() for _ in range(MOST_PAGES)]
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await open_page()
        assert refused.value.status == 503
        await pages[0].close()
        async with asyncio.timeout(5):
            while (await pages[1].next("state"))["pages"] == MOST_PAGES:
                pass
        await open_page()

    browse(server, visit)


def test_a_port_that_is_taken_is_named(server: ConsoleServer, board: FakeBoard) -> None:
    port = int(server.url.strip("/").rpartition(":")[2])
    with pytest.raises(OSError, match=f"127.0.0.1:{port}.*another port"):
        ConsoleServer(board, "127.0.0.1", port)


def test_a_server_that_is_closed_ends_its_pages(board: FakeBoard) -> None:
    server = ConsoleServer(board, "127.0.0.1", 0)

    async def visit(_: Any, __: str, open_page: Any) -> None:
        page = await open_page()
        await page.next("state")
        await asyncio.to_thread(server.close)
        with pytest.raises(AssertionError):
            while True:
                await page.next("state")

    browse(server, visit)
