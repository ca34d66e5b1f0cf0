"""A product's admission, limit and price written out as a decision policy, line by line.

Every line remembers the place in the product (or component) it came from, so that a fault found in the
policy is told at the line its author wrote.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from xinqiao.kernel.document import Lines
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.expression import names, parse_expression
from xinqiao.lending.component import filled, library
from xinqiao.lending.product_format import ProductFile, Use
from xinqiao.policy.format import Derive, Input
from xinqiao.policy.wording import show_number
from xinqiao.scoring.rating import master_scale

AMOUNT = "申请金额"
GRADE = "评级"
BASE = "基准利率"
SPREAD = "评级加点"
CAPACITY = "测算额度"


@dataclass
class PolicyText:
    """A policy's text, and for every line where it comes from."""

    lines: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The whole."""
        return "\n".join(self.lines) + "\n"

    def add(self, line: str, place: str) -> None:
        """A line and its place."""
        self.lines.append(line)
        self.places.append(place)

    def told(self, error: UserError) -> UserError:
        """``error`` with its line of this text turned into the place it came from."""
        _, _, rest = error.where.partition(":")
        number = rest.partition(":")[0]
        if not number.isdigit() or not 0 < int(number) <= len(self.places):
            return error
        return UserError(error.code, self.places[int(number) - 1], error.what, error.fix)


def write_policy(
    file: ProductFile, raw: Mapping[str, Any], lines: Lines, *, base: tuple[date, Decimal], term_months: int
) -> PolicyText:
    """The policy of a product under the ``base`` rate published on a day, for a term.

    Raises UserError LND-COMPONENT or EXPR-*.
    """
    out = PolicyText()
    rules = list(_rules(file, raw, lines))
    own = {name: item.expr for name, item in file.derive.items()}
    wanted = _wanted(file, rules, own, lines)
    _head(out, file, lines, base, term_months)
    _inputs(out, file, raw, lines, wanted)
    _derived(out, file, raw, lines, wanted, base[1])
    _tables(out, file, raw, lines)
    out.add("rules:", lines.where(("admission",)))
    for rule, place in rules:
        out.add(f"  - {_json(rule)}", place)
    _terms(out, file, lines)
    return out


def _head(
    out: PolicyText, file: ProductFile, lines: Lines, base: tuple[date, Decimal], term_months: int
) -> None:
    scale = master_scale()
    grades = [grade.id for grade in scale.grades] + [scale.default.id]
    span = file.effective
    ends = "" if span.to is None else f", to: {span.to}"
    out.add(f"id: {file.id}", lines.where(("id",)))
    out.add(f'version: "{file.version}+lpr{base[0]:%Y%m%d}"', lines.where(("version",)))
    out.add(f"name: {_json(file.name.model_dump())}", lines.where(("name",)))
    out.add(f"effective: {{from: {span.from_}{ends}}}", lines.where(("effective",)))
    out.add(f"term_months: {term_months}", lines.where(("tenor",)))
    out.add(f"grades: {_json(grades)}", lines.where(("score",)))


def _rules(file: ProductFile, raw: Mapping[str, Any], lines: Lines) -> Iterator[tuple[dict[str, Any], str]]:
    """All admission rules as plain values, the grade's first."""
    place = lines.where(("score", "worst_grade"))
    yield (
        filled(Use.model_validate({"use": "grade_least", "with": {"grade": file.score.worst_grade}}), place),
        place,
    )
    for i, item in enumerate(file.admission):
        where = lines.where(("admission", i))
        yield (filled(item, where) if isinstance(item, Use) else raw["admission"][i]), where


def _wanted(
    file: ProductFile, rules: Iterable[tuple[Mapping[str, Any], str]], own: Mapping[str, str], lines: Lines
) -> set[str]:
    """The names the policy needs, those behind derived values included."""
    found = {GRADE, AMOUNT}
    for rule, place in rules:
        found |= _names(rule.get("if"), place) | _placed(rule.get("reason", {}))
    found |= _names(file.limit.formula, lines.where(("limit", "formula")))
    found |= _names(file.pricing.adjust, lines.where(("pricing", "adjust")))
    for i, table in enumerate(file.tables):
        found |= set(table.inputs)
        found |= _names(None, lines.where(("tables", i)))
    for name, text in own.items():
        found |= _names(text, lines.where(("derive", name)))
    shared = library().derive
    todo = [name for name in found if name in shared and name not in own]
    while todo:
        behind = _names(shared[todo.pop()].expr, "components")
        todo += [name for name in behind - found if name in shared]
        found |= behind
    return found


def _names(text: object, place: str) -> set[str]:
    return set(names(parse_expression(str(text), place))) if text is not None else set()


def _placed(reason: Mapping[str, Any]) -> set[str]:
    """The names a reason speaks of; a broken reason is told by the policy's own check."""
    try:
        return {
            name for text in reason.values() for _, name, _, _ in string.Formatter().parse(str(text)) if name
        }
    except (ValueError, AttributeError):
        return set()


def _inputs(
    out: PolicyText, file: ProductFile, raw: Mapping[str, Any], lines: Lines, wanted: set[str]
) -> None:
    out.add("inputs:", lines.where(("inputs",)))
    for name in file.inputs:
        out.add(f"  {name}: {_json(raw['inputs'][name])}", lines.where(("inputs", name)))
    shared = library()
    for name, item in shared.inputs.items():
        if name in wanted and name not in file.inputs:
            out.add(f"  {name}: {_json(_input(item))}", shared.places["inputs", name])


def _derived(
    out: PolicyText, file: ProductFile, raw: Mapping[str, Any], lines: Lines, wanted: set[str], base: Decimal
) -> None:
    out.add("derive:", lines.where(("derive",)))
    for name in file.derive:
        out.add(f"  {name}: {_json(raw['derive'][name])}", lines.where(("derive", name)))
    shared = library()
    for name, item in shared.derive.items():
        if name in wanted and name not in file.derive:
            out.add(f"  {name}: {_json(_derive(item))}", shared.places["derive", name])
    words = {"zh": "基准利率（LPR）", "en": "base rate (LPR)"}
    out.add(
        f"  {BASE}: {_json({'name': words, 'type': 'ratio', 'expr': show_number(base)})}",
        lines.where(("pricing",)),
    )
    words = {"zh": "测算额度", "en": "limit worked out"}
    out.add(
        f"  {CAPACITY}: {_json({'name': words, 'type': 'money', 'expr': file.limit.formula})}",
        lines.where(("limit", "formula")),
    )


def _tables(out: PolicyText, file: ProductFile, raw: Mapping[str, Any], lines: Lines) -> None:
    out.add("tables:", lines.where(("tables",)))
    for i in range(len(file.tables)):
        out.add(f"  - {_json(raw['tables'][i])}", lines.where(("tables", i)))
    place = lines.where(("pricing", "spread"))
    words = {"zh": "按评级加点", "en": "spread by grade"}
    output = {SPREAD: {"name": {"zh": "评级加点", "en": "spread"}, "type": "ratio"}}
    head = {"id": "spread", "name": words, "hit": "unique", "inputs": [GRADE], "outputs": output}
    out.add(f'  - {_json({**head, "if_missing": "refer"})[:-1]}, "rows": [', place)
    for grade, spread in file.pricing.spread.items():
        row = f'["{grade}", {show_number(spread)}],'
        out.add(f"      {row}", lines.where(("pricing", "spread", grade)))
    out.add("    ]}", place)


def _terms(out: PolicyText, file: ProductFile, lines: Lines) -> None:
    limit, price = file.limit, file.pricing
    formula = f"{CAPACITY} if missing({AMOUNT}) else min({CAPACITY}, {AMOUNT})"
    out.add("limit:", lines.where(("limit",)))
    out.add(f"  expr: {formula}", lines.where(("limit", "formula")))
    for key in ("min", "max", "step"):
        out.add(f"  {key}: {show_number(getattr(limit, key))}", lines.where(("limit", key)))
    out.add(f"  if_missing: {limit.if_missing}", lines.where(("limit", "if_missing")))
    out.add(f"  below_min: {limit.below_min}", lines.where(("limit", "below_min")))
    adjust = "" if price.adjust is None else f" + ({price.adjust})"
    out.add("price:", lines.where(("pricing",)))
    out.add(f"  expr: {_json(f'{BASE} + {SPREAD}{adjust}')}", lines.where(("pricing", "adjust")))
    for key in ("min", "max", "step"):
        out.add(f"  {key}: {show_number(getattr(price, key))}", lines.where(("pricing", key)))
    out.add(f"  rounding: {price.rounding}", lines.where(("pricing", "rounding")))
    out.add("  if_missing: refer", lines.where(("pricing",)))
    out.add(f"  above_max: {price.above_max}", lines.where(("pricing", "above_max")))


def _input(item: Input) -> dict[str, Any]:
    told = item.model_dump(exclude_none=True, exclude_defaults=False)
    return {key: [_number(v) for v in value] if key == "range" else value for key, value in told.items()}


def _derive(item: Derive) -> dict[str, Any]:
    return item.model_dump(exclude_none=True)


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _json(value: object) -> str:
    """A value as one line of YAML; numbers never with an exponent, which YAML reads as a text."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_json(str(k))}: {_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_json, value)) + "]"
    if isinstance(value, float | Decimal) and not isinstance(value, bool):
        return show_number(Decimal(str(value)))
    return json.dumps(value, ensure_ascii=False, default=str)
