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
from xinqiao.lending.product_format import AdmissionComponent, Components, Parameter, Use
from xinqiao.policy.format import Derive, Input
from xinqiao.policy.wording import number_words, show_number


@dataclass(frozen=True)
class Library:
    """All components by name, and the line each was written on."""

    inputs: Mapping[str, Input]
    derive: Mapping[str, Derive]
    admission: Mapping[str, AdmissionComponent]
    documents: Mapping[str, Text]
    steps: Mapping[str, Text]
    places: Mapping[tuple[str, str], str]


@cache
def library() -> Library:
    """The components of the catalog. Raises UserError DOC-*."""
    parts: dict[str, dict[str, Any]] = {
        kind: {} for kind in ("inputs", "derive", "admission", "documents", "steps")
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
    if strangers := set(use.with_) - set(component.params):
        fail("LND-COMPONENT", where, detail=f"{use.use}: {', '.join(sorted(strangers))}")
    given = {name: use.with_.get(name, each.default) for name, each in component.params.items()}
    for name, value in given.items():
        _check(component.params[name], value, f"{use.use}.{name}", where)
    plain = {name: _plain(value) for name, value in given.items()}
    said = {name: _said(component.params[name], value) for name, value in given.items()}
    return {key: _fill(value, plain if key == "if" else said) for key, value in component.rule.items()}


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
