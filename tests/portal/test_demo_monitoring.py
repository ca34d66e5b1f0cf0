"""The demo's banks watch their borrowers, under grants that the borrowers gave."""

from __future__ import annotations

import random
from datetime import date

from tests.lending.applying import COMPANY, agent_of
from tests.monitoring.watched import desk
from xinqiao.db.database import Database
from xinqiao.portal.demo_loans import Lender
from xinqiao.portal.demo_monitoring import watched


def test_a_borrower_grants_and_is_watched_once(database: Database) -> None:
    bank = desk(database)
    bank.publish(INV03=0.3, INV02=-0.5, TAX16=1.0)
    bank.books.day(date(2026, 8, 1))
    lenders = [Lender(bank.bank, bank.officer, bank.officer)]
    for _ in range(2):
        watched(database, lenders, {COMPANY: agent_of(COMPANY)}, random.Random(1))  # noqa: S311 - a draw of the demo
    (state,) = bank.rows("SELECT unread, level FROM warning_state")
    assert (state["unread"], state["level"]) == ("", "red")
    assert {"W101", "W304"} <= bank.open_signals()
    (task,) = bank.rows("SELECT result FROM watch_task")
    assert task["result"] == "keep_watching"
    assert len(bank.rows("SELECT 1 FROM bank_outcome")) == 5
