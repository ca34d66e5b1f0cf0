"""All faults of a product's text at once, each with the place it concerns: what the wizard shows.

``product_load.parse_product`` stops at the first; both use the same checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from xinqiao.consent import wording
from xinqiao.kernel.document import Lines, Path, read_yaml
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.lending.component import filled, limit_formula
from xinqiao.lending.product_check import product_faults
from xinqiao.lending.product_format import ProductFile, Use
from xinqiao.lending.product_load import Product, parse_product

ORIGIN = "product.yaml"
SHAPES = {
    "missing": Text(zh="必填", en="must be filled in"),
    "extra_forbidden": Text(zh="没有这一项", en="there is no such entry"),
    "string_type": Text(zh="应为文字", en="words are needed"),
    "string_pattern_mismatch": Text(
        zh="格式不对：编号用小写英文字母开头，只含字母、数字和下划线；版本号如 1.0",
        en="ids begin with a small letter and hold letters, digits and _; versions are like 1.0",
    ),
    "int_type": Text(zh="应为整数", en="a whole number is needed"),
    "int_from_float": Text(zh="应为整数", en="a whole number is needed"),
    "is_instance_of": Text(zh="应为数字", en="a number is needed"),
    "decimal_type": Text(zh="应为数字", en="a number is needed"),
    "date_type": Text(zh="应为日期，如 2026-03-01", en="a date is needed, like 2026-03-01"),
    "bool_type": Text(zh="应为是或否", en="yes or no is needed"),
    "literal_error": Text(zh="可选：{expected}", en="one of: {expected}"),
    "greater_than_equal": Text(zh="不小于 {ge}", en="at least {ge}"),
    "less_than_equal": Text(zh="不大于 {le}", en="at most {le}"),
    "too_short": Text(zh="至少 {min_length} 项", en="at least {min_length}"),
    "too_long": Text(zh="至多 {max_length} 项", en="at most {max_length}"),
    "tuple_type": Text(zh="应为列表", en="a list is needed"),
    "model_type": Text(zh="必填", en="must be filled in"),
}
OTHER = Text(zh="内容不对：{msg}", en="not right: {msg}")
MESSAGES = {
    "either a formula or a template": Text(zh="公式和模板二选一", en="either a formula or a template"),
    "a finite number is needed": Text(zh="应为数字", en="a number is needed"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: where in the product, what is wrong, and what to do about it."""

    path: Path
    what: Text
    fix: Text | None = None


@dataclass(frozen=True)
class Findings:
    """A text examined: its plain data as far as it is a document, and the product where nothing is wrong."""

    data: Mapping[str, Any]
    faults: tuple[Fault, ...]
    product: Product | None = field(default=None, repr=False)


@lru_cache(maxsize=256)
def examine(text: str) -> Findings:
    """Everything that is wrong with the text of a product."""
    try:
        data, lines = read_yaml(text, ORIGIN)
    except UserError as error:
        return Findings({}, (Fault((), error.what, error.fix),))
    if not isinstance(data, dict):
        return Findings({}, (Fault((), SHAPES["missing"]),))
    try:
        file = ProductFile.model_validate(data)
    except ValidationError as error:
        return Findings(data, tuple(dict.fromkeys(_shape(each, data) for each in error.errors())))
    faults = [Fault(path, words) for path, words in product_faults(file)]
    faults += list(_components(file))
    faults += list(_words(file))
    product = None
    if not faults:
        try:
            product = parse_product(text, ORIGIN)
        except UserError as error:
            faults.append(_told(error, lines))
    return Findings(data, tuple(faults), product)


def _shape(error: ErrorDetails, data: Any) -> Fault:  # noqa: ANN401 - plain data of YAML
    """A fault of shape in words of both languages, its place without what pydantic adds of its own."""
    path: list[str | int] = []
    at: Any = data
    for i, step in enumerate(error["loc"]):
        inner = _inside(at, step)
        if inner is not _NOTHING:
            at = inner
        elif i != len(error["loc"]) - 1 or error["type"] not in ("missing", "extra_forbidden"):
            continue
        path.append(step)
    values = {**error.get("ctx", {}), "msg": error["msg"]}
    said = next((words for key, words in MESSAGES.items() if key in error["msg"]), None)
    if at in ("", None) and error["type"] != "extra_forbidden":
        said = SHAPES["missing"]
    return Fault(tuple(path), said or SHAPES.get(error["type"], OTHER).fill(**values))


_NOTHING = object()


def _inside(at: Any, step: str | int) -> Any:  # noqa: ANN401 - plain data of YAML
    """What stands at ``step`` of a mapping or list, or ``_NOTHING``."""
    if isinstance(at, Mapping):
        return at.get(step, _NOTHING)
    if isinstance(at, list) and isinstance(step, int) and step < len(at):
        return at[step]
    return _NOTHING


def _components(file: ProductFile) -> Iterator[Fault]:
    for i, item in enumerate(file.admission):
        if isinstance(item, Use):
            try:
                filled(item, ORIGIN)
            except UserError as error:
                yield Fault(("admission", i), error.what, error.fix)
    try:
        limit_formula(file.limit, ORIGIN)
    except UserError as error:
        yield Fault(("limit", "use"), error.what, error.fix)


def _words(file: ProductFile) -> Iterator[Fault]:
    for name in ("name", "summary", "audience"):
        told: Text = getattr(file, name)
        try:
            wording.check(name, told.zh, told.en)
        except UserError as error:
            yield Fault((name,), error.what, error.fix)


def _told(error: UserError, lines: Lines) -> Fault:
    _, _, rest = error.where.partition(":")
    number = rest.partition(":")[0]
    path = lines.path_at(int(number)) if number.isdigit() else ()
    return Fault(path, error.what, error.fix)
