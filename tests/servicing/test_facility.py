from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.lending.applying import COMPANY
from tests.lending.bank import person
from tests.portrait.files import sample_file
from tests.servicing.lent import FUNDS, MACHINE, START, Books, books
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.errors import UserError
from xinqiao.loan.engine import rows
from xinqiao.portrait.credit_file import Edge, publish
from xinqiao.servicing import drawdown, facility
from xinqiao.servicing.group import controller_of


def _refused(book: Books, of: object, code: str, amount: str = "50000", **changes: object) -> None:
    with pytest.raises(UserError) as said:
        book.draw(of, amount, **changes)  # type: ignore[arg-type] # of draw
    assert said.value.code == code


def test_activated_twice_it_is_one_facility_with_the_terms_of_the_offer(database: Database) -> None:
    book = books(database, "single")
    of = book.facility()
    with database.transaction(SYSTEM) as tx:
        found = facility.facility(tx, of)
        assert facility.open_facility(tx, MACHINE, case_id=found.case_id) == of
        assert (found.amount_cny, found.term_months, found.way) == (200_000, 12, "equal_instalment")
        assert (found.valid_from, found.valid_until) == (START, date(2027, 3, 2))
        assert facility.available(tx, of) == 200_000


def test_only_an_accepted_offer_under_a_signed_contract_becomes_a_facility(database: Database) -> None:
    book = books(database)
    made = book.place.decide(book.place.apply())
    for way in (facility.activate, facility.open_facility):
        with pytest.raises(UserError, match="SRV-CASE-STATE"), database.transaction(SYSTEM) as tx:
            way(tx, MACHINE, case_id=made.id)
    other = book.facility(company="91330100000000009A")
    with database.transaction(SYSTEM) as tx:
        accepted = facility.facility(tx, other).case_id
        with pytest.raises(UserError, match="SRV-CASE-STATE"):
            facility.activate(tx, MACHINE, case_id=accepted)


def test_what_the_shelf_has_for_a_product_is_its_limit(database: Database) -> None:
    book = books(database)
    with database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE institution_product SET quota_cny = 120000")
    of = book.facility()
    book.draw(of, 100_000)
    _refused(book, of, "SRV-LIMIT-STATE", "20000.01")
    book.draw(of, 20_000)


def test_a_facility_is_drawn_as_its_product_says(database: Database) -> None:
    single = books(database, "single")
    of = single.facility()
    _refused(single, of, "SRV-AMOUNT", "999.99")
    _refused(single, of, "SRV-AMOUNT", "50000.001")
    _refused(single, of, "SRV-AMOUNT", "200000.01")
    _refused(single, of, "SRV-TERM", months=13)
    _refused(single, of, "SRV-TERM", months=0)
    single.draw(of)
    _refused(single, of, "SRV-DRAWN-STATE")


def test_tranches_are_counted(database: Database) -> None:
    book = books(database, "tranches")
    of = book.facility()
    for _ in range(3):
        book.draw(of, 10_000)
    _refused(book, of, "SRV-DRAWN-STATE")


def test_what_is_drawn_again_and_again_is_back_when_the_facility_ends(database: Database) -> None:
    book = books(database)
    of = book.facility()
    first = book.draw(of, 150_000)
    _refused(book, of, "SRV-LIMIT-STATE", "60000")
    book.repay(first, 100_000)
    book.draw(of, 100_000)
    book.day(date(2026, 12, 20))  # two whole months are left; what fell due until here was never repaid
    _refused(book, of, "SRV-TERM", months=3)
    assert _longest(book, of) == 2


def _longest(book: Books, of: object) -> int:
    with book.database.transaction(SYSTEM) as tx:
        return drawdown.longest_months(facility.facility(tx, of), date(2026, 12, 20))  # type: ignore[arg-type] # an id


def test_nothing_is_drawn_before_after_or_while_frozen(database: Database) -> None:
    book = books(database)
    of = book.facility()
    book.day(date(2026, 3, 1))
    _refused(book, of, "SRV-FACILITY-STATE")
    book.day(date(2027, 3, 2))
    _refused(book, of, "SRV-FACILITY-STATE")
    book.day(START)
    with database.transaction(SYSTEM) as tx:
        facility.freeze(tx, MACHINE, of, "贷后检查")
        assert facility.available(tx, of) == 0
    _refused(book, of, "SRV-FACILITY-STATE")
    with database.transaction(SYSTEM) as tx:
        facility.unfreeze(tx, MACHINE, of, "核实无误")
    made = book.draw(of)
    with pytest.raises(UserError, match="SRV-OPEN-STATE"), database.transaction(SYSTEM) as tx:
        facility.close(tx, MACHINE, of)
    book.repay(made, 100_000)
    with database.transaction(SYSTEM) as tx:
        facility.close(tx, MACHINE, of)
        with pytest.raises(UserError, match="SRV-FACILITY-STATE"):
            facility.unfreeze(tx, MACHINE, of, "")
    _refused(book, of, "SRV-FACILITY-STATE")


def test_a_key_sent_twice_draws_once(database: Database) -> None:
    book = books(database)
    of = book.facility()
    made = book.draw(of, key="k-1")
    assert book.draw(of, key="k-1") == made
    _refused(book, of, "SRV-KEY-STATE", key="k-1")
    assert book.used("facility") == 100_000


def test_a_company_draws_its_own_and_sees_no_other(database: Database) -> None:
    book = books(database)
    of = book.facility()
    agent = book.place.agent
    with database.transaction(agent.scope) as tx:
        loan = drawdown.draw(tx, agent, of, Decimal(50_000), funds=FUNDS)
        assert facility.available(tx, of) == 150_000
        assert [each.id for each in facility.facilities(tx)] == [of]
    stranger = person("officer")
    with database.transaction(stranger.scope) as tx:
        assert facility.facilities(tx) == []
        with pytest.raises(UserError, match="SRV-FACILITY-ABSENT"):
            drawdown.draw(tx, stranger, of, Decimal(50_000), funds=FUNDS)
    assert book.see(loan).company_id == COMPANY


def test_a_preview_shows_the_loan_without_drawing_it(database: Database) -> None:
    book = books(database)
    of = book.facility()
    with database.transaction(book.place.agent.scope) as tx:
        shown = drawdown.preview(tx, of, Decimal(60_000), months=6)
    loan = book.draw(of, 60_000, months=6)
    with database.transaction(SYSTEM) as tx:
        assert [(r.due, r.principal) for r in rows(shown, START)] == [
            (r["due"], r["principal_cny"])
            for r in tx.execute("SELECT * FROM loan_instalment WHERE loan_id = %s ORDER BY n", [loan])
        ]


def test_who_controls_a_company_is_its_group(database: Database) -> None:
    edges = (
        Edge(source="P-1", target="HOLD", kind="holding", share=0.6),
        Edge(source="HOLD", target=COMPANY, kind="holding", share=0.51),
        Edge(source="P-2", target=COMPANY, kind="holding", share=0.49),
        Edge(source="P-2", target="OTHER", kind="holding", share=0.5),
    )
    with database.transaction(SYSTEM) as tx:
        publish(
            tx, [sample_file(COMPANY, edges=edges), sample_file("OTHER", edges=edges), sample_file("HALF")]
        )
        assert controller_of(tx, COMPANY) == "P-1"
        assert controller_of(tx, "OTHER") is None
        assert controller_of(tx, "HALF") is None
        assert controller_of(tx, "UNKNOWN") is None
