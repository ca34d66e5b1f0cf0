"""The demo's loans: contracts signed, money drawn and repaid, day-ends run; books right; nothing twice."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from tests.lending.applying import Town, agent_of, town
from tests.portal.enrolled import enrol
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel import clock
from xinqiao.lending.offer import accept, offers
from xinqiao.portal.demo_loans import Lender, lend
from xinqiao.portal.platform import Platform
from xinqiao.servicing import book
from xinqiao.servicing.business_day import business_day
from xinqiao.servicing.statement import check

DAYS = 100
FIRMS = tuple(f"9133010090000{i:04d}A" for i in range(4))


class Quiet:
    """Progress that nobody watches."""

    def step(self, name: str, done: int = 0, total: int = 0) -> None:
        """Nothing."""


def _accepted(place: Town, firm: Actor, at: datetime) -> None:
    assert firm.company is not None
    with clock.standing(at):
        place.file(firm.company)
        made = place.decide(place.apply(firm))
        assert made.state == "offered"
        with place.database.transaction(firm.scope) as tx:
            accept(tx, firm, offers(tx, case_id=made.id)[0].id)


def test_offers_of_the_past_become_loans_with_a_history(database: Database, platform: Platform) -> None:
    start = clock.now() - timedelta(days=DAYS)
    with clock.standing(start):
        place = town(database)
        enrol(database, place.bank, place.officer, place.second)
    firms = {key: agent_of(key) for key in FIRMS}
    for i, firm in enumerate(firms.values()):
        _accepted(place, firm, start + timedelta(days=i))
    _accepted(place, place.agent, clock.now() - timedelta(hours=2))
    firms[str(place.agent.company)] = place.agent
    lenders = [Lender(place.bank, place.officer, place.second)]
    for _ in range(2):
        lend(platform, lenders, firms, random.Random(3), Quiet())  # noqa: S311 - a demo repeats by its seed
    with database.transaction(SYSTEM) as tx:
        states = [row["state"] for row in tx.execute("SELECT state FROM lending_case ORDER BY id")]
        loans = book.loans(tx)
        assert states == ["active"] * len(FIRMS) + ["contracted"]
        assert len(loans) == len(FIRMS)
        assert any(len(book.events(tx, each.id)) > 1 for each in loans)
        assert business_day(tx, place.bank) == clock.today()
        assert check(tx) == []
