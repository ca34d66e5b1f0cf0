from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from tests.lending.applying import PRODUCT, Town, bank_with_product, town
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database, new_token
from xinqiao.kernel.clock import now, standing
from xinqiao.lending.case_state import cases
from xinqiao.lending.deadline import sweep

Clients = Callable[[Actor | None], TestClient]


@pytest.fixture
def place(database: Database) -> Town:
    return town(database)


def test_the_firm_agrees_where_it_goes_next_and_goes_there_when_the_bank_is_late(
    place: Town, client_as: Clients
) -> None:
    found = place.decide(place.apply(amount=400_000))
    bank = bank_with_product(place.database)
    to = f"{bank}/{PRODUCT}/{place.grant(bank=bank)}"
    company, path = client_as(place.agent), f"/enterprise/applications/{found.id}"
    assert to in company.get(path).text
    told = {"csrf": "test-csrf", "version": found.version, "to": to}
    early = company.post(f"{path}/hand-on", data=told | {"once": new_token()})
    assert early.status_code == 400
    assert "LND-HAND-STATE" in early.text
    assert company.post(f"{path}/next", data=told | {"once": new_token()}).status_code == 303
    assert "机构超过期限时" in company.get(path).text
    with standing(now() + timedelta(days=30)):
        sweep(place.database)
    assert "已转下一家" in company.get(path).text
    with place.database.transaction(SYSTEM) as tx:
        assert {c.institution_id: c.state for c in cases(tx)} == {place.bank: "handed_on", bank: "applied"}


@pytest.mark.parametrize("to", ["x", "x/y/z", "//"])
def test_odd_choices_are_refused_in_words(place: Town, client_as: Clients, to: str) -> None:
    found = place.decide(place.apply(amount=400_000))
    told = {"csrf": "test-csrf", "once": new_token(), "version": found.version, "to": to}
    company = client_as(place.agent)
    for act in ("hand-on", "next"):
        answer = company.post(f"/enterprise/applications/{found.id}/{act}", data=told | {"once": new_token()})
        assert answer.status_code == 400
        assert "LND-GRANT-FORBIDDEN" in answer.text
