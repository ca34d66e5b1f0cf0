"""However many draw at once, no limit is exceeded."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from tests.lending.applying import COMPANY
from tests.servicing.lent import FUNDS, MACHINE, Books, books
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.errors import UserError
from xinqiao.servicing import drawdown, facility
from xinqiao.servicing.line import lines, set_line

DRAWERS = 64


def _at_once(database: Database, facilities: list[UUID], amount: int) -> Counter[str]:
    """64 drawings at one moment, over all ``facilities``."""
    start = threading.Barrier(DRAWERS)

    def draw(number: int) -> str:
        of = facilities[number % len(facilities)]
        start.wait(30)
        try:
            with wide.transaction(SYSTEM) as tx:
                drawdown.draw(tx, MACHINE, of, Decimal(amount), funds=FUNDS)
        except UserError as error:
            return error.code
        return "drawn"

    with Database(database.dsn, size=DRAWERS) as wide, ThreadPoolExecutor(DRAWERS) as pool:
        return Counter(pool.map(draw, range(DRAWERS)))


def _limit(book: Books, kind: str, key: str, cny: int) -> None:
    with book.database.transaction(SYSTEM) as tx:
        set_line(tx, MACHINE, kind, key, Decimal(cny), institution_id=book.bank)  # type: ignore[arg-type] # of the tests


def test_a_facility_is_never_overdrawn(database: Database) -> None:
    book = books(database)
    of = book.facility(200_000)
    assert _at_once(database, [of], 7_000) == {"drawn": 28, "SRV-LIMIT-STATE": 36}
    assert book.used("facility") == 196_000
    assert book.faults() == []


def test_a_company_with_several_facilities_stays_within_its_limit(database: Database) -> None:
    book = books(database)
    more = Books(database, book.place)
    of = [book.facility(200_000)]
    other = _another_product(more)
    of.append(other)
    _limit(book, "company", COMPANY, 90_000)
    assert _at_once(database, of, 10_000)["drawn"] == 9
    assert book.used("company") == 90_000
    assert book.used("facility") == 90_000
    assert book.faults() == []


def _another_product(book: Books) -> UUID:
    """A second facility of the same company at the same bank: the first application is over."""
    return book.facility(150_000)


@pytest.mark.parametrize("kind", ["group", "product", "institution"])
def test_companies_that_share_a_limit_stay_within_it(database: Database, kind: str) -> None:
    book = books(database)
    firms = [f"91330100{i:09d}A" for i in range(4)]
    of = [book.facility(200_000, firm) for firm in firms]
    with database.transaction(SYSTEM) as tx:
        for each in of:
            facility.regroup(tx, MACHINE, each, "P-ONE")
    key = {"group": "P-ONE", "product": "test_loan", "institution": str(book.bank)}[kind]
    _limit(book, kind, key, 100_000)
    found = _at_once(database, of, 9_000)
    assert found == {"drawn": 11, "SRV-LIMIT-STATE": 53}
    assert book.used(kind) == 99_000
    assert book.faults() == []


def test_lines_of_all_kinds_are_taken_and_given_back_while_limits_are_set(database: Database) -> None:
    """Drawing, repaying and setting new limits at once: no deadlock, and the sums are right."""
    book = books(database)
    firms = [f"91330100{i:09d}A" for i in range(3)]
    of = [book.facility(200_000, firm) for firm in firms]

    def draw_and_repay(number: int) -> None:
        for turn in range(4):
            made = book.draw(of[(number + turn) % 3], 5_000)
            if turn % 2:
                book.repay(made, 2_000)

    def limits(number: int) -> None:
        for kind, key in (
            ("institution", str(book.bank)),
            ("product", "test_loan"),
            ("company", firms[number]),
        ):
            _limit(book, kind, key, 1_000_000 + number)

    with ThreadPoolExecutor(9) as pool:
        waiting = [pool.submit(draw_and_repay, i) for i in range(6)] + [
            pool.submit(limits, i) for i in range(3)
        ]
        for each in waiting:
            each.result(60)
    assert book.used("institution") == book.used("product") == book.used("company") == 120_000 - 24_000
    assert book.faults() == []


def test_the_message_names_the_limit_and_what_is_left(database: Database) -> None:
    book = books(database)
    of = book.facility(200_000)
    _limit(book, "company", COMPANY, 120_000)
    book.draw(of, 100_000)
    with database.transaction(SYSTEM) as tx:
        assert facility.available(tx, of) == 20_000
    with pytest.raises(UserError) as said:
        book.draw(of, 20_001)
    assert said.value.code == "SRV-LIMIT-STATE"
    assert "单户限额" in said.value.what.zh
    assert "20,000.00" in said.value.what.en
    book.draw(of, 20_000)


def test_a_limit_set_below_what_is_used_stops_drawing_but_not_repaying(database: Database) -> None:
    book = books(database)
    of = book.facility(200_000)
    made = book.draw(of, 100_000)
    _limit(book, "company", COMPANY, 50_000)
    with database.transaction(SYSTEM) as tx:
        (line,) = lines(tx, kind="company")
        assert (line.used_cny, line.left_cny) == (100_000, 0)
    with pytest.raises(UserError, match="SRV-LIMIT-STATE"):
        book.draw(of, 1_000)
    book.repay(made, 10_000)
    assert book.faults() == []


def test_the_database_itself_holds_a_limit(database: Database) -> None:
    book = books(database)
    book.facility(200_000)
    with pytest.raises(psycopg.Error) as said, database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE credit_line SET used_cny = limit_cny + 1")
    assert said.value.sqlstate == "XQ003"
