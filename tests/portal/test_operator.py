from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser
from starlette.testclient import TestClient

from tests.account.test_webhook import a_bank
from tests.portal.applications import add_applications
from tests.portal.live import Live
from xinqiao.account.actor import Actor
from xinqiao.db.database import Database, new_id
from xinqiao.db.embedded import Access

Clients = Callable[[Actor | None], TestClient]
PAGES = ("/operator", "/operator/funnel", "/operator/lending", "/operator/coverage", "/operator/needs")
OPERATOR = Actor("operator", frozenset({"operator.admin"}), "运营甲", person=new_id(), institution=new_id())
REGULATOR = Actor(
    "regulator", frozenset({"regulator.viewer"}), "监管甲", person=new_id(), institution=new_id()
)
OFFICER = Actor("bank", frozenset({"bank.officer"}), "客户经理", person=new_id(), institution=new_id())


@pytest.mark.parametrize("page", PAGES)
def test_pages_open_for_operator_and_regulator_on_an_empty_platform(client_as: Clients, page: str) -> None:
    for actor in (OPERATOR, REGULATOR):
        assert client_as(actor).get(page).status_code == 200
    assert client_as(OFFICER).get(page).status_code == 403
    assert client_as(None).get(page).status_code == 303


def test_no_page_names_a_firm(client_as: Clients, database: Database, access: Access) -> None:
    bank = a_bank(database)
    assert bank.institution is not None
    states = add_applications(access.owner, database, bank.institution)
    client = client_as(REGULATOR)
    for page in PAGES:
        answer = client.get(page, params={"months": 24})
        assert answer.status_code == 200, answer.text
        for company in states:
            assert company not in answer.text
            assert f"示范企业{company[-4:]}" not in answer.text


def test_the_funnel_counts_what_happened(client_as: Clients, database: Database, access: Access) -> None:
    bank = a_bank(database)
    assert bank.institution is not None
    add_applications(access.owner, database, bank.institution, firms=63)
    text = client_as(OPERATOR).get("/operator/funnel").text
    assert ">60<" in text
    assert "首贷户" in text
    assert "评分低于准入线" in client_as(OPERATOR).get("/operator/needs").text


def test_pages_in_a_browser(live: Live, browser: Browser, database: Database, access: Access) -> None:
    bank = a_bank(database)
    assert bank.institution is not None
    add_applications(access.owner, database, bank.institution, firms=240)
    with live.page(browser, OPERATOR) as page:
        for path in PAGES:
            page.goto(path)
            assert live.look(page, path.strip("/").replace("/", "-")) == [], path
