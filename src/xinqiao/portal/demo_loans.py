"""The demo's loans: accepted offers go on to signed contracts, money is drawn and repaid, day-ends are run.

Everything goes through the services that the pages use, at the times it would have been done. Most borrowers
pay on the day; some are late, a few stop, a few settle early, and one bank defers a trade's loans in bulk.
"""

from __future__ import annotations

import contextlib
import heapq
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.consent.grants import Proof
from xinqiao.db.database import SYSTEM, Database, Row, Tx
from xinqiao.kernel import clock
from xinqiao.kernel.clock import CHINA
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.protect import Keyring
from xinqiao.lending.case_product import product_of
from xinqiao.lending.case_state import get
from xinqiao.lending.deciding import platform_actor
from xinqiao.loan.engine import rows
from xinqiao.portal.platform import Platform
from xinqiao.run.job import Progress
from xinqiao.servicing import (
    book,
    bulk_action,
    bulk_choice,
    bulk_work,
    contract,
    contract_signing,
    day_end,
    deferral,
    drawdown,
    facility,
    line,
    measure,
    repayment,
)
from xinqiao.servicing.business_day import business_day, open_next
from xinqiao.servicing.use_of_funds import Funds, entrusted, purposes
from xinqiao.servicing.what_if import due_by

Habit = Literal["on_time", "late", "stops", "early"]
HABITS: Mapping[Habit, float] = {"on_time": 0.76, "late": 0.12, "stops": 0.06, "early": 0.06}
"""How borrowers repay, and how many of them so."""
DAY_END_DAYS = 7
"""The history has a day-end a week; a running platform one a day."""
UNSIGNED_DAYS = 6
"""Offers accepted within the last days wait for the company's signature."""
BOOK_LIMIT = Decimal(300_000_000)
SELLER = ("示范供货商", "0000 0000 0000 0001")
OPEN_HOUR = time(10, 0, tzinfo=CHINA)


@dataclass(frozen=True, slots=True)
class Lender:
    """An institution with the people who lend for it."""

    id: UUID
    officer: Actor
    approver: Actor


def lend(
    platform: Platform,
    lenders: Sequence[Lender],
    firms: Mapping[str, Actor],
    draw: random.Random,
    progress: Progress,
) -> None:
    """Contracts, loans and their history up to yesterday; what is there already stays."""
    database = platform.database
    with database.transaction(SYSTEM) as tx:
        if tx.execute("SELECT 1 FROM contract LIMIT 1").fetchone():
            return
        taken = tx.execute(
            "SELECT c.id, c.company_id, c.institution_id, o.closed_at AS at FROM lending_case c "
            "JOIN offer o ON o.case_id = c.id AND o.state = 'accepted' WHERE c.state = 'accepted' ORDER BY 4"
        ).fetchall()
    for done, row in enumerate(taken):
        progress.step("contracts", done, len(taken))
        with contextlib.suppress(UserError):
            _Signing(database, platform.keyring, _lender(lenders, row), firms[row["company_id"]]).play(row)
    progress.step("contracts", len(taken), len(taken))
    for done, lender in enumerate(lenders):
        progress.step("loans", done, len(lenders))
        _Life(database, lender, firms, draw).play()
    progress.step("loans", len(lenders), len(lenders))
    _extras(database, lenders[0], firms)


def _lender(lenders: Sequence[Lender], row: Row) -> Lender:
    return next(each for each in lenders if each.id == row["institution_id"])


class _Signing:
    """One contract: drawn up, its sheet read and signed, signed by the company and by the institution."""

    def __init__(self, database: Database, ring: Keyring, lender: Lender, firm: Actor) -> None:
        self.database, self.ring, self.lender, self.firm = database, ring, lender, firm

    def play(self, row: Row) -> None:
        """From acceptance to the open limit, or to where a person has to go on."""
        case_id, at = row["id"], row["at"] + timedelta(seconds=20)
        with clock.standing(at), self.database.transaction(SYSTEM) as tx:
            contract.draw_up(tx, platform_actor(self.lender.id), self.ring, case_id)
        if at > datetime.now(UTC) - timedelta(days=UNSIGNED_DAYS):
            return
        self._company(case_id, at + timedelta(hours=3))
        later = at + timedelta(hours=21)
        if self._two_people(case_id):
            with clock.standing(later), self.database.transaction(self.lender.officer.scope) as tx:
                contract_signing.propose_signature(tx, self.lender.officer, case_id)
        self._institution(case_id, later + timedelta(hours=2))
        with clock.standing(later + timedelta(hours=2, seconds=5)):
            contract_signing.open_limit(self.database, str(case_id))

    def _company(self, case_id: UUID, at: datetime) -> None:
        with clock.standing(at), self.database.transaction(self.firm.scope) as tx:
            read = contract_signing.show_sheet(tx, self.firm, case_id)
        with clock.standing(read.ready_at + timedelta(seconds=40)):
            proof = Proof("session", clock.now())
            with self.database.transaction(self.firm.scope) as tx:
                contract_signing.sign_sheet(tx, self.ring, self.firm, case_id, proof)
                version = get(tx, case_id).version
                contract_signing.sign(tx, self.ring, self.firm, case_id, version=version, proof=proof)

    def _two_people(self, case_id: UUID) -> bool:
        with self.database.transaction(SYSTEM) as tx:
            return contract.contract(tx, case_id).two_people

    def _institution(self, case_id: UUID, at: datetime) -> None:
        by = self.lender.approver
        with clock.standing(at), self.database.transaction(by.scope) as tx:
            proof, version = Proof("session", clock.now()), get(tx, case_id).version
            contract_signing.countersign(tx, self.ring, by, case_id, version=version, proof=proof)


class _Life:
    """The books of one lender, day by day where something happens."""

    def __init__(
        self, database: Database, lender: Lender, firms: Mapping[str, Actor], draw: random.Random
    ) -> None:
        self.database, self.lender, self.firms, self.draw = database, lender, firms, draw
        self.todo: list[tuple[date, int, Callable[[date], None]]] = []
        self.made = 0
        self.ends = clock.today() - timedelta(days=1)

    def play(self) -> None:
        """Limits, drawings, repayments and day-ends up to yesterday."""
        with self.database.transaction(SYSTEM) as tx:
            found = [each for each in facility.facilities(tx) if each.institution_id == self.lender.id]
        if not found:
            return
        first = min(each.valid_from for each in found)
        self._at(first, self._limit)
        for each in found:
            self._later(each.valid_from + timedelta(days=self.draw.randrange(3)), self._drawing(each))
        closed = first
        while self.todo:
            on, _, act = heapq.heappop(self.todo)
            if on > self.ends:
                break
            closed = self._day_ends(closed, on)
            self._at(on, act)
        self._day_ends(closed, self.ends)
        self._close(self.ends)

    def _later(self, on: date, act: Callable[[date], None]) -> None:
        self.made += 1
        heapq.heappush(self.todo, (on, self.made, act))

    def _at(self, on: date, act: Callable[[date], None]) -> None:
        """``act`` in the morning of a business day."""
        with clock.standing(datetime.combine(on, OPEN_HOUR)), contextlib.suppress(UserError):
            with self.database.transaction(SYSTEM) as tx:
                open_next(tx, self.lender.id, on)
            act(on)

    def _day_ends(self, closed: date, until: date) -> date:
        """A day-end a week, as far as ``until``; the last one's day."""
        while closed + timedelta(days=DAY_END_DAYS) < until:
            closed += timedelta(days=DAY_END_DAYS)
            self._close(closed)
        return closed

    def _close(self, day: date) -> None:
        """The day-end of a day that may not have been opened yet."""
        with clock.standing(datetime.combine(day, time(20, 0, tzinfo=CHINA))):
            with self.database.transaction(SYSTEM) as tx:
                open_next(tx, self.lender.id, day)
                if business_day(tx, self.lender.id) != day:
                    return
            day_end.run(self.database, self.lender.id, day, workers=1)

    def _limit(self, _: date) -> None:
        with self.database.transaction(self.lender.approver.scope) as tx:
            line.set_line(tx, self.lender.approver, "institution", str(self.lender.id), BOOK_LIMIT)

    def _drawing(self, found: facility.Facility) -> Callable[[date], None]:
        """Draw the whole of a limit, or the most of one that revolves."""

        def act(on: date) -> None:
            share = (
                Decimal(1) if found.drawdown == "single" else Decimal(self.draw.choice(("0.4", "0.6", "0.8")))
            )
            amount = (found.amount_cny * share).quantize(Decimal(100))
            by = self.firms[found.company_id]
            with self.database.transaction(by.scope) as tx:
                made = drawdown.draw(tx, by, found.id, amount, funds=_funds(tx, found, amount))
            habit = self.draw.choices(list(HABITS), list(HABITS.values()))[0]
            self._next(made, habit, on, by)

        return act

    def _next(self, loan_id: UUID, habit: Habit, after: date, by: Actor) -> None:
        """Plan the next repayment of a loan by its borrower's habit."""
        with self.database.transaction(SYSTEM) as tx:
            loan = book.engine_loan(tx, loan_id)
        due = next((row.due for row in rows(loan, after) if row.due > after), None)
        if due is None or (habit == "stops" and self.draw.random() < 0.3):  # noqa: PLR2004 - a demo's own mix
            return
        delay = self.draw.randrange(4, 36) if habit == "late" and self.draw.random() < 0.5 else 0  # noqa: PLR2004
        self._later(due + timedelta(days=delay), lambda on: self._repay(loan_id, habit, on, by))

    def _repay(self, loan_id: UUID, habit: Habit, on: date, by: Actor) -> None:
        with self.database.transaction(by.scope) as tx:
            loan = book.engine_loan(tx, loan_id)
            owed = due_by(rows(loan, on), on)
            if habit == "early" and self.draw.random() < 0.4:  # noqa: PLR2004 - a demo's own mix
                repayment.settle_whole(tx, by, loan_id)
                return
            if owed > 0:
                repayment.repay(tx, by, loan_id, owed)
        self._next(loan_id, habit, on, by)


def _funds(tx: Tx, found: facility.Facility, amount: Decimal) -> Funds:
    """A purpose the product allows, and a made-up seller where it is paid straight."""
    file = product_of(tx, found.institution_id, found.product_id, found.product_version).file
    purpose = next(iter(purposes(file)))
    return Funds(purpose, *SELLER) if entrusted(file, amount) else Funds(purpose)


def _extras(database: Database, lender: Lender, firms: Mapping[str, Actor]) -> None:
    """At the first bank a bulk measure, one that waits for a second person, and a company that asks."""
    _bulk(database, lender)
    with database.transaction(SYSTEM) as tx:
        found = [each for each in book.loans(tx, state="open") if each.institution_id == lender.id]
    late = [each for each in found if each.penalty_cny > 0]
    calm = [each for each in found if each.unpaid_since is None]
    for each in late[:1]:
        told = {"kind": "waive", "part": "penalty", "amount": str(each.penalty_cny)}
        _propose(database, lender, each.id, told, "停电检修期间无法经营，拟减免罚息")
    for each in calm[:1]:
        told = {"kind": "rate_change", "rate": str(each.rate - Decimal("0.002"))}
        _propose(database, lender, each.id, told, "连续按期还款，拟下调利率")
    for each in calm[1:2]:
        by = firms[each.company_id]
        with contextlib.suppress(UserError), database.transaction(by.scope) as tx:
            deferral.ask(tx, by, each.id, 3, "下游回款延后，申请延期三个月")


def _propose(database: Database, lender: Lender, loan_id: UUID, told: dict[str, str], reason: str) -> None:
    with contextlib.suppress(UserError), database.transaction(lender.officer.scope) as tx:
        measure.propose(tx, lender.officer, loan_id, told, reason=reason)


def _bulk(database: Database, lender: Lender) -> None:
    """Defer the loans of the trade that has most of them by three months."""
    with database.transaction(SYSTEM) as tx:
        row = tx.execute(
            "SELECT left(c.industry, 1) AS trade FROM loan l JOIN company c ON c.id = l.company_id "
            "WHERE l.institution_id = %s AND l.state = 'open' AND c.industry IS NOT NULL "
            "GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
            [lender.id],
        ).fetchone()
    if row is None:
        return
    choice = bulk_choice.Choice(industries=(row["trade"],))
    what = bulk_choice.Measure(kind="defer", months=3)
    with contextlib.suppress(UserError):
        with database.transaction(lender.officer.scope) as tx:
            on = business_day(tx, lender.id)
            seen = bulk_choice.preview(tx, lender.id, choice, what, on).digest
            made = bulk_action.propose(
                tx, lender.officer, "【示范】受影响行业延期三个月", choice, what, seen=seen
            )
        with database.transaction(lender.approver.scope) as tx:
            bulk_action.decide(tx, lender.approver, made, "approved")
        bulk_work.execute(database, str(made))
