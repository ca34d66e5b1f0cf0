"""Bulk measures of policy: chosen, previewed, proposed, decided by a second person, watched and undone."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal, cast
from uuid import UUID

from fastapi import Form, Query
from fastapi.routing import APIRouter
from starlette.datastructures import QueryParams
from starlette.responses import RedirectResponse, Response

from xinqiao.enterprise.industry import industries
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.loan.classification import NAMES
from xinqiao.portal.bank_portrait import own_institution
from xinqiao.portal.groupings import division_name, size_name
from xinqiao.portal.visit import Visit, needs
from xinqiao.servicing import bulk_action, bulk_choice, bulk_work
from xinqiao.servicing.bulk_choice import Choice, Kind, Measure
from xinqiao.servicing.business_day import business_day

__all__ = ["bulk_work", "router"]  # the jobs are declared where the pages are

router = APIRouter()
PATH = "/bank/bulk-actions"
SHOWN = 200
MEASURES: dict[str, Text] = {
    "defer": Text(zh="延期还本付息", en="deferral"),
    "interest_free": Text(zh="免息期", en="interest-free months"),
    "rate_change": Text(zh="调整利率", en="another rate"),
}
INTEREST: dict[str, Text] = {
    "accrues": Text(zh="延期期间照常计息", en="interest goes on"),
    "free": Text(zh="延期期间免息", en="no interest meanwhile"),
}
Codes = Annotated[list[str], Query(max_length=40)]
Reads = Annotated[Visit, needs("loan.read")]
Handles = Annotated[Visit, needs("loan.handle")]
Approves = Annotated[Visit, needs("loan.approve")]
_PRESENT = """
    SELECT left(c.industry, 3) AS industry, c.division, c.size, l.product_id, l.class
    FROM loan l LEFT JOIN company c ON c.id = l.company_id
    WHERE l.institution_id = %s AND l.state = 'open' GROUP BY 1, 2, 3, 4, 5
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen: what the open loans have, by code with its name."""

    industries: dict[str, Text]
    divisions: dict[str, Text]
    sizes: dict[str, Text]
    products: dict[str, Text]
    classes: dict[str, Text]


def _options(visit: Visit) -> Options:
    rows = visit.tx.execute(_PRESENT, [own_institution(visit)]).fetchall()

    def codes(name: str) -> list[str]:
        return sorted({row[name] for row in rows if row[name]})

    known = industries()
    names = {code: known[code].name if code in known else code for code in codes("industry")}
    return Options(
        {code: Text(zh=f"{code} {name}", en=code) for code, name in names.items()},
        {code: division_name(code) for code in codes("division")},
        {code: size_name(code) for code in codes("size")},
        {code: Text(zh=code, en=code) for code in codes("product_id")},
        {code: NAMES[code] for code in codes("class")},  # type: ignore[index] # the table checks it
    )


@router.get(PATH)
def page(visit: Reads) -> Response:
    """The measures so far, and a form for another."""
    return visit.page(
        "bank_bulk_actions.html",
        actions=bulk_action.actions(visit.tx, own_institution(visit)),
        options=_options(visit),
        measures=MEASURES,
        interest=INTEREST,
        states=bulk_action.STATES,
        most_months=bulk_choice.MOST_MONTHS,
    )


@router.get(f"{PATH}/preview")
def preview(  # noqa: PLR0917 - the fields of a form
    visit: Handles,
    industry: Codes = [],  # noqa: B006 - FastAPI copies it
    division: Codes = [],  # noqa: B006
    size: Codes = [],  # noqa: B006
    product: Codes = [],  # noqa: B006
    cls: Codes = [],  # noqa: B006
    kind: Literal["defer", "interest_free", "rate_change"] = "defer",
    months: Annotated[str, Query(max_length=4)] = "3",
    interest: Literal["accrues", "free"] = "accrues",
    rate: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """What a measure would reach and cost; nothing is done."""
    chosen = Choice(
        industries=tuple(industry),
        divisions=tuple(division),
        sizes=tuple(size),
        products=tuple(product),
        classes=tuple(cls),
    )
    measure = _measure(kind, months, interest, rate)
    bank = own_institution(visit)
    found = bulk_choice.preview(visit.tx, bank, chosen, measure, business_day(visit.tx, bank))
    return visit.page(
        "bank_bulk_preview.html",
        found=found,
        choice=chosen,
        measure=measure,
        asked=visit.request.url.query,
        options=_options(visit),
        measures=MEASURES,
        interest=INTEREST,
        classes=NAMES,
        shown=SHOWN,
    )


@router.post(PATH)
def propose(
    visit: Handles,
    title: Annotated[str, Form(max_length=200)],
    asked: Annotated[str, Form(max_length=4000)],
    seen: Annotated[str, Form(max_length=80)],
) -> Response:
    """Put what was previewed up for a second person; ``asked``: the preview's own question."""
    chosen, measure = _asked(asked)

    def work() -> Response:
        made = bulk_action.propose(visit.tx, visit.actor, title, chosen, measure, seen=seen)
        return RedirectResponse(f"{PATH}/{made}", 303)

    return visit.once(work)


@router.get(f"{PATH}/{{action_id}}")
def one(visit: Reads, action_id: UUID) -> Response:
    """A measure, its loans, and what may be done with it now; the page loads itself anew while a job runs."""
    found = bulk_action.action(visit.tx, action_id)
    if found.state in ("running", "undoing"):
        visit.headers["Refresh"] = "3"
    return visit.page(
        "bank_bulk_action.html",
        a=found,
        loans=bulk_action.loans_of(visit.tx, action_id, SHOWN),
        options=_options(visit),
        measures=MEASURES,
        interest=INTEREST,
        classes=NAMES,
        states=bulk_action.STATES,
        loan_states=bulk_action.LOAN_STATES,
        shown=SHOWN,
    )


@router.get(f"{PATH}/{{action_id}}/loans.csv")
def loans_file(visit: Reads, action_id: UUID) -> Response:
    """All loans of a measure as CSV."""
    bulk_action.action(visit.tx, action_id)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["loan_id", "company_id", "principal_cny", "estimate_cny", "extra_cny", "state", "note"])
    for x in bulk_action.loans_of(visit.tx, action_id, bulk_choice.MOST_LOANS):
        writer.writerow(
            [x.loan_id, x.company_id, x.principal_cny, x.cost_cny, x.extra_cny or "", x.state, x.note]
        )
    headers = {"Content-Disposition": f'attachment; filename="bulk-{action_id}.csv"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


@router.post(f"{PATH}/{{action_id}}/decide")
def decide(
    visit: Approves,
    action_id: UUID,
    outcome: Annotated[Literal["approved", "refused"], Form()],
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """The second person decides; once approved it is done."""

    def work() -> Response:
        bulk_action.decide(visit.tx, visit.actor, action_id, outcome, reason)
        return RedirectResponse(f"{PATH}/{action_id}", 303)

    return visit.once(work)


@router.post(f"{PATH}/{{action_id}}/withdraw")
def withdraw(visit: Handles, action_id: UUID) -> Response:
    """Take it back before anything is done."""

    def work() -> Response:
        bulk_action.withdraw(visit.tx, visit.actor, action_id)
        return RedirectResponse(f"{PATH}/{action_id}", 303)

    return visit.once(work)


@router.post(f"{PATH}/{{action_id}}/undo")
def propose_undo(
    visit: Handles, action_id: UUID, reason: Annotated[str, Form(max_length=500)] = ""
) -> Response:
    """Ask a second person to have it undone."""

    def work() -> Response:
        bulk_action.propose_undo(visit.tx, visit.actor, action_id, reason)
        return RedirectResponse(f"{PATH}/{action_id}", 303)

    return visit.once(work)


@router.post(f"{PATH}/{{action_id}}/undo/decide")
def decide_undo(
    visit: Approves, action_id: UUID, outcome: Annotated[Literal["approved", "refused"], Form()]
) -> Response:
    """The second person decides on undoing."""

    def work() -> Response:
        bulk_action.decide_undo(visit.tx, visit.actor, action_id, outcome)
        return RedirectResponse(f"{PATH}/{action_id}", 303)

    return visit.once(work)


def _measure(kind: str, months: str, interest: str, rate: str) -> Measure:
    """The measure a form tells; the rate in percent. Raises UserError SRV-BULK."""
    try:
        counted = int(months or 0)
        share = Decimal(rate) / 100 if rate.strip() else None
    except (ValueError, InvalidOperation):
        fail("SRV-BULK", kind, months=bulk_choice.MOST_MONTHS, rate=bulk_choice.HIGHEST_RATE)
    told = Measure(
        kind=cast("Kind", kind),
        months=0 if kind == "rate_change" else counted,
        interest="free" if interest == "free" else "accrues",
        rate=share if kind == "rate_change" else None,
    )
    return bulk_choice.checked(told)


def _asked(query: str) -> tuple[Choice, Measure]:
    """The preview's question again. Raises UserError SRV-BULK."""
    told = QueryParams(query)
    lists = {name: tuple(told.getlist(name)) for name in ("industry", "division", "size", "product", "cls")}
    chosen = Choice(
        industries=lists["industry"],
        divisions=lists["division"],
        sizes=lists["size"],
        products=lists["product"],
        classes=lists["cls"],
    )
    kind = told.get("kind", "defer")
    if kind not in MEASURES:
        fail("SRV-BULK", kind, months=bulk_choice.MOST_MONTHS, rate=bulk_choice.HIGHEST_RATE)
    return chosen, _measure(
        kind, told.get("months", "3"), told.get("interest", "accrues"), told.get("rate", "")
    )
