from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import Browser
from starlette.testclient import TestClient

from tests.consent.people import institution
from tests.lending.applying import town
from tests.portal.conftest import CSRF
from tests.portal.live import Live
from xinqiao.account.actor import Actor
from xinqiao.db.database import Database, new_id

Clients = Callable[[Actor | None], TestClient]
PAGE = "/institution/webhooks"


def admin(of: UUID) -> Actor:
    return Actor("bank", frozenset({"bank.admin"}), "管理员甲", person=new_id(), institution=of)


def form(**given: object) -> dict[str, object]:
    return {"csrf": CSRF, "once": str(new_id()), **given}


def test_an_endpoint_is_registered_and_its_secret_shown_once(client_as: Clients, database: Database) -> None:
    client = client_as(admin(institution(database)))
    told = client.post(PAGE, data=form(url="https://example.com/in", kinds=["grant.given"]))
    assert "whsec_" in client.get(told.headers["location"]).text
    page = client.get(PAGE).text
    assert "https://example.com/in" in page
    assert "whsec_" not in page
    assert (
        client.post(PAGE, data=form(url="https://u:p@example.com/", kinds=["grant.given"])).status_code == 400
    )


@pytest.mark.parametrize(
    "origin",
    [
        "http://example.com",
        "https://*",
        "https://a.example; script-src *",
        "https://a.example/x",
        "*",
        "https://a",
    ],
)
def test_what_may_not_embed(client_as: Clients, database: Database, origin: str) -> None:
    client = client_as(admin(institution(database)))
    answer = client.post(PAGE + "/sites", data={**form(name="x"), "origins": origin})
    assert answer.status_code == 400
    assert "API-EMBED" in answer.text


def test_only_registered_sites_may_frame_the_page(client_as: Clients, database: Database) -> None:
    client = client_as(admin(institution(database)))
    client.post(
        PAGE + "/sites", data=form(name="政务网", origins="https://gov.example https://m.gov.example")
    )
    site = client.get(PAGE).text.split("/embed/")[1][:36]
    page = client_as(None).get(f"/embed/{site}")
    assert page.headers["content-security-policy"].endswith(
        "frame-ancestors https://gov.example https://m.gov.example"
    )
    assert "frame-ancestors 'none'" in client_as(None).get("/developers").headers["content-security-policy"]
    client.post(f"{PAGE}/sites/{site}/end", data=form())
    assert client_as(None).get(f"/embed/{site}").status_code == 404


def test_pages_in_a_browser(live: Live, browser: Browser, client_as: Clients, database: Database) -> None:
    made = town(database)
    actor = admin(made.bank)
    client = client_as(actor)
    client.post(PAGE, data=form(url="https://example.com/in", kinds=["grant.given", "batch.done"]))
    client.post(PAGE + "/sites", data=form(name="政务网", origins="https://gov.example"))
    text = client.get(PAGE).text
    endpoint = text.split(PAGE + "/")[1][:36]
    assert client.post(f"{PAGE}/{endpoint}/ping", data=form()).status_code == 303
    site = text.split("/embed/")[1][:36]
    with live.page(browser, actor) as page:
        for path in ("/developers", PAGE, f"/embed/{site}"):
            page.goto(path)
            if path == "/developers":
                page.locator("summary").nth(3).click()
            assert live.look(page, path.strip("/").split("/")[0]) == [], path
