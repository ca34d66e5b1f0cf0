"""Views and indicators as the engine sees them: parsed, with the place each was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xinqiao.indicator.reason import REASONS
from xinqiao.indicator.unit import Unit
from xinqiao.kernel.expression import Node
from xinqiao.kernel.text import Text

Direction = Literal["+", "-", "~"]
COMPANY = "company_id"


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed expression and the place it was written."""

    node: Node
    text: str
    where: str


@dataclass(frozen=True, slots=True)
class Join:
    """A join of a view; ``on`` pairs (left column, column of the joined view)."""

    view: str
    on: tuple[tuple[str, str], ...]
    prefix: str
    inner: bool


@dataclass(frozen=True, slots=True)
class View:
    """A derived table, see the module's docstring."""

    id: str
    source: str
    joins: tuple[Join, ...]
    columns: dict[str, Formula]
    condition: Formula | None
    by: tuple[str, ...]
    measures: dict[str, Formula]
    dense: int | None
    select: tuple[str, ...]
    where: str

    @property
    def of_company(self) -> bool:
        """Whether the view has one row a company."""
        return self.by == (COMPANY,) and bool(self.measures)

    @property
    def sources(self) -> tuple[str, ...]:
        """The contracts and views it reads."""
        return (self.source, *(join.view for join in self.joins))


@dataclass(frozen=True, slots=True)
class Need:
    """A condition for a value to exist; ``reason`` is a code of `reason.REASONS`."""

    formula: Formula
    reason: str


@dataclass(frozen=True, slots=True)
class RedFlag:
    """When an indicator's value asks for a person's look; a lead to verify, never a verdict."""

    formula: Formula
    text: Text


@dataclass(frozen=True, slots=True)
class Indicator:
    """An indicator of a company at a date T.

    ``direction``: ``+`` more is better, ``-`` more is worse, ``~`` neither. ``window`` is ``nM``
    (n natural complete months), ``point`` or ``all``. ``formula`` is in words, ``expr`` what is
    evaluated.
    """

    id: str
    name: Text
    source: str
    formula: Text
    unit: Unit
    direction: Direction
    window: str
    covered_by: str
    expr: Formula
    needs: tuple[Need, ...]
    red_flag: RedFlag | None

    @property
    def missing(self) -> Text:
        """When there is no value, in words."""
        codes = ["NO_RECORDS", *(need.reason for need in self.needs)]
        texts = [REASONS[code] for code in dict.fromkeys(codes)]
        return Text(zh="；".join(t.zh for t in texts), en="; ".join(t.en for t in texts))


@dataclass(frozen=True, slots=True)
class Catalog:
    """All views and indicators, by id, in the order written."""

    views: dict[str, View]
    indicators: dict[str, Indicator]

    def measure_view(self, name: str) -> View | None:
        """The company view that has the measure ``name``."""
        return next((v for v in self.views.values() if v.of_company and name in v.measures), None)
