"""Pages of a bank's days: bulk measures, day-end, reconciliation and the rates of the allowance."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from tests.portal.conftest import CSRF
from tests.portal.live import Live, press
from tests.servicing.lent import START, Books, books
from tests.servicing.people import known
from xinqiao.account.actor import Actor
from xinqiao.db.database import Database, new_token
from xinqiao.servicing import bulk_work, day_end

if TYPE_CHECKING:
    from httpx2 import Response
    from playwright.sync_api import Browser

Clients = Callable[[Actor | None], TestClient]
BULK = "/bank/bulk-actions"


@pytest.fixture
def lent(database: Database) -> tuple[Books, UUID]:
    """A bank with a loan of 100,000."""
    bank = known(books(database))
    return bank, bank.draw(bank.facility())


def send(client: TestClient, path: str, **told: object) -> Response:
    files = {"file": told.pop("file")} if "file" in told else None
    form = {"csrf": CSRF, "once": new_token(), **{k: str(v) for k, v in told.items()}}
    return client.post(path, data=form, files=files)  # type: ignore[arg-type] # bytes with a name


def _proposed(client: TestClient) -> str:
    asked = urlencode({"kind": "defer", "months": "3", "interest": "accrues", "cls": "normal"})
    page = client.get(f"{BULK}/preview?{asked}")
    assert page.status_code == 200, page.text
    seen = re.search(r'name="seen" value="([^"]+)"', page.text)
    assert seen is not None
    made = send(client, BULK, title="洪水影响企业延期 flood", asked=asked, seen=seen[1])
    assert made.status_code == 303, made.text
    return str(made.headers["location"])


def test_a_bulk_deferral_takes_two_people_and_is_undone_by_two(
    client_as: Clients, database: Database, lent: tuple[Books, UUID]
) -> None:
    bank, loan = lent
    officer, approver = client_as(bank.place.officer), client_as(bank.place.approver)
    before = bank.see(loan)
    at = _proposed(officer)
    assert bank.see(loan) == before
    assert send(officer, f"{at}/decide", outcome="approved").status_code == 403
    assert send(approver, f"{at}/decide", outcome="approved").status_code == 303
    bulk_work.execute(database, at.rsplit("/", 1)[1])
    deferred = bank.see(loan)
    assert deferred.matures_on > before.matures_on
    page = officer.get(at)
    assert "已执行" in page.text
    assert client_as(bank.place.approver).get(f"{at}/loans.csv").text.count("done") == 1
    assert send(officer, f"{at}/undo", reason="名单有误 wrong list").status_code == 303
    assert send(approver, f"{at}/undo/decide", outcome="approved").status_code == 303
    bulk_work.undo(database, at.rsplit("/", 1)[1])
    assert bank.see(loan).matures_on == before.matures_on
    assert "已撤销" in officer.get(BULK).text
    assert bank.faults() == []


def test_a_bulk_measure_is_withdrawn_before_anything_is_done(
    client_as: Clients, lent: tuple[Books, UUID]
) -> None:
    bank, _ = lent
    officer = client_as(bank.place.officer)
    at = _proposed(officer)
    assert send(officer, f"{at}/withdraw").status_code == 303
    decided = send(client_as(bank.place.approver), f"{at}/decide", outcome="approved")
    assert decided.status_code == 409
    assert "已撤回" in officer.get(at).text


@pytest.mark.parametrize("asked", [{"kind": "defer", "months": "0"}, {"kind": "rate_change", "rate": "x"}])
def test_a_measure_that_can_t_be_is_said_so(
    client_as: Clients, lent: tuple[Books, UUID], asked: dict[str, str]
) -> None:
    client = client_as(lent[0].place.officer)
    page = client.get(f"{BULK}/preview?{urlencode(asked)}")
    assert page.status_code == 400
    assert "SRV-BULK" in page.text


def test_the_day_is_closed_from_the_page(
    client_as: Clients, database: Database, lent: tuple[Books, UUID]
) -> None:
    bank, _ = lent
    approver = client_as(bank.place.approver)
    assert send(client_as(bank.place.officer), "/bank/day-end/close").status_code == 403
    assert send(approver, "/bank/day-end/close").status_code == 303
    day_end.close(database, str(bank.bank), str(START))
    page = approver.get("/bank/day-end")
    assert str(START + timedelta(days=1)) in page.text
    assert "100,000.00" in page.text


def test_rates_of_the_allowance_take_two_people(client_as: Clients, lent: tuple[Books, UUID]) -> None:
    bank, loan = lent
    officer, approver = client_as(bank.place.officer), client_as(bank.place.approver)
    told = {"normal": 2, "special_mention": 3, "substandard": 30, "doubtful": 60, "loss": 100}
    assert send(officer, "/bank/day-end/rates", since=START, **told | {"loss": 1}).status_code == 400
    assert send(officer, "/bank/day-end/rates", since=START, **told).status_code == 303
    waiting = re.search(r"/bank/day-end/rates/([0-9a-f-]{36})", approver.get("/bank/day-end").text)
    assert waiting is not None
    assert send(approver, waiting[0], outcome="approved").status_code == 303
    day_end.run(bank.database, bank.bank, START)
    assert bank.see(loan).allowance_cny == Decimal("2000.00")


def test_a_file_of_the_core_is_compared_and_differences_are_settled(
    client_as: Clients, lent: tuple[Books, UUID]
) -> None:
    bank, loan = lent
    officer = client_as(bank.place.officer)
    file = f"record,id,amount_cny,status\nbalance,{loan},99999.00,open\n".encode()
    assert send(officer, "/bank/reconciliation", day=START, file=("core.csv", file)).status_code == 303
    page = officer.get("/bank/reconciliation").text
    assert "金额不符" in page
    assert "本账有、核心无" in page, "the entry of the drawing"
    at = re.search(r"/bank/reconciliation/[0-9a-f-]{36}/settle", page)
    assert at is not None
    assert send(officer, at[0], words="").status_code == 400
    assert send(officer, at[0], words="核心晚记一天 booked a day later").status_code == 303
    assert send(officer, at[0], words="again").status_code == 409
    assert send(officer, "/bank/reconciliation", day=START, file=("x.csv", b"a,b\n1,2\n")).status_code == 400


def test_a_bulk_deferral_in_the_browser(live: Live, browser: Browser, lent: tuple[Books, UUID]) -> None:
    bank, loan = lent
    with live.page(browser, bank.place.officer) as page:
        page.goto(BULK)
        assert live.look(page, "bulk") == []
        page.fill("#f-months", "2")
        press(page.get_by_role("button", name="预览"))
        assert live.look(page, "bulk-preview") == []
        page.fill("#f-title", "春耕延期 spring")
        press(page.get_by_role("button", name="提交"))
        at = page.url
        assert live.look(page, "bulk-proposed") == []
    with live.page(browser, bank.place.approver) as page:
        page.goto(at)
        press(page.get_by_role("button", name="同意并办理"))
        bulk_work.execute(bank.database, at.rsplit("/", 1)[1])
        page.goto(at)
        assert "已执行" in page.content()
        assert live.look(page, "bulk-done") == []
        for path in ("/bank/day-end", "/bank/reconciliation"):
            page.goto(path)
            assert live.look(page, path.rsplit("/", 1)[1]) == []
    assert bank.see(loan).version == 2
