"""Facilities and loans for tests of servicing: one town's bank lends to whoever is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from tests.lending.applying import COMPANY, TEXT, Town, agent_of, town
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database
from xinqiao.lending.offer import accept, offers
from xinqiao.loan.engine import Loan
from xinqiao.loan.event import Event
from xinqiao.servicing import book, drawdown, facility, repayment
from xinqiao.servicing.loan_row import LoanRow
from xinqiao.servicing.statement import check
from xinqiao.servicing.use_of_funds import Funds

MACHINE = Actor("system", frozenset(), "日终")
START = date(2026, 3, 2)
FUNDS = Funds("working_capital")


def written(kind: str = "single", way: str = "equal_instalment") -> str:
    """The product with another way of drawing, and one way of repaying."""
    tranches = ", most_tranches: 3" if kind == "tranches" else ""
    text = TEXT.replace("drawdown: {kind: single}", f"drawdown: {{kind: {kind}{tranches}}}")
    return text.replace("{ways: [equal_instalment, interest_only_then_bullet]}", f"{{ways: [{way}]}}")


@dataclass(frozen=True)
class Books:
    """A bank's books, and what its people and a company do in them."""

    database: Database
    place: Town

    @property
    def bank(self) -> UUID:
        """The institution."""
        return self.place.bank

    def facility(self, amount: int = 200_000, company: str = COMPANY, on: date = START) -> UUID:
        """A facility of a company, from application to acceptance; tests of contracts sign them."""
        agent = self.place.agent if company == COMPANY else agent_of(company)
        if company != COMPANY:
            self.place.file(company)
        made = self.place.decide(self.place.apply(agent, amount=amount))
        assert made.state == "offered", made
        with self.database.transaction(agent.scope) as tx:
            accept(tx, agent, offers(tx, case_id=made.id)[0].id)
        with self.database.transaction(SYSTEM) as tx:
            found = facility.open_facility(tx, MACHINE, case_id=made.id, on=on)
            # tests of books count their own days
            tx.execute(
                "INSERT INTO business_day VALUES (%s, %s) ON CONFLICT (institution_id) DO NOTHING",
                [self.bank, on],
            )
        return found

    def day(self, on: date) -> None:
        """Another business day."""
        with self.database.transaction(SYSTEM) as tx:
            tx.execute("UPDATE business_day SET day = %s WHERE institution_id = %s", [on, self.bank])

    def draw(
        self,
        of: UUID,
        amount: int | str = 100_000,
        *,
        months: int | None = None,
        key: str | None = None,
        funds: Funds = FUNDS,
    ) -> UUID:
        """The company draws."""
        with self.database.transaction(SYSTEM) as tx:
            return drawdown.draw(tx, MACHINE, of, Decimal(amount), funds=funds, months=months, key=key)

    def repay(self, loan: UUID, amount: int | str, **changes: object) -> Loan:
        """Money comes in."""
        with self.database.transaction(SYSTEM) as tx:
            return repayment.repay(tx, MACHINE, loan, Decimal(amount), **changes)  # type: ignore[arg-type] # of repay

    def post(self, loan: UUID, event: Event, key: str | None = None) -> Loan:
        """Any event."""
        with self.database.transaction(SYSTEM) as tx:
            return book.post(tx, MACHINE, loan, event, key=key)

    def see(self, loan: UUID) -> LoanRow:
        """The loan's row."""
        with self.database.transaction(SYSTEM) as tx:
            return book.loan(tx, loan)

    def used(self, kind: str) -> Decimal:
        """What is used of the lines of a kind."""
        with self.database.transaction(SYSTEM) as tx:
            row = tx.execute(
                "SELECT coalesce(sum(used_cny), 0) AS n FROM credit_line WHERE kind = %s", [kind]
            ).fetchone()
        assert row is not None
        return Decimal(row["n"])

    def faults(self) -> list[str]:
        """What is wrong with the books."""
        with self.database.transaction(SYSTEM) as tx:
            return check(tx)


def books(database: Database, kind: str = "revolving", way: str = "equal_instalment") -> Books:
    """A bank with one product."""
    return Books(database, town(database, written(kind, way)))
