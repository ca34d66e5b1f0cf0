from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from tests.portal.bank import FIRM, MAN, OTHER, THIRD, Bank, bank
from tests.portal.live import BOTH, Live, faults
from xinqiao.account.actor import Actor
from xinqiao.consent import grants
from xinqiao.db.database import Database
from xinqiao.portal.tie_graph import looks
from xinqiao.portrait.credit_file import Edge

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Clients = Callable[[Actor | None], TestClient]


@pytest.fixture
def people(database: Database) -> Bank:
    return bank(database)


def test_a_portrait_under_the_grant_is_logged_and_marked(
    people: Bank, client_as: Clients, database: Database
) -> None:
    page = client_as(people.officer).get(f"/bank/companies/{FIRM}")
    assert page.status_code == 200
    for word in ("示范企业011A", "偿债能力", "证据记录", "近三年舆情", "申报与流水的收入偏差", "授权至"):
        assert word in page.text
    with database.transaction(people.officer.scope) as tx:
        logged = tx.execute("SELECT id, purpose FROM query_log").fetchall()
    assert [row["purpose"] for row in logged] == ["credit_decision"]
    assert str(logged[0]["id"])[-12:] in page.text


def test_without_a_grant_nothing_is_shown(people: Bank, client_as: Clients, database: Database) -> None:
    for actor, company in ((people.stranger, FIRM), (people.officer, OTHER)):
        page = client_as(actor).get(f"/bank/companies/{company}")
        assert page.status_code == 403
        assert "CST-FORBIDDEN" in page.text
        assert "违约概率" not in page.text
    with database.transaction(people.officer.scope) as tx:
        assert tx.execute("SELECT count(*) AS n FROM query_log").fetchone() == {"n": 0}
    assert client_as(people.editor).get(f"/bank/companies/{FIRM}").status_code == 403
    assert client_as(people.officer).get(f"/bank/companies/{FIRM}?purpose=marketing").status_code == 403


def test_a_revoked_grant_ends_the_next_look(people: Bank, client_as: Clients, database: Database) -> None:
    owner = Actor("enterprise", frozenset({"enterprise.agent"}), "张", people.officer.person, None, FIRM)
    client = client_as(people.officer)
    assert client.get(f"/bank/companies/{FIRM}?purpose=post_loan").status_code == 200
    with database.transaction(owner.scope) as tx:
        for grant in grants.of_company(tx, FIRM):
            grants.revoke(tx, owner, grant.id)
    assert client.get(f"/bank/companies/{FIRM}?purpose=post_loan").status_code == 403


@BOTH
def test_the_portrait_in_a_browser_without_scripts(
    people: Bank, live: Live, browser: Browser, width: int
) -> None:
    with live.page(browser, people.officer, width=width) as page:
        page.goto(f"/bank/companies/{FIRM}")
        live.shot(page, "portrait")
        assert page.locator(".ego.home").is_visible()
        page.locator(".ego.home td a", has_text="示范贸易").first.click()
        page.locator(".ego:target h3", has_text="示范贸易").wait_for()
        page.locator(".ego.home").wait_for(state="hidden")
        live.shot(page, "portrait-around")
        assert faults(page) == []
        page.goto(f"/bank/companies/{OTHER}")
        live.shot(page, "portrait-closed")
        assert faults(page) == []
        live.told.clear()  # the browser tells of the 403 itself


def test_ties_are_drawn_around_each_node_that_leads_on() -> None:
    edges = [Edge(source="A", target="B", kind="holding"), Edge(source="B", target=MAN, kind="odd")]
    drawn = looks(edges, {"A": "<甲>"}, "A")
    assert [a.id for a in drawn] == ["B", "A"]
    assert drawn[-1].ties[0].there == drawn[0].key
    assert "&lt;甲&gt;" in drawn[0].drawing
    assert drawn[0].ties[1].other.startswith("自然人")
    assert not drawn[0].ties[1].firm
    assert looks([], {}, THIRD)[0].ties == ()
