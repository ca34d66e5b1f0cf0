"""The application behind a real server, for tests in a real browser, and what every page must stand.

def test_my_page(live: Live, browser: Any) -> None:
    with live.page(browser, actor, width=PHONE) as page:
        page.goto("/bank")
        assert faults(page) == []
        live.shot(page, "bank")
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from fastapi import FastAPI

from xinqiao.account.actor import Actor

if TYPE_CHECKING:  # optional at run time: without playwright these tests are skipped
    from playwright.sync_api import Browser, Locator, Page, ViewportSize

DESK, PHONE = 1280, 390
BOTH = pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
"""Runs a test at both widths: one whose page changes when clicked. All others: Live.look."""


@dataclass
class Live:
    """A running server. ``told``: what the browser's console said (a broken CSP shows there)."""

    url: str
    sign: Callable[[Actor], str]
    told: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def page(
        self, browser: Browser, actor: Actor | None = None, *, width: int = DESK, script: bool = False
    ) -> Iterator[Page]:
        """A page signed in as ``actor`` by the test's authenticator (None: a visitor).

        Scripts are off unless asked for: every page must work without.
        """
        headers = {} if actor is None else {"x-test-actor": self.sign(actor)}
        context = browser.new_context(
            viewport=_window(width),
            base_url=self.url,
            extra_http_headers=headers,
            java_script_enabled=script,
        )
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: self.told.append(f"{page.url}: {message.text}"))
        page.on("pageerror", lambda error: self.told.append(f"{page.url}: {error}"))
        try:
            yield page
        finally:
            context.close()

    def shot(self, page: Page, name: str) -> None:
        """A screenshot of the whole page for people, where XINQIAO_SHOTS names a folder for them."""
        if folder := os.environ.get("XINQIAO_SHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            path = Path(folder) / f"{name}-{page.viewport_size['width']}.png"
            page.screenshot(path=str(path), full_page=True)

    def look(self, page: Page, name: str) -> list[str]:
        """``faults`` of a page at both widths, a screenshot of each; it is loaded once.

        What can be pressed or filled at one width can be at the other: people click at one of them.
        """
        own = page.viewport_size
        for width in (PHONE, DESK) if "XINQIAO_SHOTS" in os.environ else ():
            page.set_viewport_size(_window(width))
            self.shot(page, name)
        page.set_viewport_size(own)
        return faults(page, DESK, PHONE)


def press(what: Locator) -> None:
    """Click what leads to a page and wait until that page is there: a click alone does not wait."""
    with what.page.expect_navigation():
        what.click()


def _window(width: int) -> ViewportSize:
    return {"width": width, "height": 800 if width == PHONE else 900}


def faults(page: Page, *widths: int) -> list[str]:
    """Serious accessibility faults (axe) and what sticks out of the window: none is acceptable.

    ``widths``: of windows to look at it in; the page's own where there are none.
    """
    answers = _axe(page, widths or (page.viewport_size["width"],))
    found = [fault for answer in answers for fault in _told(answer)]
    seen = [set(answer["controls"]) for answer in answers]
    hidden = set.union(*seen) - set.intersection(*seen)
    return found + [f"not at every width: {control}" for control in sorted(hidden)]


def _told(answer: dict[str, Any]) -> Iterator[str]:
    for v in answer["violations"]:
        if v["impact"] in ("serious", "critical"):
            yield f"{v['id']}: {v['help']}: {[n['html'][:120] for n in v['nodes'][:3]]}"
    for text in answer["out"]:
        yield f"sticks out at {answer['width']}: {text}"


def _axe(page: Page, widths: tuple[int, ...]) -> list[dict[str, Any]]:
    """Run axe on a copy of the page as it stands: the page's scripts are off, a POST loads only once."""
    copy, url = _copies(page), page.url
    html = page.content().replace("<head>", f'<head><base href="{url}">', 1)
    copy.set_viewport_size(_window(widths[0]))
    copy.goto("about:blank")  # from one place of a page to another nothing would be loaded
    copy.route(url, lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
    try:
        copy.goto(url)
        answers = []
        for width in widths:
            copy.set_viewport_size(_window(width))
            violations = copy.evaluate(_AXE)
            told = {"out": copy.evaluate(_SPILLED), "controls": copy.evaluate(_CONTROLS)}
            answers.append({"width": width, "violations": violations} | told)
        return answers
    finally:
        copy.unroute(url)


_COPIES: dict[Browser, Page] = {}


def _copies(page: Page) -> Page:
    """The browser's page for copies: always the same one, since a new one begins cold and costs seconds."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - optional

    browser = page.context.browser
    if browser not in _COPIES:
        _COPIES[browser] = browser.new_page(bypass_csp=True)
        _COPIES[browser].add_init_script(f"if (location.href != 'about:blank') {{ {Axe().axe_script} }}")
    return _COPIES[browser]


_AXE = "axe.run({resultTypes: ['violations']}).then(found => found.violations)"
_CONTROLS = """[...document.querySelectorAll('main :is(a[href], button, input, select, textarea, summary)')]
  .filter(e => e.getClientRects().length).map(e => e.outerHTML.slice(0, 120))"""
_SPILLED = """[
  ...[document.documentElement.scrollWidth].filter(w => w > innerWidth + 1).map(w => `the page is ${w} wide`),
  ...[...document.querySelectorAll('td, th, dd, dt, h1, h2, p, li, label, button, input, select, .badge')]
  .filter(e => e.getClientRects().length && !e.closest('.scroll, nav, .hide, .skip') && !e.closest('thead'))
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
  .map(e => (e.textContent || e.outerHTML).trim().slice(0, 60))]"""


@contextlib.contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """``app`` behind uvicorn in a thread; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    end = time.monotonic() + 20
    while not server.started and time.monotonic() < end:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
