"""Loans over the API: what a bank's systems read, draw, repay and compare."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from tests.servicing.lent import START, Books, books
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database, new_id

Clients = Callable[[Actor | None], TestClient]
API = "/api/v1"


@pytest.fixture
def lent(database: Database) -> Books:
    return books(database)


@pytest.fixture
def program(lent: Books, client_as: Clients) -> TestClient:
    return client_as(Actor("bank", frozenset({"api.bank"}), "核心系统", institution=lent.bank, client="core"))


def send(program: TestClient, path: str, body: dict[str, Any], key: str) -> Any:  # noqa: ANN401 - a Response
    return program.post(f"{API}{path}", json=body, headers={"Idempotency-Key": key})


def test_a_facility_is_drawn_once_for_a_key(lent: Books, program: TestClient) -> None:
    facility = str(lent.facility())
    found = program.get(f"{API}/facilities").json()["items"]
    assert [each["id"] for each in found] == [facility]
    body = {"facility_id": facility, "amount_cny": "50000.00", "months": 6, "purpose": "stock"}
    first, again = (send(program, "/drawdowns", body, "d1") for _ in range(2))
    assert first.status_code == 201, first.text
    assert again.json() == first.json()
    assert program.get(f"{API}/facilities/{facility}").json()["available_cny"] == "150000.00"
    assert len(program.get(f"{API}/loans").json()["items"]) == 1


def test_a_loan_is_read_repaid_and_quoted(lent: Books, program: TestClient) -> None:
    loan = lent.draw(lent.facility(), 120_000, months=12)
    lent.day(START + timedelta(days=31))
    schedule = program.get(f"{API}/loans/{loan}/schedule").json()["instalments"]
    assert sum(Decimal(each["principal_cny"]) for each in schedule) == 120_000
    answer = send(program, f"/loans/{loan}/repayments", {"amount_cny": "10000.00"}, "r1")
    assert answer.status_code == 200, answer.text
    assert (
        send(program, f"/loans/{loan}/repayments", {"amount_cny": "10000.00"}, "r1").json() == answer.json()
    )
    events = program.get(f"{API}/loans/{loan}/events").json()["items"]
    assert [each["kind"] for each in events] == ["disburse", "repay"]
    quote = program.get(f"{API}/loans/{loan}/payoff-quote").json()
    parts = ("principal", "interest", "penalty", "fee", "prepayment_fee")
    assert sum(Decimal(quote[f"{part}_cny"]) for part in parts) - Decimal(quote["credit_cny"]) == Decimal(
        quote["total_cny"]
    )
    statement = program.get(f"{API}/loans/{loan}/statement").json()
    moved = sum(Decimal(each["adds_cny"]) - Decimal(each["takes_cny"]) for each in statement["lines"])
    assert moved == Decimal(statement["closing_cny"])


def test_the_effect_of_repaying_early_is_told_by_choice_and_books_nothing(
    lent: Books, program: TestClient
) -> None:
    loan = lent.draw(lent.facility(), 120_000, months=12)
    lent.day(START + timedelta(days=31))
    path = f"{API}/loans/{loan}/repayment-effect"
    found = {
        early: program.get(path, params={"amount_cny": "60000.00", "early": early}).json()
        for early in ("shorter", "smaller")
    }
    dues = {early: told["instalments"] for early, told in found.items()}

    def first(early: str) -> Decimal:
        return Decimal(dues[early][0]["principal_cny"]) + Decimal(dues[early][0]["interest_cny"])

    assert len(dues["shorter"]) < len(dues["smaller"])
    assert first("smaller") < first("shorter")
    assert Decimal(found["shorter"]["saved_cny"]) > Decimal(found["smaller"]["saved_cny"]) > 0
    assert len(program.get(f"{API}/loans/{loan}/events").json()["items"]) == 1
    body = {"amount_cny": "60000.00", "early": "smaller"}
    assert send(program, f"/loans/{loan}/repayments", body, "e1").status_code == 200
    schedule = program.get(f"{API}/loans/{loan}/schedule").json()["instalments"]
    booked = {each["due"]: Decimal(each["principal_cny"]) for each in schedule}
    assert all(booked[each["due"]] == Decimal(each["principal_cny"]) for each in dues["smaller"])
    assert program.get(path, params={"amount_cny": "-1"}).status_code == 422


def test_another_bank_sees_none_of_it(lent: Books, client_as: Clients) -> None:
    loan = lent.draw(lent.facility(), 120_000, months=12)
    other = client_as(Actor("bank", frozenset({"api.bank"}), "他行", institution=new_id(), client="other"))
    assert other.get(f"{API}/loans").json()["items"] == []
    assert other.get(f"{API}/loans/{loan}").status_code == 404


def test_a_days_book_is_compared_and_the_same_again_changes_nothing(lent: Books, program: TestClient) -> None:
    loan = lent.draw(lent.facility(), 120_000, months=12)
    line = {"record": "balance", "id": str(loan), "amount_cny": "119999.00", "status": "open"}
    body = {"day": START.isoformat(), "source": "core", "lines": [line]}
    found = send(program, "/reconciliation", body, "c1").json()
    assert found["agreeing"] == 0
    again = send(program, "/reconciliation", body, "c2").json()
    assert again["id"] == found["id"]
    assert again["again"]
    told = program.get(f"{API}/reconciliation/{found['id']}/differences").json()["items"]
    assert {each["kind"] for each in told} == {"amount", "missing_there"}


def test_programs_are_told_what_happens_to_a_loan(lent: Books) -> None:
    with lent.database.transaction(SYSTEM) as tx:
        tx.execute(
            "INSERT INTO webhook_endpoint (id, institution_id, url, kinds, sealed_secret, made_at, made_by) "
            "VALUES (%s, %s, 'https://bank.example/hook', '{loan.changed}', 'x', now(), 'test')",
            [new_id(), lent.bank],
        )
    loan = lent.draw(lent.facility(), 120_000, months=12)
    lent.repay(loan, 500)
    with lent.database.transaction(SYSTEM) as tx:
        rows = tx.execute(
            "SELECT kind, convert_from(body, 'UTF8')::jsonb AS told FROM webhook_message ORDER BY id"
        )
        told = [row["told"]["data"] for row in rows if row["kind"] == "loan.changed"]
    assert [(UUID(each["loan_id"]), each["event"]) for each in told] == [(loan, "disburse"), (loan, "repay")]
