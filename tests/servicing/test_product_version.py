"""A case, its facility and its loans keep the version of the product they began under."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.lending.applying import TEXT, town
from tests.lending.bank import person
from tests.servicing.lent import MACHINE, START, Books, books, written
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.errors import UserError
from xinqiao.lending.offer import accept, offers
from xinqiao.lending.product import draft_product, open_products, release_product
from xinqiao.servicing import book, facility, line, repayment

NEWER = (
    TEXT.replace('version: "1.0"', 'version: "2.0"')
    .replace("min: 0.035\n", "min: 0.09\n")
    .replace("drawdown: {kind: single}", "drawdown: {kind: revolving}\npenalty: {overdue: 0.3}")
    .replace("rate_min: 0.03}", "rate_min: 0.02}")
)
EXTRA = "caps: {firm_cny: 150000}\nprepayment: {after_months: 3}\n"


def test_a_running_case_facility_and_loan_keep_their_version(database: Database) -> None:
    place = books(database)
    made = place.place.decide(place.place.apply())
    maker: Actor = person("product", institution=place.bank)
    checker: Actor = person("approver", institution=place.bank)
    with database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE institution SET filing_number = 'BA-2026-0009' WHERE id = %s", [place.bank])
        for each in (maker, checker):
            tx.execute("INSERT INTO person (id, name, made_at) VALUES (%s, '示范', now())", [each.person])
    with database.transaction(maker.scope) as tx:
        offer = draft_product(tx, maker, "test_loan", source=NEWER)
    with database.transaction(checker.scope) as tx:
        release_product(tx, checker, offer)
    with database.transaction(SYSTEM) as tx:
        assert [each.product.version for each in open_products(tx)] == ["2.0"]
    with database.transaction(place.place.agent.scope) as tx:
        (told,) = offers(tx, case_id=made.id)
        assert told.product_version == "1.0"
        accept(tx, place.place.agent, told.id)
    with database.transaction(SYSTEM) as tx:
        of = facility.open_facility(tx, MACHINE, case_id=made.id, on=START)
        tx.execute("INSERT INTO business_day VALUES (%s, %s)", [place.bank, START])
        assert facility.facility(tx, of).product_version == "1.0"
    loan = place.draw(of)
    with database.transaction(SYSTEM) as tx:
        row = book.loan(tx, loan)
        assert row.product_version == "1.0"
        assert row.rate < Decimal("0.09")
        assert book.engine_loan(tx, loan).terms.penalty.factor == Decimal("1.5")


def test_caps_the_drawing_period_and_early_repayment_are_the_product_s(database: Database) -> None:
    text = written("tranches").replace("fees:\n", EXTRA + "fees:\n")
    text = text.replace("most_tranches: 3", "most_tranches: 3, window_months: 2")
    place = Books(database, town(database, text))
    of = place.facility()
    with database.transaction(SYSTEM) as tx:
        assert {each.kind: each.limit_cny for each in line.lines(tx)} == {
            "facility": 200_000,
            "company": 150_000,
        }
    loan = place.draw(of, 100_000)
    with pytest.raises(UserError, match="SRV-LIMIT-STATE"):
        place.draw(of, 60_000)
    agent = place.place.agent
    with pytest.raises(UserError, match="SRV-EARLY-STATE"), database.transaction(agent.scope) as tx:
        repayment.repay(tx, agent, loan, Decimal(50_000))
    with pytest.raises(UserError, match="SRV-EARLY-STATE"), database.transaction(agent.scope) as tx:
        repayment.settle_whole(tx, agent, loan)
    with database.transaction(agent.scope) as tx:
        repayment.repay(tx, agent, loan, Decimal(500))
    place.day(date(2026, 5, 2))
    with pytest.raises(UserError, match="SRV-FACILITY-STATE"):
        place.draw(of, 10_000)
    place.day(date(2026, 6, 2))
    with database.transaction(agent.scope) as tx:
        repayment.settle_whole(tx, agent, loan)
    assert place.faults() == []
