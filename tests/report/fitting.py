"""Whether a page of a report fits windows of desk and phone, in a real browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # optional at run time: without playwright these tests are skipped
    from playwright.sync_api import Browser

WIDTHS = (1280, 390, 320)
_SPILLED = """[...document.querySelectorAll('td, th, dd, dt, h1, h2, p, li, .badge')]
  .filter(e => e.getClientRects().length && !e.closest('.scroll') && !e.closest('thead'))
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
  .map(e => e.textContent.slice(0, 40))"""


def misfits(browser: Browser, file: Path) -> list[str]:
    """What sticks out of windows of ``WIDTHS``, and what the browser's console says; loaded once.

    Where XINQIAO_SHOTS names a folder, people find a picture of each in it.
    """
    page = browser.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if folder := os.environ.get("XINQIAO_SHOTS"):
            page.screenshot(path=f"{folder}/{file.stem}-{width}.png", full_page=True)
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            faults.append(f"the page is {wide} wide in {width}")
        faults += [f"sticks out at {width}: {text}" for text in page.evaluate(_SPILLED)]
    page.close()
    return faults
