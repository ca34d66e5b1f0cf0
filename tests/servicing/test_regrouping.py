"""Groups follow the newest credit file: what is used moves, and the new group's cap holds."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.lending.applying import COMPANY, town
from tests.servicing.lent import Books, written
from xinqiao.db import jobs
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.errors import UserError
from xinqiao.portal import bank_limits
from xinqiao.portrait.credit_file import Edge
from xinqiao.servicing import facility, line, regrouping

OTHER = "91330100000000012A"


def held(firm: str, by: str) -> tuple[Edge, ...]:
    return (Edge(source=by, target=firm, kind="holding", share=0.8),)


def groups(bank: Books) -> set[str | None]:
    with bank.database.transaction(SYSTEM) as tx:
        return {each.group_key for each in facility.facilities(tx)}


@pytest.fixture
def bank(database: Database) -> Books:
    text = written("revolving") + "caps: {group_cny: 210000}\n"
    return Books(database, town(database, text))


def test_a_facility_follows_who_controls_the_company(bank: Books) -> None:
    of = bank.facility()
    bank.draw(of, 100_000)
    assert regrouping.follow(bank.database) == 0
    bank.place.file(COMPANY, edges=held(COMPANY, "P-1"))
    assert regrouping.follow(bank.database) == 1
    assert regrouping.follow(bank.database) == 0
    assert groups(bank) == {"P-1"}
    assert bank.used("group") == 100_000
    bank.place.file(COMPANY, edges=())
    assert regrouping.follow(bank.database) == 0, "a file without holdings says nothing"
    with bank.database.transaction(SYSTEM) as tx:
        told = tx.execute("SELECT count(*) AS n FROM notice WHERE zh LIKE '实际控制人%%'").fetchone()
    assert told == {"n": 1}
    assert bank.faults() == []


def test_two_companies_of_one_controller_share_the_cap_from_then_on(bank: Books) -> None:
    one, two = bank.facility(), bank.facility(company=OTHER)
    bank.draw(one, 150_000)
    bank.draw(two, 50_000)
    for firm in (COMPANY, OTHER):
        bank.place.file(firm, edges=held(firm, "P-1"))
    regrouping.nightly(bank.database)
    with bank.database.transaction(SYSTEM) as tx:
        (shared,) = line.lines(tx, kind="group")
    assert (shared.key, shared.used_cny, shared.left_cny) == ("P-1", Decimal(200_000), Decimal(10_000))
    with pytest.raises(UserError, match="SRV-LIMIT-STATE"):
        bank.draw(two, 50_000)
    bank.place.file(OTHER, edges=held(OTHER, "P-2"))
    assert regrouping.follow(bank.database) == 1
    bank.draw(two, 50_000)
    assert bank.faults() == []


def test_the_timer_is_there_when_the_pages_are() -> None:
    assert bank_limits.router.routes
    assert "servicing.regroup" in jobs.app.tasks
