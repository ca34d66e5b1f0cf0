"""One case: what is known about a company that asks for a loan, and how a policy reads it."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, SupportsFloat

from xinqiao.kernel.errors import fail, user_error
from xinqiao.policy.codegen import Code, per_policy
from xinqiao.policy.compiled import Policy
from xinqiao.policy.format import Input
from xinqiao.policy.logic import Given, exact
from xinqiao.policy.wording import INVALID_VALUE, NOT_GIVEN

MAX_NUMBER = Decimal(10) ** 18


@dataclass(frozen=True, slots=True)
class Case:
    """A company's facts at a date.

    ``indicators`` and ``application`` hold plain values or None; ``missing`` gives the reason code
    of a None indicator; ``score`` holds ``points``, ``pd`` and ``grade``, of a model
    with segments also ``segment`` and ``overlay``. Money is in CNY.
    """

    company_id: str
    as_of: date
    indicators: Mapping[str, Any]
    missing: Mapping[str, str]
    score: Mapping[str, Any]
    application: Mapping[str, Any]

    @classmethod
    def from_json(cls, data: object, where: str, known: Collection[str]) -> Case:
        """A case as ``xinqiao decide --case`` reads it, of ``known`` indicators only.

        Raises UserError POL-CASE.
        """
        if not isinstance(data, dict):
            fail("POL-CASE", where, detail="a JSON object is needed")
        extra = set(data) - {"company_id", "as_of", "indicators", "missing", "score", "application"}
        if extra:
            fail("POL-CASE", where, detail=f"unknown: {', '.join(sorted(map(str, extra)))}")
        parts = {name: data.get(name, {}) for name in ("indicators", "missing", "score", "application")}
        for name, part in parts.items():
            if not isinstance(part, dict):
                fail("POL-CASE", f"{where}: {name}", detail="an object is needed")
        if not all(isinstance(why, str) for why in parts["missing"].values()):
            fail("POL-CASE", f"{where}: missing", detail="a reason is a code in quotes")
        strangers = sorted({*parts["indicators"], *parts["missing"]} - set(known))
        if strangers:
            fail("POL-CASE", f"{where}: indicators", detail=_strangers(strangers, known))
        company, day = data.get("company_id"), data.get("as_of")
        if not isinstance(company, str) or not isinstance(day, str):
            fail("POL-CASE", where, detail="company_id and as_of (YYYY-MM-DD) are needed")
        return cls(company_id=company, as_of=_day(day, f"{where}: as_of"), **parts)


def _strangers(names: list[str], known: Collection[str]) -> str:
    """Unknown indicators, each with what may be meant."""
    near = ((name, difflib.get_close_matches(name.upper(), known)) for name in names)
    said = (f"{name} ({' / '.join(found)}?)" if found else name for name, found in near)
    return f"unknown indicators: {', '.join(said)}"


def _day(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail("POL-CASE", where, detail=f"{text!r} is not a date like 2020-12-31")


@dataclass(frozen=True, slots=True)
class Inputs:
    """A policy's inputs by name: the value, and the reason of every missing one.

    A number is a float where its shortest decimal says it in full, else a Decimal.
    """

    values: Mapping[str, Given]
    reasons: Mapping[str, str]


def bind(policy: Policy, case: Case) -> Inputs:
    """Read the inputs of ``policy`` from ``case``; raises UserError POL-CASE on a wrong type."""
    out: Inputs = _binder(policy)(case.indicators, case.missing, case.score, case.application)
    return out


def read_inputs(policy: Policy, plain: Mapping[str, Any], reasons: Mapping[str, str]) -> Inputs:
    """Check plain values against the policy's declared types.

    A value outside its declared range, scale or list counts as missing (INVALID_VALUE): it must
    never help an approval. Raises UserError POL-CASE for a value of another type or unknown names.
    """
    unknown = set(plain) - set(policy.file.inputs)
    if unknown:
        fail("POL-CASE", policy.file.id, detail=f"not inputs: {', '.join(sorted(unknown))}")
    out: Inputs = _reader(policy)(plain, reasons)
    return out


@per_policy
def _reader(policy: Policy) -> Callable[..., Inputs]:
    code = Code()
    for name in policy.file.inputs:
        place = code.constant(name)
        _write(code, policy, name, f"plain.get({place})", f"reasons.get({place}, ABSENT)")
    return _reading(code, "plain, reasons", policy)


@per_policy
def _binder(policy: Policy) -> Callable[..., Inputs]:
    code = Code()
    for name, item in policy.file.inputs.items():
        family, field = item.source.split(".", 1)
        place = code.constant(field, "F")
        why = f"missing.get({place}, ABSENT)" if family == "indicator" else "ABSENT"
        _write(code, policy, name, f"{family}.get({place})", why)
    return _reading(code, "indicator, missing, score, application", policy)


def _write(code: Code, policy: Policy, name: str, value: str, why: str) -> None:
    """Write how an input is read: what is common at once, all else by ``_odd``."""
    item, key = policy.file.inputs[name], code.constant(name, "N")
    code.add(f"v = {value}")
    with code.block("if v is None:"):
        code.add(f"values[{key}] = None", f"why[{key}] = {why}")
    with code.block(f"elif {_plainly(code, policy, item)}:"):
        code.add(f"values[{key}] = v == 1.0" if item.type == "bool" else f"values[{key}] = v")
    with code.block("else:"):
        code.add(f"values[{key}], told = odd({key}, v)")
        code.add(f"if values[{key}] is None: why[{key}] = INVALID if told else {why}")


def _plainly(code: Code, policy: Policy, item: Input) -> str:  # noqa: PLR0911 - one return per declared type
    """The test that a value is fine as it stands."""
    match item.type:
        case "text" | "grade" if item.type == "grade" or item.values is not None:
            known = code.constant(frozenset(item.values or policy.file.grades))
            return f"type(v) is str and v in {known}"
        case "text":
            return "type(v) is str"
        case "bool":
            return "type(v) is float and (v == 0.0 or v == 1.0)"
        case "date":
            return "False"
    whole = " and v.is_integer()" if item.type == "integer" else ""
    if item.range is None:
        return f"type(v) is float and -LIMIT < v < LIMIT{whole}"
    if any(exact(float(bound)) != bound or abs(bound) >= MAX_NUMBER for bound in item.range):
        return "False"
    low, high = (float(bound) for bound in item.range)
    return f"type(v) is float and {low!r} <= v <= {high!r}{whole}"


def _reading(code: Code, parameters: str, policy: Policy) -> Callable[..., Inputs]:
    code.lines = [" values = {}", " why = {}", *code.lines, " return Inputs(values, why)"]
    code.constants |= {
        "Inputs": Inputs,
        "ABSENT": NOT_GIVEN,
        "INVALID": INVALID_VALUE,
        "LIMIT": float(MAX_NUMBER),
        "odd": partial(_odd, policy),
    }
    return code.function("read", parameters).run


def _odd(policy: Policy, name: str, value: object) -> tuple[Given, bool]:
    """A value that is not plainly fine as it is read, and whether it was given at all."""
    if isinstance(value, float | Decimal) and math.isnan(value):
        return None, False
    return _typed(policy, name, policy.file.inputs[name], value), True


def _typed(policy: Policy, name: str, item: Input, value: object) -> Given:  # noqa: PLR0911 - one return per declared type
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


def _number(item: Input, value: object, where: str) -> Given:
    number = _decimal(value)
    if number is None:
        fail("POL-CASE", where, detail=f"{value!r} is not a finite number")
    if abs(number) >= MAX_NUMBER or (item.type == "integer" and number != number.to_integral_value()):
        return None
    if item.range is not None and not item.range[0] <= number <= item.range[1]:
        return None
    return float(number) if exact(float(number)) == number else number


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
