"""The words of a decision, Chinese first, and how values stand in them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

from xinqiao.indicator.reason import REASONS
from xinqiao.kernel.text import Text
from xinqiao.policy.format import TypeName
from xinqiao.policy.logic import Value

Shown = str | bool | None

NOT_GIVEN = "NOT_GIVEN"
INVALID_VALUE = "INVALID_VALUE"
NOT_COMPUTABLE = "NOT_COMPUTABLE"

WORDS: dict[str, Text] = {
    "limit": Text(zh="额度", en="Credit limit"),
    "price": Text(zh="年利率", en="Annual rate"),
    "outcome": Text(zh="结论", en="Outcome"),
    "missing_input": Text(zh="缺少所需数据", en="a needed value is missing"),
    "not_evaluated": Text(zh="“{name}”无法判断", en="{name} could not be evaluated"),
    "table_missing": Text(zh="决策表“{name}”因数据缺失无法判断", en="table {name} hangs on missing data"),
    "table_no_row": Text(zh="决策表“{name}”没有适用的行", en="no row of table {name} applies"),
    "table_several_rows": Text(zh="决策表“{name}”有多行同时适用", en="several rows of table {name} apply"),
    "limit_below": Text(
        zh="可给额度 {value} 元低于起点 {least} 元",
        en="the limit {value} CNY is below the least of {least} CNY",
    ),
    "price_above": Text(
        zh="风险定价 {value} 高于上限 {most}", en="the risk price {value} is above the cap {most}"
    ),
}

MISSING: dict[str, Text] = {
    **REASONS,
    NOT_GIVEN: Text(zh="未提供", en="not given"),
    INVALID_VALUE: Text(zh="取值超出允许范围", en="the value is outside what is allowed"),
    NOT_COMPUTABLE: Text(zh="无法计算", en="cannot be computed"),
}
_NONE = Text(zh="缺失", en="missing")
_TRUTH = {True: Text(zh="是", en="yes"), False: Text(zh="否", en="no")}


_CENT = Decimal("0.01")
_DIGITS = 28
_SHORTEN = Context(prec=_DIGITS, rounding=ROUND_HALF_EVEN)


def show(value: Value) -> Shown:
    """A value in its shortest form: ``100000``, ``0.0435``; texts and truths as they are."""
    return show_number(value) if isinstance(value, Decimal) else value


def show_number(value: Decimal) -> str:
    """A number without exponent and needless zeros, to 28 digits."""
    plain = str(value)
    if len(plain) > _DIGITS or "E" in plain:
        plain = format(value.normalize(_SHORTEN), "f")
    if plain[-1] == "0":
        if "." in plain:
            plain = plain.rstrip("0").rstrip(".")
        return "0" if plain == "-0" else plain
    return plain


def spoken(value: Value, kind: TypeName) -> Text:
    """A value as a person reads it: money with separators, ratios in percent."""
    if value is None:
        return _NONE
    if isinstance(value, bool):
        return _TRUTH[value]
    if isinstance(value, str):
        return Text(zh=value, en=value)
    text = number_words(value, kind)
    return Text(zh=text, en=text)


def number_words(value: Decimal, kind: TypeName) -> str:
    """A number as it is read in both languages."""
    match kind:
        case "money":
            return f"{_rounded(value):,f}"
        case "ratio":
            return f"{show_number(_rounded(value * 100))}%"
        case _:
            return show_number(_rounded(value))


def _rounded(value: Decimal) -> Decimal:
    """To two digits, half up; a number too long for that is whole anyway."""
    if value.is_zero():
        return round(value, 2)
    return value if value.adjusted() > _DIGITS - 4 else value.quantize(_CENT, ROUND_HALF_UP)


def fill(text: Text, **values: Text) -> Text:
    """Fill the places of ``text``, each language with its own words."""
    return Text(
        zh=text.zh.format(**{name: value.zh for name, value in values.items()}),
        en=text.en.format(**{name: value.en for name, value in values.items()}),
    )


def with_causes(text: Text, causes: Sequence[tuple[Text, str]]) -> Text:
    """Add which inputs are missing and why: ``(name, reason code)`` pairs."""
    if not causes:
        return text
    words = [(name, MISSING.get(code, Text(zh=code, en=code))) for name, code in causes]
    zh = "；".join(f"{name.zh}：{why.zh}" for name, why in words)
    en = "; ".join(f"{name.en}: {why.en}" for name, why in words)
    return Text(zh=f"{text.zh}（{zh}）", en=f"{text.en} ({en})")
