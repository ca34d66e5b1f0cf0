"""Operator and regulator: all loan books together, with nothing that tells of a firm or a lender."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from xinqiao.db.database import Row
from xinqiao.kernel.text import Text
from xinqiao.lending.release_rule import K, Table
from xinqiao.loan.classification import NAMES
from xinqiao.monitoring.released import condition, divided, open_loans
from xinqiao.portal.groupings import OTHERS, UNKNOWN, division_name, industry_name, size_name
from xinqiao.portal.operator import Line
from xinqiao.portal.visit import Visit, needs

router = APIRouter(include_in_schema=False)
Statistics = Annotated[Visit, needs("platform.statistics")]
CONDITION_NAMES = {
    "normal": NAMES["normal"],
    "special_mention": NAMES["special_mention"],
    "bad": Text(zh="不良", en="non-performing"),
}


def _condition_name(key: str | None) -> Text:
    return OTHERS if key is None else CONDITION_NAMES[key]


def _section(row: Row) -> str:
    return (row["industry"] or UNKNOWN)[:1]


def _division(row: Row) -> str:
    return row["division"] or UNKNOWN


def _size(row: Row) -> str:
    return row["size"] or UNKNOWN


DIMENSIONS = (
    (Text(zh="五级分类", en="Class"), condition, _condition_name),
    (Text(zh="行业", en="Industry"), _section, industry_name),
    (Text(zh="区县", en="District"), _division, division_name),
    (Text(zh="规模", en="Size"), _size, size_name),
)


@router.get("/operator/portfolio")
def portfolio_page(visit: Statistics) -> Response:
    """Open loans of all lenders by class, industry, district and size."""
    loans = open_loans(visit.tx)
    groups = []
    for name, key, named in DIMENSIONS:
        table: Table[str] = divided(loans, key)
        rows = [(named(each), figure) for each, figure in table.cells]
        rows += [(OTHERS, table.others)] if table.others else []
        most = max((float(figure.amount_cny or 0) for _, figure in rows), default=0.0) or 1.0
        lines = [Line(text, figure, float(figure.amount_cny or 0) / most) for text, figure in rows]
        groups.append((name, sorted(lines, key=lambda line: -line.share)))
    return visit.page(
        "operator_portfolio.html", groups=groups, total=divided(loans, lambda _: "all").total, k=K
    )
