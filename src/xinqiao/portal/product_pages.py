"""The pages of the product wizard as data: what they show of a draft, and what their forms make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xinqiao.kernel.text import Text
from xinqiao.lending.component import library
from xinqiao.lending.product_findings import Fault
from xinqiao.lending.product_format import Parameter
from xinqiao.portal.product_fields import GONE, Field, Form, Kind, View, at, put, read, shown, view
from xinqiao.portal.product_steps import GATES, Step, concerning
from xinqiao.scoring.rating import master_scale

KINDS: dict[str, Kind] = {
    "ratio": "percent",
    "text": "text",
    "integer": "int",
    "money": "number",
    "number": "number",
}
"""How a parameter is filled in."""
OWN = Field(
    ("own",),
    "rows",
    Text(zh="自写规则", en="Rules of your own"),
    columns=(
        Field(("id",), "text", Text(zh="编号", en="Id")),
        Field(("name",), "words", Text(zh="名称", en="Name"), required=True),
        Field(("if",), "expr", Text(zh="条件", en="Condition"), required=True),
        Field(
            ("then",),
            "choice",
            Text(zh="结论", en="Outcome"),
            options=(
                ("reject", Text(zh="拒绝", en="refuse")),
                ("refer", Text(zh="转人工", en="a person looks")),
            ),
        ),
        Field(
            ("if_missing",),
            "plain",
            Text(zh="缺数据时（ignore、refer、reject）", en="Where missing"),
            required=True,
        ),
        Field(("code",), "text", Text(zh="理由代码（大写）", en="Reason code"), required=True),
        Field(("reason",), "words", Text(zh="理由", en="Reason"), required=True),
    ),
)


@dataclass(frozen=True, slots=True)
class Given:
    """A parameter of a component as the form shows it."""

    name: str
    label: Text
    kind: Kind
    value: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A component to choose: ``about`` is its condition or formula."""

    id: str
    name: Text
    about: str
    chosen: bool
    given: tuple[Given, ...]
    faults: tuple[Fault, ...] = ()


def views(step: Step, data: Mapping[str, Any], faults: Sequence[Fault]) -> list[View]:
    """The fields of a step with what stands in the draft."""
    plain = {**data, "pricing": _single_grades(data.get("pricing"))} if "pricing" in data else data
    return [view(item, plain, concerning(item, faults)) for item in step.fields]


def _single_grades(pricing: Any) -> Any:  # noqa: ANN401 - plain data of YAML
    """Spreads written for spans of grades, grade by grade."""
    spread = at(pricing, ("spread",))
    if not isinstance(spread, Mapping):
        return pricing
    grades = [grade.id for grade in master_scale().grades]
    out: dict[str, Any] = {}
    for key, value in spread.items():
        first, _, last = str(key).partition("..")
        if first in grades and (last or first) in grades:
            span = grades[grades.index(first) : grades.index(last or first) + 1]
            out |= dict.fromkeys(span, value)
        else:
            out[key] = value
    return {**pricing, "spread": out}


# admission -------------------------------------------------------------------------------------------


def _items(data: Mapping[str, Any]) -> list[Any]:
    told = data.get("admission")
    return told if isinstance(told, list) else []


def _is_use(item: object) -> bool:
    return isinstance(item, Mapping) and "use" in item


def admission(data: Mapping[str, Any], faults: Sequence[Fault]) -> tuple[list[Choice], list[Choice], View]:
    """The shared rules chosen, those not chosen, and the rules of the product's own."""
    items = _items(data)
    chosen = {str(item["use"]): (i, item) for i, item in enumerate(items) if _is_use(item)}
    rules = library().admission
    used = [_rule(name, i, item, faults) for name, (i, item) in chosen.items() if name in rules]
    free = [_rule(name, None, {}, ()) for name in rules if name not in chosen]
    places = [i for i, item in enumerate(items) if not _is_use(item)]
    moved = [
        Fault(("own", places.index(f.path[1]), *f.path[2:]), f.what, f.fix)
        for f in faults
        if f.path[:1] == ("admission",) and len(f.path) > 1 and f.path[1] in places
    ]
    return used, free, view(OWN, {"own": [items[i] for i in places]}, moved)


def _rule(name: str, place: int | None, item: Mapping[str, Any], faults: Sequence[Fault]) -> Choice:
    component = library().admission[name]
    mine = tuple(f for f in faults if place is not None and f.path[:2] == ("admission", place))
    told = item.get("with")
    given = _given(component.params, told if isinstance(told, Mapping) else {})
    rule = component.rule
    return Choice(name, Text(**rule["name"]), str(rule["if"]), place is not None, given, mine)


def _given(params: Mapping[str, Parameter], told: Mapping[str, Any]) -> tuple[Given, ...]:
    return tuple(
        Given(key, each.name, KINDS[each.type], shown(KINDS[each.type], told.get(key, each.default)))
        for key, each in params.items()
    )


def _admission(data: Mapping[str, Any], form: Form) -> list[Any]:
    """The rules as the form tells them: those there were in their order, then the new ones."""
    wanted = [name for name in form.get("use", ()) if name in library().admission]
    told = read(OWN, form)
    own = iter([] if told is GONE else told)
    out: list[Any] = []
    for item in _items(data):
        if not _is_use(item):
            out += [rule for rule in [next(own, None)] if rule is not None]
        elif item["use"] in wanted:
            out.append(_use(item["use"], form, item.get("with") or {}))
    held = {item["use"] for item in out if _is_use(item)}
    out += [_use(name, form, {}) for name in wanted if name not in held]
    return [*out, *own]


def _use(name: str, form: Form, before: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(_told(library().admission[name].params, f"with/{name}", form, before))
    return {"use": name, "with": values} if values else {"use": name}


def _told(
    params: Mapping[str, Parameter], key: str, form: Form, before: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    """The parameters that differ from what they are by default, or were written before."""
    for name, each in params.items():
        value = read(Field((key, name), KINDS[each.type], each.name), form)
        if value is not GONE and (value != each.default or name in before):
            yield name, value


# limit -----------------------------------------------------------------------------------------------


def templates(data: Mapping[str, Any]) -> list[Choice]:
    """The templates of limit formulas, with the parameters of the one chosen."""
    chosen, told = at(data, ("limit", "use")), at(data, ("limit", "with"), {})
    return [
        Choice(
            name,
            each.name,
            each.formula,
            name == chosen,
            _given(each.params, told if name == chosen and isinstance(told, Mapping) else {}),
        )
        for name, each in library().limits.items()
    ]


def _limit(limit: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """The limit with its template or formula as the form tells it, which stand first."""
    rest = {key: value for key, value in limit.items() if key not in ("use", "with", "formula")}
    name = next(iter(form.get("limit/use", ())), "")
    if name not in library().limits:
        return {"formula": next(iter(form.get("limit/formula", ())), "").strip(), **rest}
    params = library().limits[name].params
    before = limit.get("with") if limit.get("use") == name else {}
    told = dict(_told(params, f"limit/with/{name}", form, before if isinstance(before, Mapping) else {}))
    return {"use": name, **({"with": told} if told else {}), **rest}


# a step saved ----------------------------------------------------------------------------------------


def saved(step: Step, data: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """The draft's data with a step's form in it, all other steps as they were."""
    out = dict(data)
    for item in step.fields:
        value, before = read(item, form), at(data, item.path, GONE)
        if value is GONE or (before is GONE and not item.required and value == item.default):
            if before is not GONE:
                put(out, item.path, GONE)
        else:
            put(out, item.path, value)
    if step.id == "admission":
        out["admission"] = _admission(data, form)
    if step.id == "limit":
        out["limit"] = _limit(at(out, ("limit",), {}), form)
    for section in step.parts & set(GATES):
        if at(out, GATES[section]) in (None, "", []):
            out.pop(section, None)
    return {key: value for key, value in out.items() if value != {}}
