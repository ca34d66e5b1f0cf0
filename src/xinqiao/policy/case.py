"""One case: what is known about a company that asks for a loan, and how a policy reads it."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, SupportsFloat

from xinqiao.kernel.errors import fail, user_error
from xinqiao.policy.compiled import Policy
from xinqiao.policy.format import Input
from xinqiao.policy.logic import Value

NOT_GIVEN = "NOT_GIVEN"
INVALID_VALUE = "INVALID_VALUE"
MAX_NUMBER = Decimal(10) ** 18


@dataclass(frozen=True, slots=True)
class Case:
    """A company's facts at a date.

    ``indicators`` and ``application`` hold plain values or None; ``missing`` gives the reason code
    of a None indicator; ``score`` holds ``points``, ``pd`` and ``grade``. Money is in CNY.
    """

    company_id: str
    as_of: date
    indicators: Mapping[str, Any]
    missing: Mapping[str, str]
    score: Mapping[str, Any]
    application: Mapping[str, Any]

    @classmethod
    def from_json(cls, data: object, where: str) -> Case:
        """A case as ``xinqiao decide --case`` reads it; raises UserError POL-CASE."""
        if not isinstance(data, dict):
            fail("POL-CASE", where, detail="a JSON object is needed")
        extra = set(data) - {"company_id", "as_of", "indicators", "missing", "score", "application"}
        if extra:
            fail("POL-CASE", where, detail=f"unknown: {', '.join(sorted(map(str, extra)))}")
        parts = {name: data.get(name, {}) for name in ("indicators", "missing", "score", "application")}
        for name, part in parts.items():
            if not isinstance(part, dict):
                fail("POL-CASE", f"{where}: {name}", detail="an object is needed")
        company, day = data.get("company_id"), data.get("as_of")
        if not isinstance(company, str) or not isinstance(day, str):
            fail("POL-CASE", where, detail="company_id and as_of (YYYY-MM-DD) are needed")
        return cls(company_id=company, as_of=_day(day, f"{where}: as_of"), **parts)


def _day(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail("POL-CASE", where, detail=f"{text!r} is not a date like 2020-12-31")


@dataclass(frozen=True, slots=True)
class Inputs:
    """A policy's inputs by name: the value, and the reason of every missing one."""

    values: Mapping[str, Value]
    reasons: Mapping[str, str]


def bind(policy: Policy, case: Case) -> Inputs:
    """Read the inputs of ``policy`` from ``case``; raises UserError POL-CASE on a wrong type."""
    families = {"indicator": case.indicators, "score": case.score, "application": case.application}
    plain: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for name, item in policy.file.inputs.items():
        family, field = item.source.split(".", 1)
        plain[name] = families[family].get(field)
        if family == "indicator" and field in case.missing:
            reasons[name] = case.missing[field]
    return read_inputs(policy, plain, reasons)


def read_inputs(policy: Policy, plain: Mapping[str, Any], reasons: Mapping[str, str]) -> Inputs:
    """Check plain values against the policy's declared types.

    A value outside its declared range, scale or list counts as missing (INVALID_VALUE): it must
    never help an approval. Raises UserError POL-CASE for a value of another type or unknown names.
    """
    unknown = set(plain) - set(policy.file.inputs)
    if unknown:
        fail("POL-CASE", policy.file.id, detail=f"not inputs: {', '.join(sorted(unknown))}")
    values: dict[str, Value] = {}
    why: dict[str, str] = {}
    for name, item in policy.file.inputs.items():
        value = plain.get(name)
        if value is None or _is_nan(value):
            values[name], why[name] = None, reasons.get(name, NOT_GIVEN)
            continue
        values[name] = _typed(policy, name, item, value)
        if values[name] is None:
            why[name] = INVALID_VALUE
    return Inputs(values, why)


def _is_nan(value: object) -> bool:
    return isinstance(value, float | Decimal) and math.isnan(value)


def _typed(policy: Policy, name: str, item: Input, value: object) -> Value:  # noqa: PLR0911 - one return per declared type
    """``value`` as the declared type; None when it is of the type but not allowed."""
    match item.type:
        case "text" if isinstance(value, str):
            return value if item.values is None or value in item.values else None
        case "grade" if isinstance(value, str):
            return value if value in policy.file.grades else None
        case "date" if isinstance(value, date):
            return value.isoformat()[:10]
        case "date" if isinstance(value, str):
            return _day(value, f"{policy.file.id}: {name}").isoformat()
        case "bool" if isinstance(value, bool):
            return value
        case "bool" if isinstance(value, SupportsFloat) and not isinstance(value, str):
            return {0.0: False, 1.0: True}.get(float(value))
        case "money" | "ratio" | "number" | "integer" if not isinstance(value, bool):
            return _number(item, value, f"{policy.file.id}: {name}")
    raise user_error("POL-CASE", f"{policy.file.id}: {name}", detail=f"{value!r} is not of type {item.type}")


def _number(item: Input, value: object, where: str) -> Decimal | None:
    number = _decimal(value)
    if number is None:
        fail("POL-CASE", where, detail=f"{value!r} is not a finite number")
    if abs(number) >= MAX_NUMBER or (item.type == "integer" and number != number.to_integral_value()):
        return None
    if item.range is not None and not item.range[0] <= number <= item.range[1]:
        return None
    return number


def _decimal(value: object) -> Decimal | None:
    """The number as written: floats by their shortest decimal form."""
    if isinstance(value, float):
        value = Decimal(repr(float(value)))
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    try:
        return Decimal(operator.index(value))  # type: ignore[arg-type] # index() itself says what is no integer
    except TypeError:
        return None
