"""The server of browser tests itself, and the pages that are always there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.portal.live import BOTH, Live, faults

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@BOTH
def test_a_wrong_address_is_told_on_a_page_without_faults(live: Live, browser: Browser, width: int) -> None:
    with live.page(browser, width=width) as page:
        page.goto("/nowhere")
        live.shot(page, "absent")
        assert "API-NOT-FOUND" in page.content()
        assert faults(page) == []
    assert all("404" in line for line in live.told)  # the browser itself tells of the status
    live.told.clear()


def test_faults_are_found(live: Live, browser: Browser) -> None:
    with live.page(browser) as page:
        body = "<head></head><main><img src='/static/none.png'><div style='width:3000px'>x</div></main>"
        page.route("**/wrong", lambda route: route.fulfill(body=body, content_type="text/html"))
        page.goto("/wrong")
        found = " ".join(faults(page))
    assert "image-alt" in found
    assert "wide" in found
    live.told.clear()
