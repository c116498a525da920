"""A real browser without a window, for tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

TIMEOUT = 60_000
"""For a busy computer, ms."""

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
SMALL_PHONE = {"width": 320, "height": 568}
NAMES = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome", "chrome")


@contextmanager
def chromium() -> Iterator[Any]:
    """Chromium, driven by playwright; skips the test where either is missing."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        found = next(filter(None, map(shutil.which, NAMES)), own if os.path.exists(own) else None)
        if found is None:
            pytest.skip(
                "there is no Chromium: apt-get install chromium, or `playwright install chromium`"
            )
        # Its sandbox refuses to run as root; it sees no page but ours.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=found, args=options)
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser: Any, url: str, size: dict[str, int], errors: list[Any]) -> Any:
    """A page that has its first state; what goes wrong in it comes to `errors`."""
    page = browser.new_page(viewport=size)
    page.set_default_timeout(TIMEOUT)
    page.on("pageerror", lambda error: errors.append(error))
    page.goto(url)
    page.wait_for_selector("body:not(.lost)")
    return page


def text_of(page: Any, name: str, contains: str) -> None:
    """Wait for a text in an element."""
    script = "([id, text]) => document.getElementById(id).textContent.includes(text)"
    page.wait_for_function(script, arg=[name, contains])
