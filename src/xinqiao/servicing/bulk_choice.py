"""Which loans a bulk measure is for (批量措施的范围), and what it would come to, before it is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal, cast
from uuid import UUID

from xinqiao.db.database import Tx
from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.errors import fail
from xinqiao.kernel.period import add_months
from xinqiao.loan.event import Defer, Event, InterestFree, RateChange

MOST_LOANS = 20_000
MOST_MONTHS = 24
YEAR_DAYS = 360
HIGHEST_RATE = Decimal("0.36")
CENT = Decimal("0.01")
ZERO = Decimal(0)
Kind = Literal["defer", "interest_free", "rate_change"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Open loans of an institution, by what is empty or matches; codes match by their first characters.

    ``industries``: GB/T 4754 codes (I61). ``divisions``: division codes (3502). ``due_by``: with a due date
    up to that day.
    """

    industries: tuple[str, ...] = ()
    divisions: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()
    due_by: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What is done to each: dues ``months`` later, interest accruing or not; no interest; another rate."""

    kind: Kind
    months: int = 0
    interest: Literal["accrues", "free"] = "accrues"
    rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A loan the measure is for. ``cost_cny``: an estimate, positive where interest is given up or grows."""

    loan_id: UUID
    company_id: str
    company: str
    product_id: str
    class_: str
    next_due: date | None
    principal_cny: Decimal
    cost_cny: Decimal


@dataclass(frozen=True, slots=True)
class Preview:
    """What a measure would reach: the loans, their principal and the estimated cost, in CNY.

    ``digest`` names exactly this list: two people decide on what they saw.
    """

    loans: tuple[Chosen, ...]
    principal_cny: Decimal
    cost_cny: Decimal
    digest: str


def checked(measure: Measure) -> Measure:
    """A measure that can be done. Raises UserError SRV-BULK."""
    months_wrong = measure.kind != "rate_change" and not 1 <= measure.months <= MOST_MONTHS
    rate_wrong = measure.kind == "rate_change" and not (
        measure.rate is not None and ZERO <= measure.rate <= HIGHEST_RATE
    )
    if months_wrong or rate_wrong:
        fail("SRV-BULK", measure.kind, months=MOST_MONTHS, rate=HIGHEST_RATE)
    return measure


def event_of(measure: Measure, on: date) -> Event:
    """What is booked on each loan, counting from ``on``."""
    if measure.kind == "defer":
        return Defer(on=on, months=measure.months, interest=measure.interest)
    if measure.kind == "interest_free":
        return InterestFree(on=on, until=add_months(on, measure.months))
    return RateChange(on=on, rate=measure.rate if measure.rate is not None else ZERO)


_CHOSEN = """
    SELECT l.id, l.company_id, coalesce(c.name, l.company_id) AS company, l.product_id, l.class, l.next_due,
      l.principal_cny, l.rate, l.matures_on
    FROM loan l LEFT JOIN company c ON c.id = l.company_id
    WHERE l.institution_id = %(institution)s AND l.state = 'open' AND l.principal_cny > 0
      AND (%(industries)s::text[] = '{}' OR c.industry LIKE ANY (%(industries)s))
      AND (%(divisions)s::text[] = '{}' OR c.division LIKE ANY (%(divisions)s))
      AND (%(sizes)s::text[] = '{}' OR c.size = ANY (%(sizes)s))
      AND (%(products)s::text[] = '{}' OR l.product_id = ANY (%(products)s))
      AND (%(classes)s::text[] = '{}' OR l.class = ANY (%(classes)s))
      AND (%(companies)s::text[] = '{}' OR l.company_id = ANY (%(companies)s))
      AND (%(due_by)s::date IS NULL OR l.next_due <= %(due_by)s OR l.unpaid_since IS NOT NULL)
    ORDER BY l.id LIMIT %(most)s
"""


def preview(tx: Tx, institution_id: UUID, choice: Choice, measure: Measure, on: date) -> Preview:
    """What a measure counting from ``on`` would reach. Raises UserError SRV-BULK, SRV-BULK-MANY."""
    checked(measure)
    told = asdict(choice) | {
        "industries": _heads(choice.industries),
        "divisions": _heads(choice.divisions),
        "institution": institution_id,
        "most": MOST_LOANS + 1,
    }
    told |= {name: list(value) for name, value in told.items() if isinstance(value, tuple)}
    rows = tx.execute(_CHOSEN, told).fetchall()
    if len(rows) > MOST_LOANS:
        fail("SRV-BULK-MANY", "choice", most=MOST_LOANS)
    loans = tuple(
        Chosen(
            row["id"],
            row["company_id"],
            row["company"],
            row["product_id"],
            row["class"],
            row["next_due"],
            row["principal_cny"],
            cost(measure, row["principal_cny"], row["rate"], on, row["matures_on"]),
        )
        for row in rows
    )
    named = canonical_json([[str(each.loan_id), str(each.principal_cny)] for each in loans])
    return Preview(
        loans,
        _sum(each.principal_cny for each in loans),
        _sum(each.cost_cny for each in loans),
        digest(named),
    )


def cost(measure: Measure, principal: Decimal, rate: Decimal, on: date, matures_on: date) -> Decimal:
    """An estimate in CNY, on the principal of today: interest of the months, or of the rate given up."""
    if measure.kind == "rate_change":
        days, share = (matures_on - on).days, rate - (measure.rate or ZERO)
    else:
        days, share = (add_months(on, measure.months) - on).days, rate
    return (principal * share * max(days, 0) / YEAR_DAYS).quantize(CENT, ROUND_HALF_UP)


def _sum(amounts: Iterator[Decimal]) -> Decimal:
    return sum(amounts, ZERO)


def _heads(codes: tuple[str, ...]) -> list[str]:
    """Patterns of codes by their first characters; characters that mean something in LIKE are dropped."""
    kept = ["".join(c for c in code.strip() if c.isalnum()) for code in codes]
    return [f"{code}%" for code in kept if code]


def choice_json(choice: Choice) -> dict[str, Any]:
    """A choice as JSON, without what is empty."""
    told = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(choice).items()}
    return {
        name: value.isoformat() if isinstance(value, date) else value for name, value in told.items() if value
    }


def choice_of(plain: Mapping[str, Any]) -> Choice:
    """The choice ``choice_json`` wrote."""
    told: dict[str, Any] = {}
    for each in fields(Choice):
        if each.name in plain:
            value = plain[each.name]
            told[each.name] = date.fromisoformat(value) if each.name == "due_by" else tuple(value)
    return Choice(**told)


def measure_json(measure: Measure) -> dict[str, Any]:
    """A measure as JSON."""
    told: dict[str, Any] = {"kind": measure.kind, "months": measure.months, "interest": measure.interest}
    return told if measure.rate is None else told | {"rate": str(measure.rate)}


def measure_of(plain: Mapping[str, Any]) -> Measure:
    """The measure ``measure_json`` wrote."""
    rate = plain.get("rate")
    return Measure(
        kind=cast("Kind", plain["kind"]),
        months=int(plain["months"]),
        interest=plain["interest"],
        rate=None if rate is None else Decimal(rate),
    )
