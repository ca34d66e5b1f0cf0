"""Drawing money (支用): within the facility, its term and every limit, once for each key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from xinqiao.account import audit
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.kernel.errors import fail
from xinqiao.kernel.period import add_months
from xinqiao.lending.case_product import product_of
from xinqiao.lending.product import Product
from xinqiao.lending.product_terms import terms_for
from xinqiao.loan import engine
from xinqiao.loan.engine import Loan
from xinqiao.loan.event import Disburse
from xinqiao.loan.terms import Terms
from xinqiao.servicing import book
from xinqiao.servicing.business_day import business_day
from xinqiao.servicing.facility_row import Facility, facility
from xinqiao.servicing.use_of_funds import Funds, checked, funds_of, keep, stripped

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is drawn, when, and for how long."""

    amount_cny: Decimal
    on: date
    months: int


def draw(
    tx: Tx,
    actor: Actor,
    facility_id: UUID,
    amount_cny: Decimal,
    *,
    funds: Funds,
    months: int | None = None,
    key: str | None = None,
    on: date | None = None,
) -> UUID:
    """Draw ``amount_cny`` under a facility that ``actor`` may see; gives the loan's id.

    ``months``: the loan's term, as long as the facility lets it be unless told. ``on``: the day, the open
    business day unless told. ``funds``: what for, and whom it is paid to. ``key``: asked again with the same
    one, the same loan is given. Raises UserError SRV-FACILITY-ABSENT, SRV-FACILITY-STATE, SRV-AMOUNT,
    SRV-TERM, SRV-DAY, SRV-DRAWN-STATE, SRV-OVERDUE-STATE, SRV-LIMIT-STATE, SRV-KEY-STATE, SRV-PURPOSE,
    SRV-PAYEE.
    """
    facility(tx, facility_id)
    with acting(tx, SYSTEM):
        found = facility(tx, facility_id, lock=True)
        made = _known(tx, found, amount_cny, funds, key)
        if made is None:
            product = product_of(tx, found.institution_id, found.product_id, found.product_version)
            asked = _checked(tx, found, product, _Asked(amount_cny, *_when(tx, found, on, months)))
            kept = checked(product.file, amount_cny, funds)
            event = Disburse(on=asked.on, amount=asked.amount_cny)
            made = book.begin(tx, found, _terms(found, product, asked), event, by=actor, key=key)
            keep(tx, made, found, kept)
        else:
            return made
    audit.note(tx, actor, "loan.drawn", str(made), {"facility": str(facility_id), "cny": str(amount_cny)})
    return made


def preview(
    tx: Tx, facility_id: UUID, amount_cny: Decimal, *, months: int | None = None, on: date | None = None
) -> Loan:
    """The loan that a drawing would make, without making it: its schedule and cost.

    Raises UserError as ``draw`` does, but for limits.
    """
    found = facility(tx, facility_id)
    with acting(tx, SYSTEM):
        product = product_of(tx, found.institution_id, found.product_id, found.product_version)
        asked = _Asked(amount_cny, *_when(tx, found, on, months))
    _fits(found, product, asked)
    begun = engine.begin(_terms(found, product, asked))
    return engine.apply(begun, Disburse(on=asked.on, amount=asked.amount_cny))


def longest_months(found: Facility, on: date) -> int:
    """The longest term of a loan drawn on a day; 0 where not even a month is left.

    What is drawn and repaid again and again has to be back when the facility ends.
    """
    if found.drawdown != "revolving":
        return found.term_months
    terms = range(found.term_months, 0, -1)
    return next((months for months in terms if add_months(on, months) <= found.valid_until), 0)


def _when(tx: Tx, found: Facility, on: date | None, months: int | None) -> tuple[date, int]:
    day = business_day(tx, found.institution_id)
    if on is not None and on > day:
        fail("SRV-DAY", str(found.id), on=on, day=day)
    drawn_on = on or day
    return drawn_on, longest_months(found, drawn_on) if months is None else months


def _known(tx: Tx, found: Facility, amount_cny: Decimal, funds: Funds, key: str | None) -> UUID | None:
    was = book.known(tx, found.institution_id, key)
    if was is None:
        return None
    loan_id, booked = was
    same = isinstance(booked.event, Disburse) and booked.event.amount == amount_cny
    was_for = funds_of(tx, loan_id)
    same = same and (was_for is None or was_for == stripped(funds))
    if not same or book.loan(tx, loan_id).facility_id != found.id:
        fail("SRV-KEY-STATE", str(key)[:80])
    return loan_id


def _fits(found: Facility, product: Product, asked: _Asked) -> None:
    """Within the facility and its product, whatever was drawn before."""
    if found.state != "active" or not found.valid_from <= asked.on < _ends(found, product):
        state = found.state if found.state != "active" else "expired"
        fail("SRV-FACILITY-STATE", str(found.id), state=state)
    least = min(product.file.drawdown.least_cny, found.amount_cny)
    whole = asked.amount_cny == asked.amount_cny.quantize(CENT)
    if not whole or not least <= asked.amount_cny <= found.amount_cny:
        fail("SRV-AMOUNT", str(found.id), least=f"{least:,.2f}", most=f"{found.amount_cny:,.2f}")
    most = longest_months(found, asked.on)
    if not 1 <= asked.months <= most:
        fail("SRV-TERM", str(found.id), months=asked.months, most=most)


def _ends(found: Facility, product: Product) -> date:
    """The day from which nothing is drawn: the end of the facility, or of the product's drawing period."""
    window = product.file.drawdown.window_months
    last = found.valid_until
    return last if window is None else min(last, add_months(found.valid_from, window))


def _checked(tx: Tx, found: Facility, product: Product, asked: _Asked) -> _Asked:
    """Within the facility, with what was drawn before."""
    _fits(found, product, asked)
    row = tx.execute(
        "SELECT count(*) FILTER (WHERE facility_id = %(id)s) AS drawn, "
        "count(*) FILTER (WHERE unpaid_since IS NOT NULL OR state = 'written_off') AS late "
        "FROM loan WHERE company_id = %(company)s AND institution_id = %(institution)s",
        {"id": found.id, "company": found.company_id, "institution": found.institution_id},
    ).fetchone()
    assert row is not None  # noqa: S101 - counts always have their row
    if row["late"]:
        fail("SRV-OVERDUE-STATE", str(found.id))
    most = {"single": 1, "tranches": product.file.drawdown.most_tranches}.get(found.drawdown)
    if most is not None and row["drawn"] >= most:
        fail("SRV-DRAWN-STATE", str(found.id), most=most)
    return asked


def _terms(found: Facility, product: Product, asked: _Asked) -> Terms:
    return terms_for(
        product,
        amount=asked.amount_cny,
        rate=found.rate,
        months=asked.months,
        way=found.way,
        start=asked.on,
    )
