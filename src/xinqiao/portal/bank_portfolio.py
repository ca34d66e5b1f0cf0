"""The portfolio of an institution: vintages, roll rates, migration, concentration, expected loss, stress."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import polars as pl
from fastapi import Query
from fastapi.routing import APIRouter
from markupsafe import Markup
from starlette.responses import Response

from xinqiao.kernel.text import Text
from xinqiao.lending.product import institution_products
from xinqiao.monitoring import loan_book, portfolio
from xinqiao.monitoring.parameters import parameters
from xinqiao.monitoring.portfolio import Concentration, Flow, Vintage
from xinqiao.monitoring.stress import scenarios, stress
from xinqiao.portal.bank_portrait import own_institution
from xinqiao.portal.groupings import division_name, industry_name, size_name
from xinqiao.portal.visit import Visit, needs
from xinqiao.report.charts.rates import KINDS, Curve, rates

router = APIRouter()
Read = Annotated[Visit, needs("loan.read")]
BAD_DAYS = (30, 90)
SPANS = (1, 3, 12)
LEAST_MONTHS = 3
Days = Annotated[int, Query(ge=1, le=360)]
Span = Annotated[int, Query(ge=1, le=24)]


@dataclass(frozen=True, slots=True)
class Dimension:
    """What the book is divided by: a column, and how its values are named (None: by the column ``label``)."""

    column: str
    name: Text
    named: Callable[[str | None], Text] | None = None
    label: str | None = None


DIMENSIONS = {
    "industry": Dimension("section", Text(zh="行业", en="Industry"), industry_name),
    "district": Dimension("division", Text(zh="区县", en="District"), division_name),
    "size": Dimension("size", Text(zh="规模", en="Size"), size_name),
    "product": Dimension("product_id", Text(zh="产品", en="Product")),
    "group": Dimension("group", Text(zh="集团或单户", en="Group or single borrower"), label="name"),
}
File = Literal["vintages", "rolls", "migration", "concentration"]


@router.get("/bank/portfolio")
def portfolio_page(visit: Read, days: Days = 30, span: Span = 12, shock: str = "") -> Response:
    """The whole book at a glance."""
    institution = own_institution(visit)
    months, loans = (
        loan_book.months(visit.tx, institution),
        loan_book.open_loans(visit.tx, institution),
    )
    known = scenarios()
    found = stress(loans, shock) if shock in known and not loans.is_empty() else None
    curves = portfolio.vintages(months, days)
    return visit.page(
        "bank_portfolio.html",
        loss=portfolio.expected_loss(loans),
        vintages=curves,
        chart=_chart(curves, days),
        rolls=portfolio.rolls(months, parameters().buckets),
        migration=portfolio.migration(months, span),
        parts=[(key, d, portfolio.concentration(loans, d.column, d.label)) for key, d in DIMENSIONS.items()],
        part_name=partial(part_name, _products(visit)),
        top=portfolio.TOP,
        days=days,
        bad_days=BAD_DAYS,
        span=span,
        spans=SPANS,
        scenarios=list(known.items()),
        shock=shock,
        stressed=found,
        assumed=parameters().assumed,
        kept=portfolio.month_ends_kept(months),
    )


def _products(visit: Visit) -> dict[str, Text]:
    """The institution's products by id."""
    offers = institution_products(visit.tx, own_institution(visit))
    return {offer.product_id: offer.product.file.name for offer in offers}


def part_name(products: Mapping[str, Text], key: str, dimension: Dimension, name: str) -> Text:
    """A part of the book in words."""
    if dimension.named is not None:
        return dimension.named(key)
    return products.get(key, Text(zh=name, en=name))


def _chart(found: Sequence[Vintage], days: int) -> Markup | None:
    """The latest quarters that are old enough to show a curve."""
    old = [each for each in found if len(each.shares) >= LEAST_MONTHS][-len(KINDS) :]
    if not old:
        return None
    curves = [Curve(Text(zh=each.quarter, en=each.quarter), each.shares) for each in old]
    title = Text(
        zh=f"放款后逾期曾满 {days} 天的金额占比", en=f"share of the sum lent ever {days} days overdue"
    )
    return rates(title, curves, Text(zh="放款后月数", en="months on book"))


@router.get("/bank/portfolio/{name}.csv")
def portfolio_file(visit: Read, name: File, days: Days = 30, span: Span = 12) -> Response:
    """A table of the portfolio page as CSV."""
    institution = own_institution(visit)
    if name == "concentration":
        rows = _concentration_rows(loan_book.open_loans(visit.tx, institution), _products(visit))
    else:
        months = loan_book.months(visit.tx, institution)
        rows = {
            "vintages": lambda: _vintage_rows(portfolio.vintages(months, days)),
            "rolls": lambda: _flow_rows(portfolio.rolls(months, parameters().buckets)),
            "migration": lambda: _flow_rows(portfolio.migration(months, span)),
        }[name]()
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _vintage_rows(found: Sequence[Vintage]) -> Iterable[list[str]]:
    longest = max((len(each.shares) for each in found), default=0)
    yield ["quarter", "loans", "amount_cny", *(f"month_{k}" for k in range(longest))]
    for each in found:
        yield [each.quarter, str(each.loans), f"{each.amount_cny:.2f}", *(f"{s:.6f}" for s in each.shares)]


def _flow_rows(flow: Flow) -> Iterable[list[str]]:
    yield ["from", "principal_cny", *(str(name) for name in flow.columns)]
    for name, total, shares in zip(flow.rows, flow.sums, flow.shares, strict=True):
        yield [str(name), f"{total:.2f}", *(f"{s:.6f}" for s in shares)]


def _concentration_rows(loans: pl.DataFrame, products: Mapping[str, Text]) -> Iterable[list[str]]:
    yield ["dimension", "part", "name", "borrowers", "exposure_cny", "share", "expected_loss_cny", "hhi"]
    for key, dimension in DIMENSIONS.items():
        found: Concentration = portfolio.concentration(loans, dimension.column, dimension.label)
        for part in found.parts:
            sums = [f"{part.exposure_cny:.2f}", f"{part.share:.6f}", f"{part.loss_cny:.2f}"]
            name = str(part_name(products, part.key, dimension, part.name))
            yield [key, part.key, name, str(part.borrowers), *sums, f"{found.index:.6f}"]
