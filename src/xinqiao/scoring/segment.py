"""Segments (客群): which general model a company is scored by, by its kind, age and size.

A segment is a file of ``catalog/segments``: a condition, the sources whose indicators its firms
realistically have, and what serves them while outcomes are too few for a card of their own. Segments
are asked in their order; an unknown condition is not met, and the last has none, so that nobody falls
through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from xinqiao.indicator.definition import indicators
from xinqiao.kernel.document import Lines, parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.expression import names, parse_expression
from xinqiao.kernel.text import Text
from xinqiao.scoring.card import Frozen, Value
from xinqiao.scoring.columns import Column, Columns
from xinqiao.scoring.condition import Given, read_condition
from xinqiao.source.contract import contracts

GENERAL = "general"
"""The card learned from all companies."""
KIND, INDUSTRY = "company_kind", "industry"
FACTS = (KIND, INDUSTRY)
"""What the register says of a company beside its indicators: texts, missing where unknown."""
LEAST_BADS = 60


class Segment(Frozen):
    """A kind of company with a general model of its own.

    ``when``: condition on ``FACTS`` and indicators; absent, everyone left. ``sources``: codes of the data
    catalogue; ``without``: indicators of them that such firms do not have. With fewer than ``least_bads``
    bad (or good) firms the card of ``fallback`` serves: another segment's, or the general one.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    order: int
    name: Text
    about: Text
    when: str | None = None
    sources: tuple[str, ...] = Field(min_length=1)
    without: tuple[str, ...] = ()
    least_bads: int = Field(default=LEAST_BADS, ge=1)
    fallback: str = GENERAL

    def columns(self, sources: Mapping[str, str]) -> list[str]:
        """Those of the indicators ``sources`` (id -> source) that firms of this segment have."""
        return [i for i, source in sources.items() if source in self.sources and i not in self.without]


class Router:
    """Says which of ``conditions`` (None: everyone left) holds first; ``where`` goes into errors.

    Raises UserError EXPR-* or SCR-CONDITION for a condition that cannot be read.
    """

    def __init__(self, conditions: Sequence[str | None], where: Sequence[str]) -> None:
        pairs = zip(conditions, where, strict=True)
        self._tests = [None if text is None else read_condition(text, FACTS, at) for text, at in pairs]
        every = (name for test in self._tests if test is not None for name in test.names)
        self.names = tuple(dict.fromkeys(every))

    def of_row(self, row: Mapping[str, Value]) -> int:
        """Place of the first condition ``row`` meets; raises UserError SCR-COLUMN-ABSENT, SCR-COLUMN-TYPE."""
        absent = [n for n in self.names if n not in row]
        if absent:
            fail("SCR-COLUMN-ABSENT", "row", columns=", ".join(absent))
        return int(self._places({n: _one(n, row[n]) for n in self.names}, 1)[0])

    def of_columns(self, columns: Columns) -> NDArray[np.intp]:
        """Place of the first condition each row meets, shape (rows,); errors as ``of_row``."""
        chosen = columns.select(self.names)
        return self._places({n: _typed(n, chosen.column(n)) for n in self.names}, columns.rows)

    def _places(self, given: Given, rows: int) -> NDArray[np.intp]:
        out = np.full(rows, len(self._tests) - 1, dtype=np.intp)
        left = np.ones(rows, dtype=bool)
        for place, test in enumerate(self._tests):
            met = left if test is None else left & test.truth(given).true
            out[met] = place
            left = left & ~met
        return out


def _one(name: str, value: Value) -> Column:
    if isinstance(value, str) or name in FACTS:
        return _typed(name, np.array([value], dtype=object))
    return np.array([np.nan if value is None else value], dtype=np.float64)


def _typed(name: str, column: Column) -> Column:
    """``column`` as conditions read it: facts as texts, all others as numbers."""
    text = column.dtype == object
    if text == (name in FACTS):
        if text:
            column = column.copy()
            column[pd.isna(column)] = None
            if not all(value is None or isinstance(value, str) for value in column.tolist()):
                fail("SCR-COLUMN-TYPE", "X", column=name, found="number", wanted="text")
        return column
    if not pd.isna(column).all():
        fail(
            "SCR-COLUMN-TYPE",
            "X",
            column=name,
            found=("number", "text")[text],
            wanted=("text", "number")[text],
        )
    return np.full(len(column), np.nan) if text else np.full(len(column), None, dtype=object)


def load_segments(texts: Iterable[tuple[str, str]]) -> tuple[Segment, ...]:
    """The segments written in ``texts`` (file name, content), in their order.

    Raises UserError DOC-*, EXPR-*, SCR-CONDITION or SCR-SEGMENT, with file and line.
    """
    read = [parse(text, Segment, origin) for origin, text in texts]
    if not read:
        fail("SCR-SEGMENT", "segments", detail="no segment / 没有客群")
    read.sort(key=lambda pair: pair[0].order)
    for place, (segment, lines) in enumerate(read):
        _check(segment, lines, [s for s, _ in read], last=place == len(read) - 1)
    found = tuple(s for s, _ in read)
    Router([s.when for s in found], [lines.where(("when",)) for _, lines in read])
    return found


def _check(segment: Segment, lines: Lines, every: Sequence[Segment], *, last: bool) -> None:
    def wrong(key: str, detail: str) -> None:
        fail("SCR-SEGMENT", lines.where((key,)), detail=detail)

    others = [s for s in every if s is not segment]
    if segment.id == GENERAL or segment.id in {s.id for s in others}:
        wrong("id", f"{segment.id} x2")
    if segment.order in {s.order for s in others}:
        wrong("order", f"{segment.order} x2")
    if last != (segment.when is None):
        wrong("when" if segment.when else "order", "the last segment, and only it, has no condition")
    known = indicators()
    for key, given, allowed in (
        ("sources", segment.sources, _sources()),
        ("without", segment.without, set(known)),
        ("when", _names(segment, lines), {*FACTS, *known}),
        ("fallback", (segment.fallback,), {GENERAL, *(s.id for s in others)}),
    ):
        unknown = [name for name in given if name not in allowed]
        if unknown:
            wrong(key, f"unknown: {', '.join(unknown)}")
    _check_fallback(segment, every, lines)


def _sources() -> set[str]:
    """Codes of sources: of data contracts, of indicators, and the graph."""
    return {c.source for c in contracts().values()} | {i.source for i in indicators().values()} | {"NET"}


def _names(segment: Segment, lines: Lines) -> tuple[str, ...]:
    return () if segment.when is None else names(parse_expression(segment.when, lines.where(("when",))))


def _check_fallback(segment: Segment, every: Sequence[Segment], lines: Lines) -> None:
    by_id, seen = {s.id: s for s in every}, [segment.id]
    while (after := by_id[seen[-1]].fallback) in by_id:
        if after in seen:
            fail("SCR-SEGMENT", lines.where(("fallback",)), detail=" -> ".join([*seen, after]))
        seen.append(after)


@cache
def segments() -> tuple[Segment, ...]:
    """The segments of the catalog, in their order."""
    folder = files("xinqiao").joinpath("catalog", "segments")
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    return load_segments((f.name, f.read_text("utf-8")) for f in found)
