"""Products matched to the firm: ranked with why each fits, and which rule keeps the others away."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from fastapi import Query
from fastapi.routing import APIRouter
from starlette.responses import Response

from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.kernel.clock import today
from xinqiao.kernel.errors import UserError
from xinqiao.lending.chance import usual_chances
from xinqiao.lending.cost import METHOD
from xinqiao.lending.matching import Excluded, Matcher, Matches, Request, firm_of
from xinqiao.lending.product import open_products
from xinqiao.portal.enterprise import own_company
from xinqiao.portal.loan_words import CLASSES, DRAWDOWNS, REPAYMENTS, chance, wan_of
from xinqiao.portal.visit import Visit, needs
from xinqiao.portrait.credit_file import CreditFile, latest

router = APIRouter()
TERMS = (3, 6, 12, 24, 36, 60)
SORTS = ("fit", "rate", "limit")
FIRST = 10
"""Products shown at once; the others stand folded below."""
_FACTS = "company_kind size peer_group industry industry_section industry_division industry_group"
FIXED = frozenset(f"application.{name}" for name in _FACTS.split())
"""What a firm is, not what it does: no value that would pass is told."""


def file_of(tx: Tx, company_id: str) -> CreditFile | None:
    """The firm's file for the platform's own work; None where there is none yet."""
    try:
        return latest(tx, company_id)
    except UserError as error:
        if error.code != "PTR-ABSENT":
            raise
        return None


def matched(tx: Tx, file: CreditFile, request: Request) -> Matches:
    """Today's shelf matched with a firm, lenders' quotas minded."""
    matcher = Matcher(open_products(tx), today(), usual_chances(), {}, quota_spent(tx))
    return matcher.match(firm_of(file, request))


def quota_spent(tx: Tx) -> dict[str, Decimal]:
    """What was accepted of each offer on the shelf that has a quota, by its id (all firms' together)."""
    with acting(tx, SYSTEM):
        rows = tx.execute(
            "SELECT p.id, sum(o.amount_cny) AS spent FROM institution_product p JOIN offer o "
            "ON o.institution_id = p.institution_id AND o.product_id = p.product_id "
            "AND o.product_version = p.version AND o.state = 'accepted' "
            "WHERE p.state = 'open' AND p.quota_cny IS NOT NULL GROUP BY p.id"
        ).fetchall()
    return {str(row["id"]): row["spent"] for row in rows}


@router.get("/enterprise/products")
def products_page(
    visit: Annotated[Visit, needs("company.own")],
    amount: Annotated[str, Query(max_length=20)] = "",
    months: Annotated[int | None, Query(ge=0, le=360)] = None,
    sort: Annotated[str, Query(max_length=10)] = "fit",
) -> Response:
    """The shelf for a sum (in 10,000 CNY) and a term, both optional."""
    file = file_of(visit.tx, own_company(visit))
    if file is None:
        return visit.page("enterprise_absent.html")
    wanted = wan_of(amount)
    found = matched(visit.tx, file, Request(amount_cny=wanted, term_months=months or None))
    ranked = sorted(found.ranked, key=lambda m: _order(sort, m.rate, m.limit_cny))
    return visit.page(
        "enterprise_products.html",
        ranked=ranked,
        excluded=sorted(found.excluded, key=not_for_it),
        fixed=FIXED,
        first=FIRST,
        amount=amount if wanted else "",
        bad_amount=bool(amount.strip()) and wanted is None,
        months=months,
        terms=TERMS,
        sort=sort if sort in SORTS else "fit",
        method=METHOD,
        classes=CLASSES,
        repayments=REPAYMENTS,
        drawdowns=DRAWDOWNS,
        chance=chance,
    )


def not_for_it(each: Excluded) -> bool:
    """Whether a product is for another kind of firm altogether; such come last."""
    return any(need.source in FIXED for barrier in each.barriers for need in barrier.needed)


def _order(sort: str, rate: Decimal, limit_cny: Decimal) -> Decimal:
    """By rate or limit where asked; else as ranked (the sort is stable)."""
    return rate if sort == "rate" else -limit_cny if sort == "limit" else Decimal(0)
