"""The server of browser tests itself, and the pages that are always there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.portal.live import DESK, PHONE, Live, faults

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_a_wrong_address_is_told_on_a_page_without_faults(live: Live, browser: Browser) -> None:
    with live.page(browser) as page:
        page.goto("/nowhere")
        assert "API-NOT-FOUND" in page.content()
        assert live.look(page, "absent") == []
    assert all("404" in line for line in live.told)  # the browser itself tells of the status
    live.told.clear()


def test_faults_are_found(live: Live, browser: Browser) -> None:
    with live.page(browser) as page:
        style = "<style>@media (max-width: 600px) { button { display: none } }</style>"
        body = "<main><img src='/static/none.png'><div style='width:3000px'>x</div><button>Go</button></main>"
        html = f"<head>{style}</head>{body}"
        page.route("**/wrong", lambda route: route.fulfill(body=html, content_type="text/html"))
        page.goto("/wrong")
        found = " ".join(faults(page))
        both = faults(page, DESK, PHONE)
    assert "image-alt" in found
    assert "wide" in found
    assert [fault for fault in both if "not at every width" in fault] == [
        "not at every width: <button>Go</button>"
    ]
    live.told.clear()
