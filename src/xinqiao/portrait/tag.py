"""Tags: short words about a firm, each defined by an expression over indicators.

A tag holds, does not hold, or is unknown because an indicator it rests on is missing: unknown is
never taken for "does not hold". Definitions stand in ``catalog/tags/*.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from xinqiao.indicator.definition import indicators
from xinqiao.indicator.engine import DuckDB
from xinqiao.indicator.model import COMPANY, Formula
from xinqiao.indicator.snapshot import Snapshot
from xinqiao.indicator.view import compile_formula
from xinqiao.kernel.document import parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.expression import names, parse_expression
from xinqiao.kernel.text import Text

Tone = Literal["good", "bad", "plain"]
SCHEMA = pa.schema([(COMPANY, pa.string()), ("tag", pa.string())])


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _TagShape(_Shape):
    name: Text
    dimension: str
    tone: Tone
    expr: str
    definition: Text


class _File(_Shape):
    dimensions: dict[str, Text]
    tags: dict[str, _TagShape]


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag. ``tone`` says whether a lender likes it; ``rests_on`` are indicators."""

    id: str
    name: Text
    dimension: str
    tone: Tone
    definition: Text
    formula: Formula

    @property
    def rests_on(self) -> tuple[str, ...]:
        """The indicators in its expression, each once."""
        return tuple(dict.fromkeys(names(self.formula.node)))


@dataclass(frozen=True, slots=True)
class Tags:
    """All tags by id, in the order written, and the names of their dimensions."""

    dimensions: dict[str, Text]
    tags: dict[str, Tag]


def load(text: str, origin: str) -> Tags:
    """Parse and check a file of tags.

    Raises UserError DOC-*, EXPR-*, PRT-DIMENSION, PRT-INDICATOR with file and line.
    """
    file, lines = parse(text, _File, origin)
    found: dict[str, Tag] = {}
    for key, shape in file.tags.items():
        if shape.dimension not in file.dimensions:
            where = lines.where(("tags", key, "dimension"))
            fail("PRT-DIMENSION", where, name=shape.dimension, known=", ".join(file.dimensions))
        where = lines.where(("tags", key, "expr"))
        formula = Formula(parse_expression(shape.expr, where), shape.expr, where)
        check_indicators(formula)
        found[key] = Tag(key, shape.name, shape.dimension, shape.tone, shape.definition, formula)
    return Tags(file.dimensions, found)


def check_indicators(formula: Formula) -> None:
    """Raise UserError PRT-INDICATOR at the first name that is not an indicator."""
    for name in names(formula.node):
        if name not in indicators():
            fail("PRT-INDICATOR", formula.where, name=name)


@cache
def tags() -> Tags:
    """The tags of the catalog."""
    file = files("xinqiao").joinpath("catalog", "tags", "tags.yaml")
    return load(file.read_text("utf-8"), "catalog/tags/tags.yaml")


@dataclass(frozen=True, slots=True)
class Tagged:
    """``held``: rows (company_id, tag) of tags that hold; ``unknown``: of those nobody can tell.

    Both sorted by company, then in the order of the catalog.
    """

    held: pa.Table
    unknown: pa.Table

    def of(self) -> dict[str, list[str]]:
        """Company -> its tags."""
        return _grouped(self.held)

    def unknown_of(self) -> dict[str, list[str]]:
        """Company -> the tags that are unknown for it."""
        return _grouped(self.unknown)


def tag_companies(snapshot: Snapshot, known: Iterable[Tag] | None = None) -> Tagged:
    """Evaluate tags (all when None) for every company of ``snapshot``.

    A tag that rests on an indicator the snapshot does not hold is unknown for everyone.
    """
    chosen = list(known if known is not None else tags().tags.values())
    rows = truths(snapshot, {tag.id: tag.formula for tag in chosen})
    held = [(row[COMPANY], tag.id) for row in rows for tag in chosen if row[tag.id]]
    unknown = [(row[COMPANY], tag.id) for row in rows for tag in chosen if row[tag.id] is None]
    return Tagged(_table(held), _table(unknown))


def truths(snapshot: Snapshot, formulas: dict[str, Formula]) -> list[dict[str, Any]]:
    """Rows by company: its id and, for each formula, True, False or None (unknown)."""
    held = set(snapshot.values.column_names)
    able = {key: f for key, f in formulas.items() if set(names(f.node)) <= held}
    with DuckDB() as engine:
        table = engine.table("snapshot", snapshot.values)
        columns = {key: compile_formula(formula, table, snapshot.as_of) for key, formula in able.items()}
        found = engine.fetch(table.select(COMPANY, **columns))
    rows: list[dict[str, Any]] = found.sort_by(COMPANY).to_pylist()
    lacking = dict.fromkeys(key for key in formulas if key not in able)
    return [row | lacking for row in rows]


def _table(rows: list[tuple[str, str]]) -> pa.Table:
    return pa.table([[key for key, _ in rows], [tag for _, tag in rows]], schema=SCHEMA)


def _grouped(table: pa.Table) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, tag in zip(table[COMPANY].to_pylist(), table["tag"].to_pylist(), strict=True):
        found.setdefault(key, []).append(tag)
    return found
