"""Class, marks, debtor and write-off on the page of a loan: one proposes, another decides, no scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from tests.portal.conftest import CSRF
from tests.portal.enrolled import enrol
from tests.servicing.lent import START, Books, books
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database
from xinqiao.servicing import day_end, risk

Clients = Callable[[Actor | None], TestClient]
_ONCE = iter(range(10_000))


@pytest.fixture
def lent(database: Database) -> Books:
    made = books(database)
    enrol(database, made.bank, made.place.officer, made.place.approver, made.place.second)
    return made


@pytest.fixture
def loan(lent: Books) -> UUID:
    return lent.draw(lent.facility(), 120_000, months=12)


def send(client: TestClient, path: str, **form: str) -> Any:  # noqa: ANN401 - a Response
    return client.post(path, data={**form, "csrf": CSRF, "once": f"r{next(_ONCE)}"})


def decided(client: TestClient, loan: UUID, how: str = "approve", **form: str) -> None:
    """The one proposal on the page is decided."""
    page = client.get(f"/bank/loans/{loan}").text
    (path,) = re.findall(rf'action="(/bank/loans/{loan}/risk/[0-9a-f-]+/{how})"', page)
    answer = send(client, path, **form)
    assert answer.status_code == 303, answer.text


def test_a_class_and_marks_are_set_by_two(lent: Books, loan: UUID, client_as: Clients) -> None:
    officer, second = client_as(lent.place.officer), client_as(lent.place.second)
    base = f"/bank/loans/{loan}"
    form = {"class": "special_mention", "impaired": "true", "loss_percent": "55", "words": "现场核查"}
    assert send(officer, f"{base}/risk/class", **form).status_code == 303
    assert lent.see(loan).class_ == "normal"
    assert "SRV-MEASURE-STATE" in send(officer, f"{base}/risk/class", **form).text
    shown = officer.get(base).text
    assert "须由另一人复核" in shown
    assert "预期信用损失占余额 55.00 %" in shown
    assert f"{base}/risk/" in second.get(base).text
    assert str(loan) in second.get("/bank/loans").text.split("待复核的风险认定")[1].split("</p>")[0]
    decided(second, loan)
    assert lent.see(loan).class_ == "doubtful", "half the balance is lost"
    page = officer.get(base).text
    assert 'name="impaired" value="true" checked' in page
    assert 'value="55.0"' in page
    # sent without the ticks the marks go; the class that people set stays the floor
    assert send(officer, f"{base}/risk/class", words="查明", **{"class": "substandard"}).status_code == 303
    decided(second, loan)
    with lent.database.transaction(SYSTEM) as tx:
        assert risk.judgement(tx, loan) == risk.Told("substandard", able=False, marks={})
    assert lent.faults() == []


def test_nobody_decides_his_own_and_a_no_needs_a_reason(lent: Books, loan: UUID, client_as: Clients) -> None:
    both, second, base = client_as(lent.place.approver), client_as(lent.place.second), f"/bank/loans/{loan}"
    assert send(both, f"{base}/risk/class", words="核查", **{"class": "loss"}).status_code == 303
    with lent.database.transaction(SYSTEM) as tx:
        (waiting,) = risk.waiting(tx, lent.bank)
    path = f"{base}/risk/{waiting.id}"
    assert "ACC-APPROVAL-ABSENT" in send(second, f"{base}/measures/{waiting.id}/approve").text
    assert "ACC-SAME-FORBIDDEN" in send(both, f"{path}/approve").text
    assert "SRV-REASON" in send(second, f"{path}/refuse").text
    assert send(client_as(lent.place.officer), f"{path}/approve").status_code == 403
    decided(second, loan, "refuse", reason="依据不足")
    assert lent.see(loan).class_ == "normal"
    assert "ACC-APPROVAL-ABSENT" in send(second, f"{path}/approve").text


def test_a_debtor_is_judged_by_what_two_people_know_of_it(
    lent: Books, loan: UUID, client_as: Clients
) -> None:
    officer, second, base = client_as(lent.place.officer), client_as(lent.place.second), f"/bank/loans/{loan}"
    assert "SRV-REASON" in send(officer, f"{base}/risk/debtor", overdue_percent="21").text
    form = {"source": "企业信用报告", "overdue_percent": "21"}
    assert send(officer, f"{base}/risk/debtor", **form).status_code == 303
    day_end.run(lent.database, lent.bank, START)
    assert lent.see(loan).class_ == "normal"
    decided(second, loan)
    day_end.run(lent.database, lent.bank, START + timedelta(days=1))
    assert lent.see(loan).class_ == "substandard"
    page = officer.get(base).text
    assert "企业信用报告" in page
    assert 'value="21.0"' in page


def test_a_write_off_shows_what_it_books_and_books_that(lent: Books, loan: UUID, client_as: Clients) -> None:
    officer, second, base = client_as(lent.place.officer), client_as(lent.place.second), f"/bank/loans/{loan}"
    assert "只有未结清的不良贷款可以核销" in officer.get(f"{base}/write-off").text
    assert "SRV-WRITE-OFF-STATE" in send(officer, f"{base}/write-off", words="无法收回").text
    assert send(officer, f"{base}/risk/class", words="无法收回", **{"class": "loss"}).status_code == 303
    decided(second, loan)
    lent.day(START + timedelta(days=10))
    page = officer.get(f"{base}/write-off").text
    cells = re.findall(r'class="n"[^>]*>([−-]?[\d,]+\.\d\d)<', page)
    told = [Decimal(each.replace(",", "").replace("−", "-")) for each in cells]
    assert sum(told) == 0
    assert Decimal("-120000.00") in told
    assert send(officer, f"{base}/write-off", words="无法收回").status_code == 303
    assert "将记的分录" in second.get(base).text
    decided(second, loan)
    row = lent.see(loan)
    assert row.state == "written_off"
    with lent.database.transaction(SYSTEM) as tx:
        booked = tx.execute(
            "SELECT l.amount_cny AS n FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id "
            "WHERE e.loan_id = %s AND e.seq = %s",
            [loan, row.version],
        ).fetchall()
    assert sorted(each["n"] for each in booked) == sorted(told)
    assert "风险认定" not in officer.get(base).text
    assert lent.faults() == []
