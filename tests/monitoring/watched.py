"""A bank whose borrowers are watched: loans through the real books, files under real grants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from tests.consent.people import granted
from tests.lending.applying import COMPANY
from tests.portrait.files import sample_file
from tests.servicing.lent import START, Books, books
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database, Row, new_id
from xinqiao.monitoring.surveillance import Round, surveil
from xinqiao.portrait.credit_file import publish

SETS = ["INV", "TAX", "SOC", "BNK", "CRD", "ELE", "JUD", "NET", "REG", "SCORE", "LEADS"]
NEWER = date(2026, 3, 31)


@dataclass(frozen=True)
class Desk:
    """A bank's books with one loan of COMPANY, and an officer who watches."""

    books: Books
    loan: UUID
    officer: Actor

    @property
    def database(self) -> Database:
        return self.books.database

    @property
    def bank(self) -> UUID:
        return self.books.bank

    def grant(self, *, purposes: tuple[str, ...] = ("post_loan",), sets: list[str] | None = None) -> None:
        """The borrower lets the bank read it."""
        granted(self.database, self.bank, company=COMPANY, purposes=list(purposes), data_sets=sets or SETS)

    def publish(self, as_of: date = NEWER, company: str = COMPANY, **indicators: float | None) -> None:
        """What the platform knows of the borrower."""
        lead = indicators.pop("lead", None)
        leads = ({"rule": "FB04", "severity": "high", "records": [], "edges": []},) if lead else ()
        file = sample_file(company, as_of=as_of, indicators=indicators, leads=leads)
        with self.database.transaction(SYSTEM) as tx:
            publish(tx, [file])

    def round(self, on: date = NEWER) -> Round:
        with self.database.transaction(SYSTEM) as tx:
            return surveil(tx, self.bank, on)

    def rows(self, statement: str) -> list[Row]:
        with self.database.transaction(SYSTEM) as tx:
            return tx.execute(statement).fetchall()

    def open_signals(self) -> set[str]:
        return {r["signal"] for r in self.rows("SELECT signal FROM warning_signal WHERE ended_on IS NULL")}


def desk(database: Database) -> Desk:
    """One loan of 120,000 CNY drawn on START."""
    found = books(database)
    loan = found.draw(found.facility(), 120_000)
    officer = Actor(
        "bank", frozenset({"bank.officer"}), "客户经理丙", person=new_id(), institution=found.bank
    )
    return Desk(found, loan, officer)


__all__ = ["COMPANY", "NEWER", "START", "Decimal", "Desk", "desk"]
