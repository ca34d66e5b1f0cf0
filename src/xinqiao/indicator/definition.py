"""Definitions of views and indicators: their shape in the catalog, and loading them.

A **view** is a derived table. Its steps, in this order::

    from      a contract (seen as of T), a table of the graph (`relation.measures`) or another view
    join      views joined on equal columns, their columns under a prefix
    columns   new columns, each may use those before it
    where     rows kept
    by        group keys; ``[company_id]`` makes a company view
    measures  aggregates; without them the view keeps its rows
    select    without measures: the columns kept (all when not given)
    dense     with ``by: [company_id, month]``: the last n complete months, empty ones with 0

The measures of all company views share one namespace, in which an **indicator** writes its
``expr`` and its ``needs``. What contract fields an indicator rests on is derived from the
expressions (`lineage`), never written by hand.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from xinqiao.indicator.check import check
from xinqiao.indicator.model import (
    COMPANY,
    Catalog,
    Direction,
    Formula,
    Indicator,
    Join,
    Need,
    RedFlag,
    View,
)
from xinqiao.indicator.reason import REASONS
from xinqiao.indicator.unit import UNITS
from xinqiao.kernel.document import Lines, parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.expression import parse_expression
from xinqiao.kernel.text import Text

__all__ = ["COMPANY", "Catalog", "Indicator", "View", "catalog", "indicators", "load"]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class JoinShape(_Shape):
    """A join as written: left column -> column of the joined view."""

    view: str
    on: dict[str, str] = Field(min_length=1)
    prefix: str
    inner: bool = False


class ViewShape(_Shape):
    """A view as written."""

    id: str
    source: str = Field(alias="from")
    join: list[JoinShape] = []
    columns: dict[str, str] = {}
    where: str | None = None
    by: list[str] = []
    measures: dict[str, str] = {}
    select: list[str] = []
    dense: int | None = Field(default=None, ge=1, le=120)


class NeedShape(_Shape):
    """A condition for a value to exist, and the reason when it does not hold."""

    expr: str
    reason: str


class FlagShape(_Shape):
    """A red flag: an expression on ``value`` (and other indicators), and its words."""

    expr: str
    text: Text


class IndicatorShape(_Shape):
    """An indicator as written."""

    id: str
    name: Text
    formula: Text
    window: str
    unit: str
    direction: Direction
    expr: str
    needs: list[NeedShape] = []
    red_flag: FlagShape | None = None
    covered_by: str | None = None


class FileShape(_Shape):
    """One catalog file: ``source`` and ``covered_by`` hold for all its indicators."""

    source: str
    covered_by: str
    views: list[ViewShape] = []
    indicators: list[IndicatorShape] = []


def _formula(text: str, where: str) -> Formula:
    return Formula(parse_expression(text, where), text, where)


def _view(shape: ViewShape, lines: Lines, at: tuple[str, int]) -> View:
    def formulas(part: str, texts: dict[str, str]) -> dict[str, Formula]:
        return {name: _formula(text, lines.where((*at, part, name))) for name, text in texts.items()}

    condition = _formula(shape.where, lines.where((*at, "where"))) if shape.where else None
    joins = tuple(Join(j.view, tuple(sorted(j.on.items())), j.prefix, j.inner) for j in shape.join)
    return View(
        id=shape.id,
        source=shape.source,
        joins=joins,
        columns=formulas("columns", shape.columns),
        condition=condition,
        by=tuple(shape.by),
        measures=formulas("measures", shape.measures),
        dense=shape.dense,
        select=tuple(shape.select),
        where=lines.where(at),
    )


def _indicator(shape: IndicatorShape, file: FileShape, lines: Lines, at: tuple[str, int]) -> Indicator:
    if shape.unit not in UNITS:
        fail(
            "IND-SHAPE",
            lines.where((*at, "unit")),
            name=shape.id,
            detail=f"unit {shape.unit} ∉ {sorted(UNITS)}",
        )
    needs = []
    for i, need in enumerate(shape.needs):
        place = lines.where((*at, "needs", i))
        if need.reason not in REASONS:
            fail("IND-SHAPE", place, name=shape.id, detail=f"reason {need.reason} ∉ {sorted(REASONS)}")
        needs.append(Need(_formula(need.expr, place), need.reason))
    flag = shape.red_flag
    return Indicator(
        id=shape.id,
        name=shape.name,
        source=file.source,
        formula=shape.formula,
        unit=UNITS[shape.unit],
        direction=shape.direction,
        window=shape.window,
        covered_by=shape.covered_by or file.covered_by,
        expr=_formula(shape.expr, lines.where((*at, "expr"))),
        needs=tuple(needs),
        red_flag=RedFlag(_formula(flag.expr, lines.where((*at, "red_flag"))), flag.text) if flag else None,
    )


def load(documents: dict[str, str]) -> Catalog:
    """Parse catalog files (name -> YAML text) into a checked catalog.

    Raises UserError (DOC-*, EXPR-*, IND-*) with file and line at the first fault.
    """
    views: dict[str, View] = {}
    found: dict[str, Indicator] = {}
    for origin, text in documents.items():
        file, lines = parse(text, FileShape, origin)
        for i, view_shape in enumerate(file.views):
            if view_shape.id in views:
                fail("IND-DUPLICATE", lines.where(("views", i)), name=view_shape.id)
            views[view_shape.id] = _view(view_shape, lines, ("views", i))
        for i, shape in enumerate(file.indicators):
            if shape.id in found:
                fail("IND-DUPLICATE", lines.where(("indicators", i)), name=shape.id)
            found[shape.id] = _indicator(shape, file, lines, ("indicators", i))
    catalog = Catalog(views, found)
    check(catalog)
    return catalog


@cache
def catalog() -> Catalog:
    """The catalog shipped with the package, loaded once."""
    folder = files("xinqiao").joinpath("catalog", "indicators")
    documents = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    return load({f"catalog/indicators/{f.name}": f.read_text("utf-8") for f in documents})


def indicators() -> dict[str, Indicator]:
    """All indicators by id, in catalog order."""
    return dict(catalog().indicators)
