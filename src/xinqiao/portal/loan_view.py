"""A loan and a facility with the words around them, as both portals show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.kernel.period import add_months
from xinqiao.kernel.text import Text
from xinqiao.lending.case_product import product_of
from xinqiao.lending.component import library
from xinqiao.lending.cost import charges
from xinqiao.lending.product_format import ProductFile
from xinqiao.loan.calendar import months_between
from xinqiao.loan.cost import flows_of, irr
from xinqiao.loan.engine import Loan, Row, fold, rows
from xinqiao.loan.event import Reverse
from xinqiao.portal.grants import names
from xinqiao.portal.loan_story import KINDS, said
from xinqiao.portal.loan_words import DRAWDOWNS, REPAYMENTS
from xinqiao.portal.visit import Visit
from xinqiao.servicing import book, drawdown, facility
from xinqiao.servicing.book import Booked, LoanRow
from xinqiao.servicing.business_day import business_day
from xinqiao.servicing.facility import Facility
from xinqiao.servicing.use_of_funds import funds_of
from xinqiao.servicing.what_if import due_by, left

FACILITY_STATES = {
    "active": (Text(zh="可用", en="active"), "good"),
    "frozen": (Text(zh="已冻结", en="frozen"), "warn"),
    "closed": (Text(zh="已关闭", en="closed"), ""),
    "expired": (Text(zh="已到期", en="expired"), ""),
}
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Line:
    """A loan in a list."""

    row: LoanRow
    product: Text
    institution: Text
    company: str


@dataclass(frozen=True, slots=True)
class LoanView:
    """A loan on its own page. ``due_now``: fallen due and not paid; ``next_sum``: the next instalment, CNY.

    ``past``: what happened, the latest first, each in words with its colour; ``reversed_``: numbers of events
    that were taken back. ``apr``: all-in cost a year as it was drawn, simple form. ``funds``: what for, and
    whom it was paid to.
    """

    row: LoanRow
    engine: Loan
    on: date
    rows: tuple[Row, ...]
    product: Text
    institution: Text
    company: str
    case_id: UUID
    way: Text
    past: tuple[tuple[Booked, Text, str], ...]
    reversed_: frozenset[int]
    due_now: Decimal
    next_sum: Decimal
    apr: float
    funds: Text | None


@dataclass(frozen=True, slots=True)
class FacilityView:
    """A facility with what can be drawn of it, in CNY. ``state`` in words, ``kind`` its colour."""

    facility: Facility
    product: Text
    institution: Text
    company: str
    available: Decimal
    most_months: int
    drawdown: Text
    way: Text
    state: Text
    kind: str

    @property
    def can_draw(self) -> bool:
        """Whether there is something to draw."""
        return self.available > 0 and self.most_months > 0


def lines(tx: Tx, found: Iterable[LoanRow]) -> list[Line]:
    """Loans for a list."""
    listed, known = list(found), names(tx)
    firms = companies(tx, {row.company_id for row in listed})
    return [
        Line(row, product_name(tx, row), known[row.institution_id], firms.get(row.company_id, row.company_id))
        for row in listed
    ]


def loan_view(visit: Visit, loan_id: UUID) -> LoanView:
    """A loan the visit may see, on its institution's business day. Raises UserError SRV-LOAN-ABSENT."""
    tx, row = visit.tx, book.loan(visit.tx, loan_id)
    on, loan, told = (
        business_day(tx, row.institution_id),
        book.engine_loan(tx, loan_id),
        book.events(tx, loan_id),
    )
    found = rows(loan, on)
    following = next((each for each in found if each.due == row.next_due), None)
    return LoanView(
        row=row,
        engine=loan,
        on=on,
        rows=found,
        product=product_name(tx, row),
        institution=names(tx)[row.institution_id],
        company=companies(tx, {row.company_id}).get(row.company_id, row.company_id),
        case_id=facility.facility(tx, row.facility_id).case_id,
        way=REPAYMENTS.get(row.way, Text(zh=row.way, en=row.way)),
        past=tuple((each, said(each.event), KINDS.get(each.kind, "")) for each in reversed(told)),
        reversed_=frozenset(each.event.seq for each in told if isinstance(each.event, Reverse)),
        due_now=due_by(found, on),
        next_sum=NOTHING if following is None else left(following),
        apr=monthly_cost(fold(row.terms, [told[0].event]), _file(tx, row)) * 12,
        funds=_funds(tx, loan_id),
    )


def _funds(tx: Tx, loan_id: UUID) -> Text | None:
    """What a loan was drawn for, and whom it was paid to."""
    found = funds_of(tx, loan_id)
    if found is None:
        return None
    words = library().purposes.get(found.purpose, Text(zh=found.purpose, en=found.purpose))
    payee = f"{found.payee_name} {found.payee_account}"
    if not found.payee_name:
        return words
    return Text(zh=f"{words.zh}，支付给 {payee}", en=f"{words.en}, paid to {payee}")


def _file(tx: Tx, row: LoanRow) -> ProductFile:
    with acting(tx, SYSTEM):
        return product_of(tx, row.institution_id, row.product_id, row.product_version).file


def all_flows(loan: Loan, file: ProductFile) -> list[tuple[date, Decimal]]:
    """Every flow of a loan as the borrower sees it: fees of guarantors and others are in."""
    start, ends = loan.terms.periods[0][0], loan.instalments[-1].due
    term = (ends.year - start.year) * 12 + ends.month - start.month
    flows = flows_of(loan)
    for fee in file.fees:
        if fee.to != "lender":  # not owed to the bank, but a cost all the same
            charged = enumerate(charges(fee, loan.terms.principal, term))
            flows += [(add_months(start, month), -sum_) for month, sum_ in charged if sum_]
    return flows


def monthly_cost(loan: Loan, file: ProductFile) -> float:
    """The all-in cost a month of a loan by its own dates, every fee in."""
    start, flows = loan.terms.periods[0][0], all_flows(loan, file)
    return irr((float(months_between(start, day)), float(sum_)) for day, sum_ in flows)


def facility_view(tx: Tx, found: Facility) -> FacilityView:
    """A facility with what can be drawn of it."""
    on = business_day(tx, found.institution_id)
    ended = found.state == "active" and on >= found.valid_until
    state, kind = FACILITY_STATES["expired" if ended else found.state]
    return FacilityView(
        facility=found,
        product=product_name(tx, found),
        institution=names(tx)[found.institution_id],
        company=companies(tx, {found.company_id}).get(found.company_id, found.company_id),
        available=facility.available(tx, found.id),
        most_months=drawdown.longest_months(found, on),
        drawdown=DRAWDOWNS[found.drawdown],
        way=REPAYMENTS.get(found.way, Text(zh=found.way, en=found.way)),
        state=state,
        kind=kind,
    )


def product_name(tx: Tx, found: LoanRow | Facility) -> Text:
    """The product's name, on the shelf still or not."""
    with acting(tx, SYSTEM):
        return product_of(tx, found.institution_id, found.product_id, found.product_version).file.name


def companies(tx: Tx, ids: set[str]) -> dict[str, str]:
    """Names of companies by id, from the public register."""
    rows_ = tx.execute("SELECT id, name FROM company WHERE id = ANY(%s)", [list(ids)])
    return {row["id"]: row["name"] for row in rows_}


def key_of(visit: Visit) -> str:
    """The key under which what this visit books counts once: the request's own, and whose it is."""
    return f"{visit.actor.client or visit.actor.person}/{visit.key}"
