"""Fields of the product wizard: a place of a product's data as a person fills it in, and back.

What can't be read as its kind is kept as it was typed: the check of the product names it beside its field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from xinqiao.kernel.document import Path
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.policy.rewriting import flow, typed
from xinqiao.policy.wording import show_number

Kind = Literal[
    "text", "words", "date", "int", "number", "percent", "choice", "bool", "many", "ints", "order", "expr",
    "plain", "rows", "byname",
]  # fmt: skip
Options = Sequence[tuple[str, Text]]
Form = Mapping[str, Sequence[str]]
GONE = object()
"""Nothing was filled in: the place is left out."""
SPARE_ROWS = 2


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``columns``: the cells of ``rows``; ``options``: what there is to choose from.

    ``byname`` is a ratio for each of ``options``; ``required`` places are kept even when blank, so that the
    check can say so.
    """

    path: Path
    kind: Kind
    label: Text
    hint: Text | None = None
    options: Options | Callable[[], Options] = ()
    columns: tuple[Field, ...] = ()
    required: bool = False
    default: Any = None

    @property
    def name(self) -> str:
        """The name of its input in the form."""
        return "/".join(map(str, self.path))

    @property
    def offered(self) -> Options:
        """The options, worked out when needed."""
        return self.options() if callable(self.options) else self.options


@dataclass(frozen=True, slots=True)
class View:
    """A field as a page shows it."""

    field: Field
    name: str
    value: Any
    faults: tuple[Any, ...] = ()
    rows: tuple[tuple[View, ...], ...] = ()
    options: Options = ()
    parts: tuple[tuple[str, Text, str], ...] = ()


def at(data: Any, path: Path, default: Any = None) -> Any:  # noqa: ANN401 - plain data of YAML
    """What stands at ``path``, or ``default``."""
    for step in path:
        if not isinstance(data, Mapping) or step not in data:
            return default
        data = data[step]
    return data


def put(data: dict[str, Any], path: Path, value: Any) -> None:  # noqa: ANN401 - plain data of YAML
    """Write ``value`` at ``path`` of copies that are the caller's own; GONE takes the place out."""
    for step in path[:-1]:
        inner = data.get(str(step))
        data[str(step)] = dict(inner) if isinstance(inner, Mapping) else {}
        data = data[str(step)]
    if value is GONE:
        data.pop(str(path[-1]), None)
    else:
        data[str(path[-1])] = value


# reading ---------------------------------------------------------------------------------------------


def read(item: Field, form: Form, name: str | None = None) -> Any:  # noqa: ANN401, PLR0911 - plain data of YAML; one a kind
    """The value of a field of the form, or GONE."""
    key = item.name if name is None else name
    match item.kind:
        case "words":
            return {tongue: _said(form, f"{key}/{tongue}") for tongue in ("zh", "en")}
        case "bool":
            return bool(form.get(key))
        case "order":
            return _said(form, key).split() or GONE
        case "many":
            return list(form.get(key, ()))
        case "rows":
            return _rows(item, form, key)
        case "byname":
            told = {name: _typed("percent", _said(form, f"{key}/{name}")) for name, _ in item.offered}
            return {name: value for name, value in told.items() if value is not GONE} or GONE
        case "ints":
            return [
                _typed("int", part) for part in re.split(r"[\s,，、/]+", _said(form, key)) if part
            ] or GONE
        case _:
            value = _typed(item.kind, _said(form, key))
            return "" if value is GONE and item.required else value


def _said(form: Form, key: str) -> str:
    told = form.get(key, ())
    return told[0].strip() if told else ""


def _rows(item: Field, form: Form, key: str) -> Any:  # noqa: ANN401 - plain data of YAML
    """Rows whose first cell is filled in; an emptied one is taken out."""
    count = sum(
        1 for name in form if re.fullmatch(rf"{re.escape(key)}/\d+/{re.escape(item.columns[0].name)}.*", name)
    )
    rows = []
    for i in range(count):
        row: dict[str, Any] = {}
        for column in item.columns:
            value = read(column, form, f"{key}/{i}/{column.name}")
            if value is not GONE and value != column.default:
                put(row, column.path, value)
        first = row.get(str(item.columns[0].path[0]))
        if first not in (None, "", {"zh": "", "en": ""}):
            rows.append(row)
    return rows or GONE


def _typed(kind: str, text: str) -> Any:  # noqa: ANN401 - plain data of YAML
    """A text as a value of its kind; as it stands where it is none."""
    if not text:
        return GONE
    if kind in ("int", "number", "percent"):
        return _number(text, Decimal("0.01") if kind == "percent" else Decimal(1))
    try:
        return date.fromisoformat(text) if kind == "date" else typed(text) if kind == "plain" else text
    except (ValueError, UserError):
        return text


def _number(text: str, unit: Decimal) -> int | float | str:
    try:
        value = Decimal(text.replace(",", "").replace("，", "").rstrip("%％")) * unit
    except InvalidOperation:
        return text
    if not value.is_finite():
        return text
    return int(value) if value == value.to_integral_value() else float(value)


# showing ---------------------------------------------------------------------------------------------


def view(item: Field, data: Any, faults: Iterable[Any], name: str | None = None) -> View:  # noqa: ANN401 - plain data of YAML
    """A field with what stands in the data, and the faults that concern it."""
    value = at(data, item.path, item.default)
    key = item.name if name is None else name
    found = tuple(faults)
    rows: tuple[tuple[View, ...], ...] = ()
    parts: tuple[tuple[str, Text, str], ...] = ()
    if item.kind == "rows":
        told = list(value) if isinstance(value, list | tuple) else []
        rows = tuple(_row(item, key, i, each, found) for i, each in enumerate([*told, *[{}] * SPARE_ROWS]))
    elif item.kind == "byname":
        given = value if isinstance(value, Mapping) else {}
        parts = tuple((name, words, shown("percent", given.get(name))) for name, words in item.offered)
    return View(item, key, _value(item, value), found, rows, _with(item.offered, value, item.kind), parts)


def _row(item: Field, key: str, i: int, row: Any, faults: Sequence[Any]) -> tuple[View, ...]:  # noqa: ANN401 - plain data
    mine = [each for each in faults if each.path[: len(item.path) + 1] == (*item.path, i)]
    return tuple(
        view(
            column,
            row,
            [f for f in mine if f.path[len(item.path) + 1 :][: len(column.path)] == column.path],
            f"{key}/{i}/{column.name}",
        )
        for column in item.columns
    )


def _with(options: Options, value: Any, kind: str) -> Options:  # noqa: ANN401 - plain data of YAML
    """The options, and what is chosen although it is none of them."""
    told = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    if kind not in ("choice", "order") or value in (None, "") or told in {name for name, _ in options}:
        return options
    return (*options, (told, Text(zh=told, en=told)))


def _value(item: Field, value: Any) -> Any:  # noqa: ANN401 - plain data of YAML
    if item.kind == "words":
        told = value if isinstance(value, Mapping) else {}
        return {tongue: str(told.get(tongue, "")) for tongue in ("zh", "en")}
    if item.kind == "many":
        return list(value) if isinstance(value, list | tuple) else []
    if item.kind in ("ints", "order"):
        return " ".join(map(str, value)) if isinstance(value, list | tuple) else shown("text", value)
    if item.kind == "bool":
        return value is True
    return shown(item.kind, value)


def shown(kind: str, value: Any) -> str:  # noqa: ANN401 - plain data of YAML
    """A value as a form shows it."""
    if value is None or value is GONE:
        return ""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        return show_number((number * 100).normalize() if kind == "percent" else number)
    if isinstance(value, Mapping | list | tuple):
        return flow(value)
    return str(value)
