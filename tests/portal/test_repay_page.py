"""The page a company repays on: what it proposes leaves nobody late."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from tests.servicing.lent import Books, books
from xinqiao.account.actor import Actor
from xinqiao.db.database import Database
from xinqiao.loan.engine import days_past_due

Clients = Callable[[Actor | None], TestClient]


@pytest.fixture
def lent(database: Database) -> Books:
    return books(database)


def test_who_pays_the_next_instalment_ahead_as_proposed_is_not_late(lent: Books, client_as: Clients) -> None:
    loan = lent.draw(lent.facility(), 120_000, months=12)
    due = lent.see(loan).next_due
    assert due is not None
    lent.day(due - timedelta(days=2))
    page = client_as(lent.place.agent).get(f"/enterprise/loans/{loan}/repay").text
    amount = re.search(r'name="amount"[^>]*value="([\d.]+)"', page)
    early = re.search(r'<option value="(\w*)" selected', page)
    assert amount is not None
    assert early is not None
    paid = lent.repay(loan, amount[1], early=early[1] or None)
    assert days_past_due(paid, due + timedelta(days=1)) == 0


def test_what_was_chosen_stays_chosen(lent: Books, client_as: Clients) -> None:
    loan = lent.draw(lent.facility(), 120_000, months=12)
    page = client_as(lent.place.agent).get(f"/enterprise/loans/{loan}/repay?amount=5000&early=").text
    assert '<option value="next" selected' not in page
