"""The console node on a graph: buttons become requests, topics are seen, the absent is named."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("aiohttp")

import aiohttp
import cv2
from fake_nodes import CARROT, FakeNodes
from node_bench import FAILURE, SUCCESS, Bench, bench
from pictures import scene

from kinevla_ros.msg import SafetyStatus
from kinevla_ros.nodes.console import calls
from kinevla_ros.nodes.console.node import ConsoleNode
from kinevla_ros.nodes.console.web.open_page import PICTURE_HEADER


@pytest.fixture(scope="module")
def graph() -> Iterator[tuple[Bench, FakeNodes, str]]:
    with bench({"port": 0}) as graph:
        nodes = FakeNodes(graph.client)
        console = graph.add(ConsoleNode)
        assert console.trigger_configure() == SUCCESS
        assert console.trigger_activate() == SUCCESS
        there = console._board._calls.there
        graph.spin_until(lambda: there()["stop"] and there()["override"], "services")
        yield graph, nodes, console._server.url


Graph = tuple[Bench, FakeNodes, str]
Ask = Callable[..., Awaitable[dict[str, Any]]]


class Page:
    """A page that keeps the newest of everything."""

    def __init__(self, socket: Any) -> None:
        self._socket, self.state, self.known, self.pictures = socket, {}, {}, {}
        self.log: list[str] = []
        self._answers: dict[int, dict[str, Any]] = {}

    async def read(self) -> None:
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                number, age = PICTURE_HEADER.unpack_from(message.data)
                self.pictures[number] = age / 1000, message.data[PICTURE_HEADER.size :]
                continue
            found = json.loads(message.data)
            self.state = found.get("state", self.state)
            self.known = found.get("known", self.known)
            self.log += [text for _, _, text in found.get("log", [])]
            if answer := found.get("answer"):
                self._answers[answer["id"]] = answer

    async def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        number = time.monotonic_ns()
        await self._socket.send_str(json.dumps({"id": number, "do": do, **fields}))
        await self.until(lambda: number in self._answers)
        return self._answers[number]

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(15):
            while not condition():
                await asyncio.sleep(0.01)


def visit(graph: Graph, script: Callable[[Page], Awaitable[None]]) -> None:
    """Run a page's script in a thread while the nodes spin."""
    failures: list[BaseException] = []

    async def run() -> None:
        url = graph[2]
        async with aiohttp.ClientSession() as session:
            headers = {"Origin": url.rstrip("/")}
            async with session.ws_connect(f"{url}ws", headers=headers) as socket:
                page = Page(socket)
                reader = asyncio.create_task(page.read())
                try:
                    await script(page)
                finally:
                    reader.cancel()

    def guarded() -> None:
        try:
            asyncio.run(run())
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=guarded)
    thread.start()
    graph[0].spin_until(lambda: not thread.is_alive(), "end of the page's visit")
    thread.join()
    if failures:
        raise failures[0]


@pytest.mark.parametrize(
    ("do", "fields", "service", "asked"),
    [
        ("stop", {}, "arm/stop", {}),
        ("reset", {}, "arm/reset", {}),
        ("enable", {"on": True}, "arm/enable", {"data": True}),
        ("enable", {"on": False}, "arm/enable", {"data": False}),
        ("pause", {"on": True}, "arm/pause", {"data": True}),
        ("veto", {}, "policy/override_reasoning", {"action": 2, "goal": "", "kinematics": ""}),
        ("release", {}, "policy/override_reasoning", {"action": 0, "goal": "", "kinematics": ""}),
        (
            "override",
            {"goal": "g", "kinematics": "k"},
            "policy/override_reasoning",
            {"action": 1, "goal": "g", "kinematics": "k"},
        ),
    ],
)
def test_a_button_calls_its_service_and_shows_the_answer(
    graph: Graph, do: str, fields: dict[str, Any], service: str, asked: dict[str, Any]
) -> None:
    async def script(page: Page) -> None:
        answer = await page.ask(do, **fields)
        assert (answer["ok"], answer["text"]) == (True, f"{service} did it")
        await page.until(lambda: any(f"→ {service} did it" in line for line in page.log))

    graph[1].called.clear()
    visit(graph, script)
    assert graph[1].called == [(service, asked)]


def test_what_is_not_on_the_graph_is_shown_as_absent_and_its_request_refused(
    graph: Graph,
) -> None:
    async def script(page: Page) -> None:
        await page.until(lambda: page.state.get("there", {}).get("policy"))
        assert page.state["there"] == {
            "arm": True, "policy": True, "cell": False, "record": False,
        }  # fmt: skip
        absent = {"record_start": {}, "record_stop": {"on": True}, "record_discard": {}}
        for do, fields in (absent | {"judge": {}, "new_scene": {}}).items():
            answer = await page.ask(do, **fields)
            assert not answer["ok"] and "is not there" in answer["text"]

    visit(graph, script)


def test_an_instruction_a_question_and_its_answer(graph: Graph) -> None:
    async def script(page: Page) -> None:
        answer = await page.ask("say", text=CARROT)
        assert answer["ok"] and "Which side?" in answer["text"]
        await page.until(lambda: page.state["question"])
        assert page.state["question"]["missing"] == [{"name": "side", "choices": ["left", "right"]}]
        answer = await page.ask("say", text="left")
        assert answer["ok"] and answer["text"] == "carrot in plate; left"
        await page.until(lambda: page.state["question"] is None)
        assert page.state["reasoning"]["kinematics"] == "left"
        assert page.state["reasoning"]["consistency"] is None

    visit(graph, script)
    assert graph[1].heard[-2:] == [CARROT, "left"]


def test_the_speed_reaches_the_arm(graph: Graph) -> None:
    async def script(page: Page) -> None:
        assert (await page.ask("speed", percent=35))["ok"]
        await page.until(lambda: graph[1].heard[-1:] == [35.0])

    visit(graph, script)


def test_a_page_sees_the_arm_its_state_and_its_cameras_and_how_old_they_are(graph: Graph) -> None:
    graph[1].status.state, graph[1].status.fault = SafetyStatus.FAULTED, SafetyStatus.SOFTWARE_STOP
    graph[1].status.reason = "stopped; call /arm/reset"
    graph[1].picture = scene(0, 480, 1280)

    async def script(page: Page) -> None:
        await page.until(lambda: page.state.get("joints") and 0 in page.pictures)
        assert page.state["joints"]["q"] == [0.1] * 7
        assert page.state["joints"]["age"] < 1.0
        await page.until(lambda: (page.state["arm"] or {}).get("state") == "FAULTED")
        ((text, do),) = page.state["obstacles"][:1]
        assert "SOFTWARE_STOP: stopped; call /arm/reset" in text and do == "reset"
        await page.until(lambda: size(page) == (240, 640))
        age, jpeg = page.pictures[0]
        assert 0.0 <= age < 2.0
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        small = cv2.resize(graph[1].picture, (640, 240), interpolation=cv2.INTER_AREA)
        assert np.abs(picture[..., ::-1].astype(int) - small).mean() < 6
        graph[1].mute.add("arm")
        await page.until(lambda: page.state["arm"]["age"] > 1.2)
        assert any("nothing is heard of the arm" in text for text, _ in page.state["obstacles"])

    visit(graph, script)
    graph[1].mute.clear()


def size(page: Page) -> tuple[int, int]:
    """Height and width of the newest picture."""
    picture = cv2.imdecode(np.frombuffer(page.pictures[0][1], np.uint8), cv2.IMREAD_COLOR)
    return picture.shape[0], picture.shape[1]


def test_pictures_come_no_faster_than_asked_for(graph: Graph) -> None:
    async def script(page: Page) -> None:
        await page.until(lambda: 0 in page.pictures)
        seen, began = set(), time.monotonic()
        while time.monotonic() - began < 2.0:
            seen.add(page.pictures[0][1])
            graph[1].picture = graph[1].picture[::-1] // 2 + len(seen)
            await asyncio.sleep(0.02)
        assert 2 <= len(seen) <= 12

    visit(graph, script)


def test_what_can_be_said_comes_from_the_policy(graph: Graph) -> None:
    async def script(page: Page) -> None:
        await page.until(lambda: page.known.get("sentences"))
        assert any("carrot" in sentence for sentence in page.known["sentences"])

    visit(graph, script)


def test_cameras_and_markers_are_heard_only_while_a_page_is_open(graph: Graph) -> None:
    bench, nodes, _ = graph
    bench.spin_until(lambda: not nodes.front.get_subscription_count(), "end of watching")
    assert nodes.statuses.get_subscription_count() == 1

    async def script(page: Page) -> None:
        await page.until(nodes.front.get_subscription_count)

    visit(graph, script)
    bench.spin_until(lambda: not nodes.front.get_subscription_count(), "end of watching")


def test_a_stop_that_nobody_answers_says_so_in_time(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "STOP_TIMEOUT", 0.3)
    client = graph[0].nodes[0]._board._calls._clients["stop"]
    monkeypatch.setattr(client, "get_pending_request", lambda _: (_ for _ in ()).throw(KeyError))

    async def script(page: Page) -> None:
        answer = await page.ask("stop")
        assert not answer["ok"]
        assert re.search("not answered within .* emergency button", answer["text"])

    visit(graph, script)


def test_a_port_that_is_taken_keeps_the_node_from_being_configured(graph: Graph) -> None:
    bench, _, url = graph
    console = bench.nodes[0]
    assert console.trigger_deactivate() == SUCCESS
    assert console.trigger_cleanup() == SUCCESS
    port = int(url.strip("/").rpartition(":")[2])
    console.values["port"] = port
    assert console.trigger_configure() == SUCCESS  # the page went away with the cleanup
    other = ConsoleNode()
    other.values["port"] = port
    try:
        assert other.trigger_configure() == FAILURE
    finally:
        other.destroy_node()
