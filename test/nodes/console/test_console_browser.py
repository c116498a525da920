"""The console's process in a real browser, beside nodes that do at once what they are asked for."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("aiohttp")

from browser import DESKTOP, PHONE, SMALL_PHONE, chromium, open_page, text_of
from fake_nodes import CARROT, FakeNodes

from kinevla_ros.msg import SafetyStatus
from kinevla_ros.stack.processes.isolation import free_tcp_port
from kinevla_ros.stack.processes.launcher import Launcher, client_node, parameter_file


class Console:
    """The console, the nodes it knows, and a browser."""

    def __init__(self, launcher: Launcher, nodes: FakeNodes, browser: Any, url: str) -> None:
        self.launcher, self.nodes, self._browser, self._url = launcher, nodes, browser, url
        self.errors: list[Any] = []

    def open(self, size: dict[str, int] = DESKTOP) -> Any:
        return open_page(self._browser, self._url, size, self.errors)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        pid = self.launcher.pid("console")
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    port = free_tcp_port("127.0.0.1")
    with ExitStack() as context:
        browser = context.enter_context(chromium())
        node, interrupted = context.enter_context(client_node("browser_test"))
        nodes = FakeNodes(node)
        overrides = {"console": {"port": port}}
        launcher = Launcher(node, interrupted, parameter_file(None), overrides, "error")
        context.enter_context(launcher)
        launcher.bring_up()
        over = threading.Event()
        thread = threading.Thread(target=lambda: spin(launcher, over))
        thread.start()
        try:
            yield Console(launcher, nodes, browser, f"http://127.0.0.1:{port}/")
        finally:
            over.set()
            thread.join()


def spin(launcher: Launcher, over: threading.Event) -> None:
    while not over.is_set():
        launcher.spin(0.05)


@pytest.fixture
def page(console: Console) -> Iterator[Any]:
    """A page of an arm that may move."""
    console.nodes.mute.clear()
    console.nodes.status = SafetyStatus(state=SafetyStatus.READY, speed_scaling=100.0)
    page = console.open()
    page.wait_for_selector("#state.READY")
    page.wait_for_selector("[data-part=front]:not(.old)")
    yield page
    assert console.errors == []
    page.close()


def test_an_instruction_is_completed_asked_about_and_understood(
    page: Any, console: Console
) -> None:
    page.fill("#instruction", "carrot upper")
    text_of(page, "completions", "hold the carrot by the upper part")
    page.fill("#instruction", CARROT)
    page.press("#instruction", "Enter")
    page.wait_for_selector("#question")
    assert page.inner_text("#asked") == "Which side?"
    page.click("#choices button:text('left')")
    page.wait_for_selector("#question", state="hidden")
    text_of(page, "r-kinematics", "left")
    assert page.inner_text("#r-goal") == "carrot in plate"
    assert page.inner_text("#r-goal-codes") == "[1 2 3]"
    page.wait_for_selector("#said.yes")
    assert console.nodes.heard[-2:] == [CARROT, "left"]


def test_the_space_bar_stops_and_the_page_shows_the_way_out(page: Any, console: Console) -> None:
    page.focus("#pause")
    console.nodes.called.clear()
    page.keyboard.press("Space")
    page.wait_for_selector("#state.FAULTED")
    assert {name for name, _ in console.nodes.called} == {"arm/stop"}  # and no pause
    text_of(page, "stop-said", "answered in")
    text_of(page, "obstacles", "SOFTWARE_STOP: stopped by software")
    page.click("#obstacles button:text('Reset')")
    page.click("#obstacles button:text('Enable')")
    page.wait_for_selector("#state.READY")


def test_the_button_stops_once(page: Any, console: Console) -> None:
    page.click("#stop")
    page.wait_for_selector("#state.FAULTED")
    text_of(page, "stop-said", "answered in")
    name = page.inner_text("#name")
    text_of(page, "log", f"{name}: stop")
    lines = page.locator("#log li").all_inner_texts()
    assert sum(f"{name}: stop" in line for line in lines) == 1  # its second way has another name


def test_spaces_can_be_typed_and_escape_stops_even_then(page: Any) -> None:
    page.focus("#instruction")
    page.keyboard.type("a b c")
    assert page.input_value("#instruction") == "a b c"
    assert page.inner_text("#stop-key") == "Esc"
    assert page.inner_text("#state") == "READY"
    page.keyboard.press("Escape")
    page.wait_for_selector("#state.FAULTED")


def test_a_frozen_console_does_not_look_alive_and_its_page_recovers(
    page: Any, console: Console
) -> None:
    with console.frozen():
        page.wait_for_selector("body.lost")
        assert "NOTHING HEARD" in page.inner_text("#lost")
        page.keyboard.press("Space")
        page.wait_for_selector("#stop.silent")
        text_of(page, "stop-said", "EMERGENCY BUTTON")
    page.wait_for_selector("body:not(.lost)")
    page.wait_for_selector("#state.FAULTED")  # the stop that was under way


def test_pictures_and_states_that_stand_still_are_shown_as_old(page: Any, console: Console) -> None:
    assert page.evaluate("document.getElementById('front').naturalWidth") == 160
    console.nodes.mute |= {"front", "arm"}
    page.wait_for_selector("[data-part=front].old")
    page.wait_for_selector("[data-part=arm].old")
    text_of(page, "obstacles", "nothing is heard of the arm")
    assert page.is_visible("[data-part=joints]:not(.old)")
    assert "never seen" in page.inner_text("[data-part=wrist] .age")


def test_two_pages_see_the_same_and_closing_one_changes_nothing(
    page: Any, console: Console
) -> None:
    other = console.open(PHONE)
    other.click("#pause")
    for one in (page, other):
        text_of(one, "pause", "Go on")
        text_of(one, "log", ": pause")
    other.close()
    text_of(page, "link", "1 page")
    assert console.nodes.status.speed_scaling == 0
    page.click("#pause")
    text_of(page, "pause", "Pause")


def test_what_is_absent_is_said_to_be(page: Any) -> None:
    text_of(page, "record", "no recorder on the graph")
    assert not page.is_visible("[data-do=record_start]")
    assert not page.is_visible("[data-do=judge]")


def test_a_recorder_has_its_buttons_and_figures_while_it_is_on_the_graph(
    page: Any, console: Console
) -> None:
    console.nodes.record()
    page.wait_for_selector("[data-do=record_start]")
    text_of(page, "recorded", "recording, episodes: 3, rate: 10.0 Hz")
    page.click("[data-do=record_discard]")
    text_of(page, "done", "record/discard did it")
    assert console.nodes.called[-1][0] == "record/discard"
    for name, success in (("Failure", False), ("Success", True)):
        page.click(f"#record button:text('{name}')")
        text_of(page, "done", "record/stop did it")
        text_of(page, "log", f"keep the episode as a {name.lower()}")
        assert console.nodes.called[-1] == ("record/stop", {"data": success})
    console.nodes.record(False)
    page.wait_for_selector("[data-do=record_start]", state="hidden")


def test_the_arm_can_be_turned(page: Any) -> None:
    before = page.evaluate("document.getElementById('view').toDataURL()")
    assert len(before) > 2000
    page.mouse.move(300, 500)
    page.mouse.down()
    page.mouse.move(400, 520)
    page.mouse.up()
    assert page.evaluate("document.getElementById('view').toDataURL()") != before


@pytest.mark.parametrize("size", [DESKTOP, PHONE, SMALL_PHONE])
def test_stop_is_in_reach_on_every_screen_and_nothing_lies_outside(
    console: Console, size: dict[str, int]
) -> None:
    page = console.open(size)
    for where in ("0", "document.body.scrollHeight"):
        page.evaluate(f"scrollTo(0, {where})")
        box = page.locator("#stop").bounding_box()
        assert box["y"] + box["height"] <= size["height"] and box["y"] >= 0
        assert box["width"] >= 200 and box["height"] >= 60
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert "no emergency stop" in page.inner_text("#no-estop")
    page.close()
