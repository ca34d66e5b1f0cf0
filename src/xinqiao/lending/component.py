"""Shared components of products (产品组件): inputs, derived values and admission rules with parameters."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import Any

from xinqiao.kernel.document import Lines, parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.lending.product_format import (
    AdmissionComponent,
    Components,
    LimitRule,
    LimitTemplate,
    Parameter,
    Use,
)
from xinqiao.policy.format import Derive, Input
from xinqiao.policy.wording import number_words, show_number


@dataclass(frozen=True)
class Library:
    """All components by name, and the line each was written on."""

    inputs: Mapping[str, Input]
    derive: Mapping[str, Derive]
    admission: Mapping[str, AdmissionComponent]
    limits: Mapping[str, LimitTemplate]
    documents: Mapping[str, Text]
    steps: Mapping[str, Text]
    purposes: Mapping[str, Text]
    places: Mapping[tuple[str, str], str]


@cache
def library() -> Library:
    """The components of the catalog. Raises UserError DOC-*."""
    parts: dict[str, dict[str, Any]] = {
        kind: {} for kind in ("inputs", "derive", "admission", "limits", "documents", "steps", "purposes")
    }
    places: dict[tuple[str, str], str] = {}
    folder = files("xinqiao").joinpath("catalog", "components")
    for path in sorted(folder.iterdir(), key=lambda p: p.name):
        document, lines = parse(path.read_text("utf-8"), Components, path.name)
        for kind, known in parts.items():
            for name, item in getattr(document, kind).items():
                _once(known, name, lines, kind)
                known[name] = item
                places[kind, name] = lines.where((kind, name))
    return Library(**parts, places=places)


def _once(known: Mapping[str, object], name: str, lines: Lines, kind: str) -> None:
    if name in known:
        fail("LND-COMPONENT", lines.where((kind, name)), detail=f"{name} stands twice")


def filled(use: Use, where: str) -> dict[str, Any]:
    """The admission rule of a component with its parameters set, as plain YAML values.

    Raises UserError LND-COMPONENT.
    """
    component = library().admission.get(use.use)
    if component is None:
        fail("LND-COMPONENT", where, detail=use.use)
    given = _given(component.params, use.use, use.with_, where)
    plain = {name: _plain(value) for name, value in given.items()}
    said = {name: _said(component.params[name], value) for name, value in given.items()}
    return {key: _fill(value, plain if key == "if" else said) for key, value in component.rule.items()}


def limit_formula(limit: LimitRule, where: str) -> str:
    """The formula of a limit, its template's parameters set. Raises UserError LND-COMPONENT."""
    if limit.use is None:
        return str(limit.formula)
    template = library().limits.get(limit.use)
    if template is None:
        fail("LND-COMPONENT", where, detail=limit.use)
    given = _given(template.params, limit.use, limit.with_, where)
    return str(_fill(template.formula, {name: _plain(value) for name, value in given.items()}))


def _given(params: Mapping[str, Parameter], name: str, told: Mapping[str, Any], where: str) -> dict[str, Any]:
    """All parameters of a component: those told, the others by default."""
    if strangers := set(told) - set(params):
        fail("LND-COMPONENT", where, detail=f"{name}: {', '.join(sorted(strangers))}")
    given = {key: told.get(key, each.default) for key, each in params.items()}
    for key, value in given.items():
        _check(params[key], value, f"{name}.{key}", where)
    return given


def _check(parameter: Parameter, value: object, name: str, where: str) -> None:
    if parameter.type == "text":
        good = isinstance(value, str)
    else:
        good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or (parameter.type == "integer" and not isinstance(value, int)):
        fail("LND-COMPONENT", where, detail=f"{name} = {value!r} ({parameter.type})")
    if parameter.range is not None:
        low, high = parameter.range
        if not low <= Decimal(str(value)) <= high:
            fail("LND-COMPONENT", where, detail=f"{name} = {value!r} ({low} … {high})")


def _plain(value: object) -> str:
    """A parameter as it stands in an expression."""
    if isinstance(value, str):
        return value
    try:
        return show_number(Decimal(str(value)))
    except InvalidOperation as error:  # pragma: no cover - _check lets numbers through only
        raise TypeError(value) from error


def _said(parameter: Parameter, value: object) -> str:
    """A parameter as a person reads it."""
    if isinstance(value, str) or parameter.type == "text":
        return str(value)
    return number_words(Decimal(str(value)), "number" if parameter.type == "integer" else parameter.type)


def _fill(value: Any, words: Mapping[str, str]) -> Any:  # noqa: ANN401 - plain YAML values
    if isinstance(value, str):
        return string.Template(value).safe_substitute(words)
    if isinstance(value, dict):
        return {key: _fill(each, words) for key, each in value.items()}
    return value
