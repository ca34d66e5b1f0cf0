"""The loan book of an institution: each loan with its schedule, events and journal, and measures on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Form, Query
from fastapi.routing import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from xinqiao.db.database import Row, Tx
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.loan import event as events
from xinqiao.loan.classification import NAMES as CLASSES
from xinqiao.loan.classification import REASONS, Class
from xinqiao.portal.bank_portrait import own_institution
from xinqiao.portal.enterprise_apply import attempt
from xinqiao.portal.enterprise_loans import EARLY_WAYS, Early
from xinqiao.portal.loan_risk import risk_view
from xinqiao.portal.loan_story import CLASS_KINDS, STATES, said
from xinqiao.portal.loan_view import key_of, lines, loan_view
from xinqiao.portal.loan_words import REPAYMENTS
from xinqiao.portal.visit import Visit, needs
from xinqiao.servicing import book, deferral, measure, repayment, risk
from xinqiao.servicing.business_day import business_day
from xinqiao.servicing.journal import ACCOUNTS, entries_of

router = APIRouter()
PAGE = "/bank/loans"
Read = Annotated[Visit, needs("loan.read")]
Handle = Annotated[Visit, needs("loan.handle")]
Approve = Annotated[Visit, needs("loan.approve")]
Words = Annotated[str, Form(max_length=400)]
Amount = Annotated[Decimal, Form(gt=0, le=10**9, decimal_places=2)]
MOST = 50
VIEWS = {
    "open": Text(zh="未结清", en="open"),
    "overdue": Text(zh="逾期", en="overdue"),
    "bad": Text(zh="不良", en="non-performing"),
    "closed": Text(zh="已结清", en="closed"),
    "all": Text(zh="全部", en="all"),
}
View = Literal["open", "overdue", "bad", "closed", "all"]
WAYS = [
    (way, REPAYMENTS[way])
    for way in ("equal_instalment", "equal_principal", "interest_only_then_bullet", "bullet")
]
_FILTER = {
    "open": "state = 'open'",
    "overdue": "unpaid_since IS NOT NULL AND state <> 'closed'",
    "bad": "class IN ('substandard', 'doubtful', 'loss') AND state <> 'closed'",
    "closed": "state = 'closed'",
    "all": "true",
}
_TOTALS = (
    "SELECT count(*) FILTER (WHERE state <> 'closed') AS open, coalesce(sum(principal_cny), 0) AS principal, "
    "count(*) FILTER (WHERE unpaid_since IS NOT NULL AND state <> 'closed') AS late, "
    "coalesce(sum(principal_cny) FILTER (WHERE unpaid_since IS NOT NULL), 0) AS overdue, "
    "coalesce(sum(principal_cny) FILTER (WHERE class IN ('substandard', 'doubtful', 'loss')), 0) AS bad, "
    "coalesce(sum(allowance_cny), 0) AS allowance FROM loan"
)


@router.get(PAGE)
def book_page(
    visit: Read,
    view: Annotated[View, Query()] = "open",
    class_: Annotated[Class | Literal[""], Query(alias="class")] = "",
    q: Annotated[str, Query(max_length=60)] = "",
    after: Annotated[UUID | None, Query()] = None,
) -> Response:
    """The loan book, filtered."""
    found = _chosen(visit.tx, view, class_, q, after)
    return visit.page(
        "bank_loans.html",
        listed=lines(visit.tx, [book.loan(visit.tx, each) for each in found]),
        following=found[-1] if len(found) == MOST else None,
        view=view,
        views=VIEWS,
        chosen=class_,
        q=q,
        **_whole_book(visit),
        **_words(),
    )


def _whole_book(visit: Visit) -> dict[str, Any]:
    """What is told of all loans together, and what waits."""
    institution, tx = own_institution(visit), visit.tx
    totals = tx.execute(_TOTALS).fetchone()
    assert totals is not None  # noqa: S101 - sums always have their row
    share = totals["bad"] / totals["principal"] if totals["principal"] else Decimal(0)
    return {
        "totals": totals | {"bad_share": share},
        "day": business_day(tx, institution),
        "waiting": measure.waiting(tx, institution),
        "judgements": [(each, risk.NAMES[each.kind]) for each in risk.waiting(tx, institution)],
        "asked": deferral.requests(tx, state="open"),
    }


def _words() -> dict[str, Any]:
    return {"classes": CLASSES, "class_kinds": CLASS_KINDS, "states": STATES}


def _chosen(tx: Tx, view: str, class_: str, name: str, after: UUID | None) -> list[UUID]:
    """Ids of a page of the book, the newest first."""
    rows = tx.execute(
        f"SELECT id FROM loan WHERE {_FILTER[view]} AND (%(class)s = '' OR class = %(class)s) "  # noqa: S608 - ours
        "AND (%(after)s::uuid IS NULL OR id < %(after)s) AND (%(name)s = '' OR company_id = %(name)s "
        "OR company_id IN (SELECT id FROM company WHERE name ILIKE '%%' || %(name)s || '%%')) "
        "ORDER BY id DESC LIMIT %(most)s",
        {"class": class_, "after": after, "name": name.strip(), "most": MOST},
    )
    return [row["id"] for row in rows]


@router.get(f"{PAGE}/{{loan_id}}")
def loan_page(visit: Read, loan_id: UUID) -> Response:
    """One loan with all that is known of it."""
    return _page(visit, loan_id)


def _page(visit: Visit, loan_id: UUID, error: UserError | None = None) -> Response:
    institution, tx, view = own_institution(visit), visit.tx, loan_view(visit, loan_id)
    return visit.page(
        "bank_loan.html",
        400 if error else 200,
        view=view,
        journal=[_entry(row) for row in entries_of(tx, loan_id)],
        history=_history(tx, loan_id),
        waiting=[_measure(visit, each, view.on) for each in measure.waiting(tx, institution, loan_id)],
        requests=deferral.requests(tx, loan_id=loan_id),
        risk=risk_view(visit, view.row),
        may_handle=visit.actor.may("loan.handle"),
        may_approve=visit.actor.may("loan.approve"),
        early_ways=EARLY_WAYS,
        ways=WAYS,
        error=error,
        **_words(),
    )


def _measure(visit: Visit, found: measure.Measure, on: date) -> dict[str, Any]:
    event = events.from_json({**found.told, "on": on.isoformat()})
    told = {"id": found.id, "name": found.name, "words": said(event), "reason": found.reason}
    return told | {"proposer": found.proposer, "own": found.proposed_by == visit.actor.person}


def _entry(row: Row) -> dict[str, Any]:
    return {
        **row,
        "account": ACCOUNTS[row["account"]],
        "of": measure.NAMES.get(row["kind"], ENTRIES.get(row["kind"], row["kind"])),
    }


ENTRIES = {
    "disburse": Text(zh="放款", en="paid out"),
    "repay": Text(zh="还款", en="repayment"),
    "payoff": Text(zh="结清", en="settled in full"),
    "settle": Text(zh="入账", en="settlement"),
    "accrual": Text(zh="计提", en="accrual"),
    "counter": Text(zh="冲正对冲", en="counter-entry"),
    "write_off": Text(zh="核销", en="write-off"),
}
"""What an entry is of, besides measures."""


def _history(tx: Tx, loan_id: UUID) -> list[dict[str, Any]]:
    rows = tx.execute("SELECT * FROM loan_class WHERE loan_id = %s ORDER BY on_date DESC, id DESC", [loan_id])
    return [{**row, "said": [REASONS.get(r, Text(zh=r, en=r)) for r in row["reasons"]]} for row in rows]


def act(visit: Visit, loan_id: UUID, work: Callable[[], object]) -> Response:
    """Act once and show the loan again, with the fault where there is one."""

    def done() -> Response:
        work()
        return RedirectResponse(f"{PAGE}/{loan_id}", 303)

    return attempt(visit, done, lambda error: _page(visit, loan_id, error))


@router.post(f"{PAGE}/{{loan_id}}/repayments")
def repay(visit: Handle, loan_id: UUID, amount: Amount, early: Annotated[Early, Form()] = "") -> Response:
    """Book money that came in."""

    def work() -> None:
        repayment.repay(visit.tx, visit.actor, loan_id, amount, early=early or None, key=key_of(visit))

    return act(visit, loan_id, work)


class Asked(BaseModel):
    """What the forms of all measures send; each sends what its measure needs."""

    kind: Annotated[str, Field(max_length=40)]
    reason: Annotated[str, Field(max_length=400)] = ""
    request: UUID | None = None
    amount: Annotated[Decimal, Field(gt=0, le=10**9, decimal_places=2)] | None = None
    part: Literal["interest", "penalty", "fee"] | None = None
    months: Annotated[int, Field(ge=1, le=12)] | None = None
    interest: Literal["accrues", "free"] | None = None
    extra: Annotated[int, Field(ge=1, le=120)] | None = None
    rate_percent: Annotated[Decimal, Field(ge=0, le=24, decimal_places=4)] | None = None
    count: Annotated[int, Field(ge=1, le=360)] | None = None
    way: Annotated[str, Field(max_length=40)] | None = None
    until: date | None = None
    seq: Annotated[int, Field(ge=1, le=100_000)] | None = None

    def event(self, matures_on: date) -> dict[str, Any]:
        """The measure as the JSON of its event, without its day."""
        told = self.model_dump(mode="json", exclude={"reason", "request", "rate_percent"}, exclude_none=True)
        if self.rate_percent is not None:
            told["rate"] = str(self.rate_percent / 100)
        return told | ({"from_due": matures_on.isoformat()} if self.kind == "extend_term" else {})


@router.post(f"{PAGE}/{{loan_id}}/measures")
def propose(visit: Handle, loan_id: UUID, asked: Annotated[Asked, Form()]) -> Response:
    """Propose a measure to a second person."""

    def work() -> None:
        told = asked.event(book.loan(visit.tx, loan_id).matures_on)
        measure.propose(visit.tx, visit.actor, loan_id, told, reason=asked.reason, request=asked.request)

    return act(visit, loan_id, work)


@router.post(f"{PAGE}/{{loan_id}}/measures/{{approval_id}}/approve")
def approve(visit: Approve, loan_id: UUID, approval_id: UUID) -> Response:
    """The second person agrees."""
    return act(visit, loan_id, lambda: measure.approve(visit.tx, visit.actor, approval_id))


@router.post(f"{PAGE}/{{loan_id}}/measures/{{approval_id}}/refuse")
def refuse(visit: Approve, loan_id: UUID, approval_id: UUID, reason: Words = "") -> Response:
    """The second person does not agree."""
    return act(visit, loan_id, lambda: measure.refuse(visit.tx, visit.actor, approval_id, reason))


@router.post(f"{PAGE}/{{loan_id}}/deferral/{{request_id}}/refuse")
def refuse_deferral(visit: Handle, loan_id: UUID, request_id: UUID, words: Words = "") -> Response:
    """Tell the company that its dues don't move."""
    return act(visit, loan_id, lambda: deferral.refuse(visit.tx, request_id, words))
