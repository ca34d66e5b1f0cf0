"""Loans on the pages of company and bank: drawing, repaying, deferrals, measures by two people, limits."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from starlette.testclient import TestClient

from tests.portal.conftest import CSRF
from tests.portal.enrolled import enrol
from tests.servicing.lent import START, Books, books
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.clock import now
from xinqiao.lending import statistics
from xinqiao.servicing import deferral

Clients = Callable[[Actor | None], TestClient]
_ONCE = iter(range(10_000))


@pytest.fixture
def lent(database: Database) -> Books:
    made = books(database)
    enrol(database, made.bank, made.place.officer, made.place.approver, made.place.second)
    return made


def send(client: TestClient, path: str, **form: str) -> Any:  # noqa: ANN401 - a Response
    return client.post(path, data={**form, "csrf": CSRF, "once": f"k{next(_ONCE)}"})


def the_loan(database: Database) -> UUID:
    with database.transaction(SYSTEM) as tx:
        row = tx.execute("SELECT id FROM loan").fetchone()
    assert row is not None
    return UUID(str(row["id"]))


def test_a_company_sees_what_a_drawing_costs_and_draws(lent: Books, client_as: Clients) -> None:
    facility, firm = lent.facility(), client_as(lent.place.agent)
    listed = firm.get("/enterprise/loans").text
    assert f"/enterprise/loans/facilities/{facility}" in listed
    told = firm.get(f"/enterprise/loans/facilities/{facility}?amount=100000&months=6").text
    assert "综合年化成本" in told
    assert told.count("2026-") >= 6
    refused = send(firm, f"/enterprise/loans/facilities/{facility}/draw", amount="100000", months="6")
    assert refused.status_code == 400
    answer = send(
        firm,
        f"/enterprise/loans/facilities/{facility}/draw",
        amount="100000",
        months="6",
        purpose="stock",
        agreed="yes",
    )
    assert answer.status_code == 303, answer.text
    assert "100,000.00" in firm.get(answer.headers["location"]).text
    assert lent.faults() == []


def test_what_a_drawing_is_for_is_asked_shown_and_kept(lent: Books, client_as: Clients) -> None:
    facility, firm = lent.facility(), client_as(lent.place.agent)
    path = f"/enterprise/loans/facilities/{facility}"
    page = firm.get(f"{path}?amount=100000&months=6").text
    assert 'value="stock"' in page
    assert 'value="real_estate"' not in page
    form = {"amount": "100000", "months": "6", "agreed": "yes"}
    refused = send(firm, f"{path}/draw", **form, purpose="real_estate")
    assert refused.status_code == 400
    assert "SRV-PURPOSE" in refused.text
    assert "综合年化成本" in refused.text
    loan = send(firm, f"{path}/draw", **form, purpose="stock").headers["location"].rsplit("/", 1)[1]
    for client, side in ((firm, "enterprise"), (client_as(lent.place.officer), "bank")):
        assert "采购原料和存货" in client.get(f"/{side}/loans/{loan}").text


def test_too_much_is_refused_on_the_page_with_what_is_left(lent: Books, client_as: Clients) -> None:
    facility, firm = lent.facility(), client_as(lent.place.agent)
    lent.draw(facility, 150_000)
    answer = send(
        firm,
        f"/enterprise/loans/facilities/{facility}/draw",
        amount="100000",
        months="6",
        purpose="stock",
        agreed="yes",
    )
    assert answer.status_code == 400
    assert "SRV-LIMIT-STATE" in answer.text


def test_repaying_early_shows_what_it_saves_and_the_quote_settles(lent: Books, client_as: Clients) -> None:
    loan = lent.draw(lent.facility(), 120_000, months=12)
    lent.day(START + timedelta(days=10))
    firm = client_as(lent.place.agent)
    page = firm.get(f"/enterprise/loans/{loan}/repay?amount=50000&early=shorter").text
    assert "节省利息" in page
    assert send(firm, f"/enterprise/loans/{loan}/repay", amount="50000", early="shorter").status_code == 303
    assert lent.see(loan).principal_cny < Decimal(120_000)
    assert send(firm, f"/enterprise/loans/{loan}/settle").status_code == 400
    assert send(firm, f"/enterprise/loans/{loan}/settle", agreed="yes").status_code == 303
    assert lent.see(loan).state == "closed"
    assert lent.faults() == []


def test_a_company_asks_for_a_deferral_and_two_people_grant_it(lent: Books, client_as: Clients) -> None:
    loan = lent.draw(lent.facility(), 120_000, months=12)
    firm, officer = client_as(lent.place.agent), client_as(lent.place.officer)
    due = lent.see(loan).next_due
    assert send(firm, f"/enterprise/loans/{loan}/deferral", months="3", why="订单延迟").status_code == 303
    assert (
        "SRV-DEFERRAL-STATE" in send(firm, f"/enterprise/loans/{loan}/deferral", months="3", why="再次").text
    )
    page = officer.get(f"/bank/loans/{loan}").text
    request = page.split('name="request" value="')[1].split('"')[0]
    form = {"kind": "defer", "months": "3", "interest": "accrues", "reason": "订单属实", "request": request}
    assert send(officer, f"/bank/loans/{loan}/measures", **form).status_code == 303
    assert "SRV-MEASURE-STATE" in send(officer, f"/bank/loans/{loan}/measures", **form).text
    approver = client_as(lent.place.approver)
    page = approver.get(f"/bank/loans/{loan}").text
    path = page.split(f'action="/bank/loans/{loan}/measures/')[1].split('"')[0]
    assert path.endswith("/approve")
    assert send(approver, f"/bank/loans/{loan}/measures/{path}").status_code == 303
    assert due is not None
    assert (lent.see(loan).next_due or due) > due + timedelta(days=80)
    with lent.database.transaction(SYSTEM) as tx:
        told = tx.execute("SELECT 1 FROM evidence_entry WHERE kind = 'contract'").fetchall()
    assert len(told) == 1
    assert "已同意" in firm.get(f"/enterprise/loans/{loan}").text
    assert lent.faults() == []


def test_a_company_takes_its_question_back_and_cannot_answer_it(lent: Books, client_as: Clients) -> None:
    loan, firm = lent.draw(lent.facility(), 120_000, months=12), client_as(lent.place.agent)
    agent = lent.place.agent
    with lent.database.transaction(agent.scope) as tx:
        asked = deferral.ask(tx, agent, loan, 2, "订单延迟")
    with pytest.raises(psycopg.Error, match="only the bank"), lent.database.transaction(agent.scope) as tx:
        deferral.answer(tx, asked, "granted")
    assert send(firm, f"/enterprise/loans/{loan}/deferral/{asked}/withdraw").status_code == 303
    with lent.database.transaction(agent.scope) as tx:
        again = deferral.ask(tx, agent, loan, 3, "再次申请")
    officer = client_as(lent.place.officer)
    assert "SRV-REASON" in send(officer, f"/bank/loans/{loan}/deferral/{again}/refuse").text
    assert send(officer, f"/bank/loans/{loan}/deferral/{again}/refuse", words="资料不全").status_code == 303
    assert "资料不全" in firm.get(f"/enterprise/loans/{loan}").text


def test_nobody_decides_what_he_proposed(lent: Books, client_as: Clients) -> None:
    loan = lent.draw(lent.facility(), 120_000, months=12)
    both = client_as(lent.place.approver)  # officer and approver
    form = {"kind": "rate_change", "rate_percent": "3.9", "reason": "优惠"}
    assert send(both, f"/bank/loans/{loan}/measures", **form).status_code == 303
    assert "须由另一人复核" in both.get(f"/bank/loans/{loan}").text
    with lent.database.transaction(SYSTEM) as tx:
        row = tx.execute("SELECT id FROM approval").fetchone()
    assert row is not None
    answer = send(both, f"/bank/loans/{loan}/measures/{row['id']}/approve")
    assert "ACC-SAME-FORBIDDEN" in answer.text
    second = client_as(lent.place.second)
    assert send(second, f"/bank/loans/{loan}/measures/{row['id']}/approve").status_code == 303
    assert lent.see(loan).rate == Decimal("0.039")


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "waive", "part": "interest", "amount": "5"},
        {"kind": "extend_term", "extra": "3"},
        {"kind": "renew", "rate_percent": "4.5", "count": "12", "way": "equal_instalment"},
        {"kind": "restructure", "rate_percent": "4.5", "count": "24", "way": "equal_principal"},
        {"kind": "interest_free", "until": "2026-04-30"},
        {"kind": "reverse", "seq": "2"},
    ],
    ids=lambda form: form["kind"],
)
def test_every_measure_of_the_page_can_be_carried_out(
    lent: Books, client_as: Clients, form: dict[str, str]
) -> None:
    loan = lent.draw(lent.facility(), 120_000, months=12)
    lent.day(START + timedelta(days=20))
    lent.repay(loan, 1000)
    officer, second = client_as(lent.place.officer), client_as(lent.place.second)
    answer = send(officer, f"/bank/loans/{loan}/measures", reason="示范", **form)
    assert answer.status_code == 303, answer.text
    page = second.get(f"/bank/loans/{loan}").text
    path = page.split(f'action="/bank/loans/{loan}/measures/')[1].split('"')[0]
    answer = send(second, f"/bank/loans/{loan}/measures/{path}")
    assert answer.status_code == 303, answer.text
    assert second.get(f"/bank/loans/{loan}").status_code == 200
    assert lent.faults() == []


def test_the_book_is_filtered_and_a_repayment_booked(lent: Books, client_as: Clients) -> None:
    loan = lent.draw(lent.facility(), 120_000, months=12)
    officer = client_as(lent.place.officer)
    assert str(loan) in officer.get("/bank/loans").text
    assert str(loan) not in officer.get("/bank/loans?view=overdue").text
    assert str(loan) not in officer.get("/bank/loans?class=loss").text
    assert send(officer, f"/bank/loans/{loan}/repayments", amount="5000", early="next").status_code == 303
    assert "5,000.00" in officer.get(f"/bank/loans/{loan}").text


def test_limits_are_shown_as_bars_and_set_by_two(lent: Books, client_as: Clients) -> None:
    lent.draw(lent.facility(), 120_000, months=12)
    officer, second = client_as(lent.place.officer), client_as(lent.place.second)
    assert "120,000.00" in officer.get("/bank/limits").text
    form = {"kind": "company", "key": str(lent.place.agent.company), "limit_wan": "100"}
    assert send(officer, "/bank/limits", **form).status_code == 303
    path = second.get("/bank/limits").text.split('action="/bank/limits/')[1].split('"')[0]
    assert send(second, f"/bank/limits/{path}").status_code == 303
    assert "1,000,000.00" in second.get("/bank/limits").text


def test_the_pay_out_is_in_the_operators_figures(lent: Books) -> None:
    facility, since = lent.facility(), now() - timedelta(days=2)
    with lent.database.transaction(SYSTEM) as tx:
        (before,) = statistics.cases(tx, since)
    lent.draw(facility, 50_000)
    with lent.database.transaction(SYSTEM) as tx:
        (after,) = statistics.cases(tx, since)
    assert before.paid_at is None
    assert after.paid_at is not None
    many = [replace(after, company_id=f"c{i}") for i in range(6)]
    stage = statistics.funnel(many)[-1]
    assert (stage.name, stage.figure.count) == ("paid_out", 5)


def test_a_frozen_facility_cannot_be_drawn(lent: Books, client_as: Clients) -> None:
    facility = lent.facility()
    second, firm = client_as(lent.place.second), client_as(lent.place.agent)
    assert send(second, f"/bank/facilities/{facility}/freeze", why="核查用途").status_code == 303
    answer = send(
        firm,
        f"/enterprise/loans/facilities/{facility}/draw",
        amount="1000",
        months="6",
        purpose="stock",
        agreed="yes",
    )
    assert "SRV-FACILITY-STATE" in answer.text
    assert send(second, f"/bank/facilities/{facility}/unfreeze", why="已核查").status_code == 303


def test_statements_add_up(lent: Books, client_as: Clients) -> None:
    loan = lent.draw(lent.facility(), 120_000, months=12)
    lent.day(START + timedelta(days=31))
    lent.repay(loan, 3000)
    firm, officer = client_as(lent.place.agent), client_as(lent.place.officer)
    assert firm.get(f"/enterprise/loans/{loan}/statement").status_code == 200
    assert officer.get(f"/bank/loans/{loan}/statement").status_code == 200
    for client, side in ((firm, "enterprise"), (officer, "bank")):
        assert client.get(f"/{side}/loans/{loan}/statement.pdf").content.startswith(b"%PDF-")
    text = firm.get(f"/enterprise/loans/{loan}/statement.csv").content.decode("utf-8-sig")
    rows = list(csv.reader(text.splitlines()))
    owed = sum(Decimal(line[2] or 0) - Decimal(line[3] or 0) for line in rows[2:-1])
    row = lent.see(loan)
    total = row.principal_cny + row.interest_cny + row.penalty_cny + row.fee_cny - row.credit_cny
    assert owed == Decimal(rows[-1][4]) == total
