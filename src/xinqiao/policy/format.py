"""The decision policy as a file (决策政策): what may be written, before any meaning is checked.

A policy is data: inputs, derived values, admission rules, decision tables, a limit and a price.
Its expressions and table cells all become trees of ``kernel.expression``; ``compiled.py`` checks
their meaning and puts them in order, so any engine (one case, a batch of columns) can run them
one after the other without loops or jumps.
"""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from xinqiao.kernel.text import Text

Outcome = Literal["approve", "refer", "reject"]
Adverse = Literal["refer", "reject"]
OnMissing = Literal["ignore", "refer", "reject"]
TypeName = Literal["money", "ratio", "number", "integer", "text", "grade", "bool", "date"]
Rounding = Literal["down", "up", "half_up", "half_even"]
Hit = Literal["first", "unique", "collect-max"]
Cell = str | bool | int | float

MAX_ROWS = 20_000
MAX_NAMES = 300


def _exact(value: object) -> object:
    """A YAML number as the Decimal that was written (0.1 is a tenth, not its binary neighbour)."""
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        message = "a finite number is needed"
        raise ValueError(message)
    return Decimal(repr(value)) if isinstance(value, int | float) else value


def _by_reason(value: object) -> object:
    """``refer`` is short for ``{else: refer}``."""
    return {"else": value} if isinstance(value, str) else value


def _has_else(value: dict[str, OnMissing]) -> dict[str, OnMissing]:
    if "else" not in value:
        message = "needs an outcome for 'else'"
        raise ValueError(message)
    return value


def _as_text(value: object) -> object:
    """An expression that is only a number or truth value may stand without quotes."""
    return repr(value) if isinstance(value, int | float) else value


Expression = Annotated[str, BeforeValidator(_as_text)]
Exact = Annotated[Decimal, BeforeValidator(_exact)]
IfMissing = Annotated[dict[str, OnMissing], BeforeValidator(_by_reason), AfterValidator(_has_else)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Effective(_Part):
    """In force from a day to a day (both included); no end means until further notice."""

    from_: date = Field(alias="from")
    to: date | None = None


class Input(_Part):
    """A value the policy reads.

    ``source`` is ``indicator.<id>``, ``score.points|pd|grade|segment|overlay`` or ``application.<field>``.
    ``if_missing`` is the outcome when the value is absent, by missing reason where it matters.
    ``range`` (inclusive): a value outside it counts as missing, reason INVALID_VALUE.
    """

    name: Text
    type: TypeName
    unit: str | None = None
    source: str = Field(pattern=r"^(indicator|score|application)\.\w+$")
    if_missing: IfMissing
    range: list[Exact] | None = Field(default=None, min_length=2, max_length=2)
    values: list[str] | None = None


class Derive(_Part):
    """A named expression over inputs, other derived values and table outputs."""

    name: Text
    type: TypeName
    unit: str | None = None
    expr: Expression


class Output(_Part):
    """A column a table gives."""

    name: Text
    type: TypeName
    unit: str | None = None


class Table(_Part):
    """A decision table (决策表): each row holds input conditions, then output values.

    ``if_missing`` is the outcome when the table gives nothing: a row that may match hangs on a
    missing value, no row matches, or several do where one is allowed.
    """

    id: str
    name: Text
    hit: Hit
    inputs: list[str] = Field(min_length=1)
    outputs: dict[str, Output] = Field(min_length=1)
    if_missing: IfMissing
    rows: list[list[Cell]] = Field(min_length=1, max_length=MAX_ROWS)


class Rule(_Part):
    """An admission rule (准入规则): when ``if`` is true, the outcome is ``then``."""

    id: str
    name: Text
    if_: Expression = Field(alias="if")
    then: Adverse
    if_missing: IfMissing
    code: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    reason: Text


class Limit(_Part):
    """The credit limit in CNY: capped at ``max``, rounded down to ``step``, at least ``min``."""

    expr: Expression
    min: Exact
    max: Exact
    step: Exact
    if_missing: Adverse
    below_min: Adverse


class Price(_Part):
    """The annual interest rate: raised to ``min``; above ``max`` it is capped or the case stops."""

    expr: Expression
    min: Exact
    max: Exact
    step: Exact
    rounding: Rounding
    if_missing: Adverse
    above_max: Literal["cap", "refer", "reject"]


class PolicyFile(_Part):
    """A decision policy as written. ``grades`` are listed best first."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: str
    name: Text
    effective: Effective
    term_months: int = Field(ge=1, le=360)
    grades: list[str] = Field(min_length=1)
    inputs: dict[str, Input] = Field(min_length=1, max_length=MAX_NAMES)
    derive: dict[str, Derive] = Field(default_factory=dict, max_length=MAX_NAMES)
    tables: list[Table] = Field(default_factory=list, max_length=MAX_NAMES)
    rules: list[Rule] = Field(min_length=1, max_length=MAX_NAMES)
    limit: Limit
    price: Price
