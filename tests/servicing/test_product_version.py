"""A case, its facility and its loans keep the version of the product they began under."""

from __future__ import annotations

from decimal import Decimal

from tests.lending.applying import TEXT
from tests.lending.bank import person
from tests.servicing.lent import MACHINE, START, books
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database
from xinqiao.lending.offer import accept, offers
from xinqiao.lending.product import draft_product, open_products, release_product
from xinqiao.servicing import book, facility

NEWER = (
    TEXT.replace('version: "1.0"', 'version: "2.0"')
    .replace("min: 0.035\n", "min: 0.09\n")
    .replace("drawdown: {kind: single}", "drawdown: {kind: revolving}\npenalty: {overdue: 0.3}")
    .replace("rate_min: 0.03}", "rate_min: 0.02}")
)


def test_a_running_case_facility_and_loan_keep_their_version(database: Database) -> None:
    town = books(database)
    made = town.place.decide(town.place.apply())
    maker: Actor = person("product", institution=town.bank)
    checker: Actor = person("approver", institution=town.bank)
    with database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE institution SET filing_number = 'BA-2026-0009' WHERE id = %s", [town.bank])
        for each in (maker, checker):
            tx.execute("INSERT INTO person (id, name, made_at) VALUES (%s, '示范', now())", [each.person])
    with database.transaction(maker.scope) as tx:
        offer = draft_product(tx, maker, "test_loan", source=NEWER)
    with database.transaction(checker.scope) as tx:
        release_product(tx, checker, offer)
    with database.transaction(SYSTEM) as tx:
        assert [each.product.version for each in open_products(tx)] == ["2.0"]
    with database.transaction(town.place.agent.scope) as tx:
        (told,) = offers(tx, case_id=made.id)
        assert told.product_version == "1.0"
        accept(tx, town.place.agent, told.id)
    with database.transaction(SYSTEM) as tx:
        of = facility.activate(tx, MACHINE, case_id=made.id, on=START)
        tx.execute("INSERT INTO business_day VALUES (%s, %s)", [town.bank, START])
        assert facility.facility(tx, of).product_version == "1.0"
    loan = town.draw(of)
    with database.transaction(SYSTEM) as tx:
        row = book.loan(tx, loan)
        assert row.product_version == "1.0"
        assert row.rate < Decimal("0.09")
        assert book.engine_loan(tx, loan).terms.penalty.factor == Decimal("1.5")
