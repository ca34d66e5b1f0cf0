from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from playwright.sync_api import Browser
from starlette.testclient import TestClient

from tests.consent.people import COMPANY, granted, institution, officer
from tests.portal.conftest import CSRF
from tests.portal.live import Live
from xinqiao.account.actor import Actor
from xinqiao.consent import supply
from xinqiao.consent.access import permit
from xinqiao.consent.uses import set_price
from xinqiao.db.database import SYSTEM, Database, new_id
from xinqiao.kernel.clock import today

Clients = Callable[[Actor | None], TestClient]
PAGES = ("/holder", "/holder/contracts/power_month", "/holder/deliveries", "/holder/uses", "/holder/bills")
GOOD = "company_id,meter_no,month,kwh,known_on\nA1,M1,2026-01-01,1200,2026-02-03\n"
BAD = GOOD + "A1,M1,2026-02-01,-5,2026-03-03\nA1,M1,not a month,7,2026-03-03\n"


def steward(holder: UUID) -> Actor:
    return Actor("holder", frozenset({"holder.steward"}), "数据员甲", person=new_id(), institution=holder)


@pytest.fixture
def holder(database: Database) -> UUID:
    made = institution(database, "holder")
    with database.transaction(SYSTEM) as tx:
        supply.agree(
            tx,
            made,
            ["ELE"],
            begins_on=date(2026, 1, 1),
            ends_on=today() + timedelta(days=200),
            duties="电网企业保证来源合法、数据准确",
        )
        set_price(tx, made, "ELE", date(2026, 1, 1), Decimal("0.30"))
    return made


def deliver(client: TestClient, text: str, contract: str = "power_month") -> str:
    form = {"csrf": CSRF, "once": str(new_id()), "contract_id": contract}
    answer = client.post("/holder/deliveries", data=form, files={"file": ("power.csv", text.encode())})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_a_delivery_is_read_and_bad_rows_are_shown(client_as: Clients, holder: UUID) -> None:
    client = client_as(steward(holder))
    page = client.get(deliver(client, BAD)).text
    assert "not a month" in page
    assert "已有，未变" not in client.get("/holder/deliveries").text
    deliver(client, BAD)
    assert "已有，未变" in client.get("/holder/deliveries").text


def test_B04_nothing_is_taken_in_without_an_agreement_in_force(  # noqa: N802 - the requirement's id
    client_as: Clients, database: Database
) -> None:
    lapsed = institution(database, "holder")
    with database.transaction(SYSTEM) as tx:
        dates = {"begins_on": date(2020, 1, 1), "ends_on": today() - timedelta(days=1)}
        supply.agree(tx, lapsed, ["ELE"], duties="-", **dates)
    form = {"csrf": CSRF, "once": str(new_id()), "contract_id": "power_month"}
    answer = client_as(steward(lapsed)).post("/holder/deliveries", data=form, files={"file": ("a.csv", b"x")})
    assert answer.status_code == 403
    assert "CST-AGREEMENT-FORBIDDEN" in answer.text


def test_another_holder_sees_no_delivery(client_as: Clients, database: Database, holder: UUID) -> None:
    location = deliver(client_as(steward(holder)), GOOD)
    other = client_as(steward(institution(database, "holder")))
    assert other.get(location).status_code == 404
    assert "power.csv" not in other.get("/holder/deliveries").text


def test_uses_and_bills_count_reads_without_names(
    client_as: Clients, database: Database, holder: UUID
) -> None:
    bank = institution(database)
    granted(database, bank, data_sets=["ELE", "SCORE"])
    with database.transaction(officer(bank).scope) as tx:
        for _ in range(4):
            permit(tx, officer(bank), COMPANY, "credit_decision")
    client = client_as(steward(holder))
    uses, bills = client.get("/holder/uses").text, client.get("/holder/bills").text
    assert ">4<" in uses
    assert "1.20" in bills
    assert COMPANY not in uses + bills


def test_a_program_delivers_by_api(client_as: Clients, holder: UUID) -> None:
    program = Actor("holder", frozenset({"api.holder"}), "电网程序", institution=holder, client="c-1")
    client, sent = client_as(program), {"Idempotency-Key": "d-1"}
    for _ in range(2):
        answer = client.post(
            "/api/v1/deliveries",
            data={"contract": "power_month"},
            files={"file": ("p.csv", GOOD.encode())},
            headers=sent,
        )
        assert answer.status_code == 201, answer.text
        assert answer.json()["rows_kept"] == 1
        assert answer.json()["already"] is False


def test_pages_in_a_browser(live: Live, browser: Browser, client_as: Clients, holder: UUID) -> None:
    actor = steward(holder)
    location = deliver(client_as(actor), BAD)
    with live.page(browser, actor) as page:
        for path in (*PAGES, location):
            page.goto(path)
            name = "holder-" + path.split("/")[2] if path.count("/") > 1 else "holder"
            assert live.look(page, name) == [], path
