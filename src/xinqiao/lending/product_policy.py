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
from xinqiao.lending.product_security import capped, confirmation
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
    """A policy's text, for every line where it comes from, and its ``data`` as the text reads."""

    lines: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The whole."""
        return "\n".join(self.lines) + "\n"

    def put(self, section: str, value: object, place: str) -> None:
        """A value of the policy's own."""
        self.data[section] = value
        self._line(f"{section}: {_yaml(value)}", place)

    def put_named(self, section: str, name: str, value: object, place: str) -> None:
        """A value under a name in a section."""
        self.data.setdefault(section, {})[name] = value
        self._line(f"  {_yaml(name)}: {_yaml(value)}", place)

    def put_next(self, section: str, value: object, place: str) -> None:
        """One more item of a section."""
        self.data.setdefault(section, []).append(value)
        self._line(f"  - {_yaml(value)}", place)

    def head(self, section: str, place: str) -> None:
        """The head of a section."""
        self._line(f"{section}:", place)

    def _line(self, line: str, place: str) -> None:
        self.lines.append(line)
        self.places.append(place)

    def told(self, error: UserError) -> UserError:
        """``error`` with its line of this text turned into the place it came from."""
        _, _, rest = error.where.partition(":")
        number = rest.partition(":")[0]
        if not number.isdigit() or not 0 < int(number) <= len(self.places):
            return error
        return UserError(error.code, self.places[int(number) - 1], error.what, error.fix)


@dataclass(frozen=True)
class Written:
    """What a policy is written from."""

    file: ProductFile
    raw: Mapping[str, Any]
    lines: Lines

    def where(self, *path: str | int) -> str:
        """The place of a part of the product."""
        return self.lines.where(path)


def write_policy(made: Written, *, base: tuple[date, Decimal], term_months: int) -> PolicyText:
    """The policy of a product under the ``base`` rate published on a day, for a term.

    Raises UserError LND-COMPONENT or EXPR-*.
    """
    out = PolicyText()
    rules = list(_rules(made))
    wanted = _wanted(made, rules)
    _head(out, made, base, term_months)
    _inputs(out, made, wanted)
    _derived(out, made, wanted, base[1])
    _tables(out, made)
    out.head("rules", made.where("admission"))
    for rule, place in rules:
        out.put_next("rules", rule, place)
    _limit(out, made)
    _price(out, made)
    return out


def _head(out: PolicyText, made: Written, base: tuple[date, Decimal], term_months: int) -> None:
    scale, file = master_scale(), made.file
    span: dict[str, object] = {"from": file.effective.from_}
    if file.effective.to is not None:
        span["to"] = file.effective.to
    out.put("id", file.id, made.where("id"))
    out.put("version", f"{file.version}+lpr{base[0]:%Y%m%d}", made.where("version"))
    out.put("name", file.name.model_dump(), made.where("name"))
    out.put("effective", span, made.where("effective"))
    out.put("term_months", term_months, made.where("tenor"))
    out.put("grades", [*(grade.id for grade in scale.grades), scale.default.id], made.where("score"))


def _rules(made: Written) -> Iterator[tuple[dict[str, Any], str]]:
    """All admission rules as plain values, the grade's first."""
    place = made.where("score", "worst_grade")
    worst = {"use": "grade_least", "with": {"grade": made.file.score.worst_grade}}
    yield filled(Use.model_validate(worst), place), place
    for i, item in enumerate(made.file.admission):
        where = made.where("admission", i)
        yield (filled(item, where) if isinstance(item, Use) else made.raw["admission"][i]), where
    for use in confirmation(made.file):
        yield filled(use, made.where("chain")), made.where("chain")


def _wanted(made: Written, rules: Iterable[tuple[Mapping[str, Any], str]]) -> set[str]:
    """The names the policy needs, those behind shared derived values included."""
    file, found = made.file, {GRADE, AMOUNT}
    for rule, place in rules:
        found |= _names(rule.get("if"), place) | _placed(rule.get("reason", {}))
    found |= _names(capped(file, made.where("limit")), made.where("limit", "formula"))
    found |= _names(file.pricing.adjust, made.where("pricing", "adjust"))
    for table in file.tables:
        found |= set(table.inputs)
    for name, item in file.derive.items():
        found |= _names(item.expr, made.where("derive", name))
    shared = library().derive
    todo = [name for name in found if name in shared and name not in file.derive]
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


def _inputs(out: PolicyText, made: Written, wanted: set[str]) -> None:
    shared = library()
    out.head("inputs", made.where("inputs"))
    for name in made.file.inputs:
        out.put_named("inputs", name, made.raw["inputs"][name], made.where("inputs", name))
    for name, item in shared.inputs.items():
        if name in wanted and name not in made.file.inputs:
            out.put_named("inputs", name, _plain(item), shared.places["inputs", name])


def _derived(out: PolicyText, made: Written, wanted: set[str], base: Decimal) -> None:
    shared = library()
    out.head("derive", made.where("derive"))
    for name in made.file.derive:
        out.put_named("derive", name, made.raw["derive"][name], made.where("derive", name))
    for name, item in shared.derive.items():
        if name in wanted and name not in made.file.derive:
            out.put_named("derive", name, _plain(item), shared.places["derive", name])
    words = {"zh": "基准利率（LPR）", "en": "base rate (LPR)"}
    rate = {"name": words, "type": "ratio", "expr": show_number(base)}
    out.put_named("derive", BASE, rate, made.where("pricing"))
    words = {"zh": "测算额度", "en": "limit worked out"}
    capacity = {"name": words, "type": "money", "expr": capped(made.file, made.where("limit"))}
    out.put_named("derive", CAPACITY, capacity, made.where("limit", "formula"))


def _tables(out: PolicyText, made: Written) -> None:
    out.head("tables", made.where("tables"))
    for i in range(len(made.file.tables)):
        out.put_next("tables", made.raw["tables"][i], made.where("tables", i))
    spread = {
        "id": "spread",
        "name": {"zh": "按评级加点", "en": "spread by grade"},
        "hit": "unique",
        "inputs": [GRADE],
        "outputs": {SPREAD: {"name": {"zh": "评级加点", "en": "spread"}, "type": "ratio"}},
        "if_missing": "refer",
        "rows": [[grade, _number(value)] for grade, value in _spreads(made.file.pricing.spread)],
    }
    out.put_next("tables", spread, made.where("pricing", "spread"))


def _spreads(written: Mapping[str, Decimal]) -> Iterator[tuple[str, Decimal]]:
    """The spreads as written; grades left out, which nobody lends to, take the widest."""
    scale = master_scale()
    grades = [*(grade.id for grade in scale.grades), scale.default.id]
    yield from written.items()
    spans = [key.split("..") for key in written]
    known = {
        grade
        for span in spans
        if span[0] in grades and span[-1] in grades
        for grade in grades[grades.index(span[0]) : grades.index(span[-1]) + 1]
    }
    yield from ((grade, max(written.values())) for grade in grades if grade not in known)


def _limit(out: PolicyText, made: Written) -> None:
    limit = made.file.limit
    formula = f"{CAPACITY} if missing({AMOUNT}) else min({CAPACITY}, {AMOUNT})"
    out.head("limit", made.where("limit"))
    out.put_named("limit", "expr", formula, made.where("limit", "formula"))
    for key in ("min", "max", "step"):
        out.put_named("limit", key, _number(getattr(limit, key)), made.where("limit", key))
    for key in ("if_missing", "below_min"):
        out.put_named("limit", key, getattr(limit, key), made.where("limit", key))


def _price(out: PolicyText, made: Written) -> None:
    price = made.file.pricing
    adjust = "" if price.adjust is None else f" + ({price.adjust})"
    out.head("price", made.where("pricing"))
    out.put_named("price", "expr", f"{BASE} + {SPREAD}{adjust}", made.where("pricing", "adjust"))
    for key in ("min", "max", "step"):
        out.put_named("price", key, _number(getattr(price, key)), made.where("pricing", key))
    for key in ("rounding", "above_max"):
        out.put_named("price", key, getattr(price, key), made.where("pricing", key))
    out.put_named("price", "if_missing", "refer", made.where("pricing"))


NO_LIMIT = 1
"""The limit, in CNY, by which terms say that none could be worked out."""


def terms_only(data: Mapping[str, Any]) -> dict[str, Any]:
    """A policy that only works out limit and rate: nothing is refused, an unknown limit is ``NO_LIMIT``."""
    never = {"zh": "只算额度和利率", "en": "limit and rate only"}
    rule = {"id": "never", "name": never, "if": f"{AMOUNT} < 0", "then": "refer", "if_missing": "ignore"}
    formula = f"{NO_LIMIT} if missing({CAPACITY}) else max({NO_LIMIT}, {CAPACITY})"
    capped = f"min({formula}, {data['limit']['max']} if missing({AMOUNT}) else {AMOUNT})"
    limit = {**data["limit"], "expr": capped, "min": 1, "step": 1, "below_min": "refer"}
    return {
        **data,
        "inputs": {name: {**item, "if_missing": "ignore"} for name, item in data["inputs"].items()},
        "tables": [{**table, "if_missing": "ignore"} for table in data["tables"]],
        "rules": [{**rule, "code": "NEVER", "reason": never}],
        "limit": limit,
        "price": {**data["price"], "above_max": "cap"},
    }


def _plain(item: Input | Derive) -> dict[str, Any]:
    """A component as it is written."""
    told = item.model_dump(exclude_none=True)
    if "range" in told:
        told["range"] = [_number(bound) for bound in told["range"]]
    return told


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _yaml(value: object) -> str:
    """A value on one line of YAML; numbers never with an exponent, which YAML reads as a text."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_yaml(str(k))}: {_yaml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    if isinstance(value, float):
        return show_number(Decimal(repr(value)))
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)
