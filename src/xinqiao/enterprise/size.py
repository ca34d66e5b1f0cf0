"""Size class of a firm (企业划型) by the standard of 2011 and 2017.

Each indicator of the firm's industry gives a tier (its lower bounds are included), and the lowest tier
counts: large only if all indicators are large, micro as soon as one is below small. So an answer is
certain without an indicator only when another one is micro already.
"""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Literal

import numpy as np
import numpy.typing as npt

from xinqiao.enterprise.industry import industry as industry_entry
from xinqiao.enterprise.size_standard import Covered, Indicator, NotCovered, Part, standard
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text

Size = Literal["large", "medium", "small", "micro", "UNKNOWN", "NOT_APPLICABLE"]
Number = int | float | Decimal
Floats = npt.NDArray[np.float64]

TIERS: tuple[Size, ...] = ("micro", "small", "medium", "large")
NAMES: Mapping[Size, Text] = {
    "large": Text(zh="大型", en="large"),
    "medium": Text(zh="中型", en="medium"),
    "small": Text(zh="小型", en="small"),
    "micro": Text(zh="微型", en="micro"),
    "UNKNOWN": Text(zh="无法判定", en="unknown"),
    "NOT_APPLICABLE": Text(zh="不适用", en="not applicable"),
}
_NUMBER = re.compile(r"[+-]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+|(?=\.[0-9]))(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")
MAX_CHARS = 64
"""Of a number as text."""
_EXACT = Context(prec=1_000)  # no digit of a text is lost
_UNKNOWN, _NOT_APPLICABLE = -1, -2
_CODES = np.array(["micro", "small", "medium", "large", "NOT_APPLICABLE", "UNKNOWN"])  # -2, -1 from the end
_NO_INDUSTRY = Text(zh="缺少行业代码", en="the industry code is missing")


@dataclass(frozen=True, slots=True)
class SizeClass:
    """The answer and why."""

    size: Size
    reason: Text


def size_class(
    industry: str | None,
    staff: Number | None = None,
    revenue_10k: Number | None = None,
    assets_10k: Number | None = None,
) -> SizeClass:
    """The size class of one firm; None is missing.

    Args:
        industry: code of GB/T 4754-2017: C1311, 1311, 13 or C. One too coarse to decide gives UNKNOWN,
            unless all industries under it agree.
        staff: persons at the end of the period.
        revenue_10k: revenue of the year, in 10,000 CNY; a Decimal is compared exactly.
        assets_10k: total assets, in 10,000 CNY.

    Raises UserError ENT-INDUSTRY, ENT-NUMBER (NaN, infinite), ENT-RANGE (negative, absurd).
    """
    entry = industry_entry(industry) if industry is not None else None
    given: dict[Indicator, Number] = {}
    pairs: tuple[tuple[Indicator, Number | None], ...]
    pairs = (("staff", staff), ("revenue_10k", revenue_10k), ("assets_10k", assets_10k))
    for indicator, value in pairs:
        if value is not None:
            _check(indicator, value)
            given[indicator] = value
    if entry is None:
        return SizeClass("UNKNOWN", _NO_INDUSTRY)
    answers = [(part, _by_part(part, given)) for part in standard().parts[entry.code]]
    first = answers[0][1]
    if len(answers) == 1:
        return first
    held = f"{entry.code} {entry.name}"
    if first.size != "UNKNOWN" and all(answer.size == first.size for _, answer in answers):
        return SizeClass(first.size, _agree(held, answers))
    return SizeClass("UNKNOWN", _differ(held, answers))


def _check(indicator: Indicator, value: Number, where: str | None = None) -> None:
    """Raises UserError ENT-NUMBER or ENT-RANGE unless ``value`` can be one of the indicator."""
    measured = standard().indicators[indicator]
    told = {"name": measured.name, "value": value}
    finite = (
        value.is_finite() if isinstance(value, Decimal) else isinstance(value, int) or math.isfinite(value)
    )
    if not finite:
        fail("ENT-NUMBER", where or indicator, **told)
    if not 0 <= value <= measured.most:
        fail("ENT-RANGE", where or indicator, most=f"{measured.most:,}", unit=measured.unit, **told)


def _by_part(part: Part, given: Mapping[Indicator, Number]) -> SizeClass:
    """The answer if the firm belongs under this line of the standard."""
    if isinstance(part, NotCovered):
        return SizeClass("NOT_APPLICABLE", part.why)
    tiers = {name: bisect_right(bounds, given[name]) for name, bounds in part.lower.items() if name in given}
    missing = [name for name in part.lower if name not in given]
    lowest = min(tiers.values(), default=len(TIERS) - 1)
    if missing and lowest > 0:
        return SizeClass("UNKNOWN", _unsure(part, given, tiers, missing))
    return SizeClass(TIERS[lowest], _sure(part, given, tiers, missing))


def _told(given: Mapping[Indicator, Number], tiers: Mapping[Indicator, int]) -> Text:
    """Each indicator with its tier: 从业人员 25 人（中型）."""
    zh, en = [], []
    for name, tier in tiers.items():
        measured, word = standard().indicators[name], NAMES[TIERS[tier]]
        zh.append(f"{measured.name.zh} {_shown(given[name])} {measured.unit.zh}（{word.zh}）")
        en.append(f"{measured.name.en} {_shown(given[name])} {measured.unit.en} ({word.en})")
    return Text(zh="、".join(zh), en=", ".join(en))


def _shown(value: Number) -> str:
    plain = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return plain if len(plain) <= MAX_CHARS else str(value)


def _names(missing: Sequence[Indicator]) -> Text:
    names = [standard().indicators[name].name for name in missing]
    return Text(zh="、".join(n.zh for n in names), en=" and ".join(n.en for n in names))


def _sure(
    part: Covered, given: Mapping[Indicator, Number], tiers: Mapping[Indicator, int], missing: list[Indicator]
) -> Text:
    told = _told(given, tiers)
    zh, en = f"按{part.name.zh}：{told.zh}", f"as {part.name.en}: {told.en}"
    if missing:
        lacking = _names(missing)
        return Text(
            zh=f"{zh}；一项低于小型下限即为微型，缺少{lacking.zh}不影响结论",
            en=f"{en}; one indicator below small makes micro, whatever the missing {lacking.en}",
        )
    if len(tiers) > 1:
        return Text(zh=f"{zh}，取最低一档", en=f"{en}; the lowest counts")
    return Text(zh=zh, en=en)


def _unsure(
    part: Covered, given: Mapping[Indicator, Number], tiers: Mapping[Indicator, int], missing: list[Indicator]
) -> Text:
    lacking = _names(missing)
    zh, en = f"按{part.name.zh}：缺少{lacking.zh}", f"as {part.name.en}: {lacking.en} missing"
    if not tiers:
        return Text(zh=zh, en=en)
    told, most = _told(given, tiers), NAMES[TIERS[min(tiers.values())]]
    return Text(zh=f"{zh}；{told.zh}，至多{most.zh}", en=f"{en}; {told.en}: at most {most.en}")


def _agree(held: str, answers: Sequence[tuple[Part, SizeClass]]) -> Text:
    """All industries under a coarse code give the same size: why the first does stands for all."""
    zh, en = "、".join(part.name.zh for part, _ in answers), ", ".join(part.name.en for part, _ in answers)
    first = answers[0][1].reason
    return Text(zh=f"{held}所含{zh}结论相同；{first.zh}", en=f"{held} holds {en}, which agree; {first.en}")


def _differ(held: str, answers: Sequence[tuple[Part, SizeClass]]) -> Text:
    zh = "、".join(f"{part.name.zh}（{NAMES[answer.size].zh}）" for part, answer in answers)
    en = ", ".join(f"{part.name.en} ({NAMES[answer.size].en})" for part, answer in answers)
    return Text(
        zh=f"行业代码{held}太粗，所含行业结论不一：{zh}；请给出更细的代码",
        en=f"the code {held} is too coarse, the industries under it differ: {en}; give a finer one",
    )


def size_classes(
    industry: Sequence[str | None],
    staff: npt.ArrayLike,
    revenue_10k: npt.ArrayLike,
    assets_10k: npt.ArrayLike,
) -> npt.NDArray[np.str_]:
    """``size_class(...).size`` of many firms, all of length n.

    NaN is missing, and so is an industry that is no text (None). Floats are compared as they are: what
    must be exact to the last digit goes through ``size_class`` as Decimal.

    Raises UserError as ``size_class`` does, naming the first place (from 0) at fault.
    """
    numbers: dict[str, int] = {}
    told = (
        numbers.setdefault(code, len(numbers)) if isinstance(code, str) else _UNKNOWN for code in industry
    )
    codes = np.fromiter(told, dtype=np.int64)
    values: dict[Indicator, Floats] = {
        "staff": np.asarray(staff, dtype=np.float64),
        "revenue_10k": np.asarray(revenue_10k, dtype=np.float64),
        "assets_10k": np.asarray(assets_10k, dtype=np.float64),
    }
    for name, column in values.items():
        _check_column(name, column)
    found = np.full(len(codes), _UNKNOWN, dtype=np.int64)
    alike: dict[tuple[str, ...], tuple[tuple[Part, ...], list[int]]] = {}  # codes under the same lines
    for code, place in numbers.items():
        entry = industry_entry(code, f"industry[{int(np.argmax(codes == place))}]")
        parts = standard().parts[entry.code]
        alike.setdefault(tuple(part.codes[0] for part in parts), (parts, []))[1].append(place)
    for parts, places in alike.values():
        rows = np.flatnonzero(np.isin(codes, places))
        chosen = {name: column[rows] for name, column in values.items()}
        found[rows] = _tiers_of(parts, chosen, len(rows))
    return np.asarray(_CODES[found])


def _check_column(name: Indicator, column: Floats) -> None:
    most = standard().indicators[name].most
    wrong = np.flatnonzero(~np.isnan(column) & ~((column >= 0) & (column <= most)))
    if wrong.size:
        _check(name, float(column[wrong[0]]), f"{name}[{wrong[0]}]")


def _tiers_of(parts: Sequence[Part], values: Mapping[Indicator, Floats], rows: int) -> npt.NDArray[np.int64]:
    answers = [_tiers_by(part, values, rows) for part in parts]
    same = np.all([answer == answers[0] for answer in answers], axis=0)
    return np.where(same, answers[0], _UNKNOWN)


def _tiers_by(part: Part, values: Mapping[Indicator, Floats], rows: int) -> npt.NDArray[np.int64]:
    if isinstance(part, NotCovered):
        return np.full(rows, _NOT_APPLICABLE, dtype=np.int64)
    lowest = np.full(rows, len(TIERS) - 1, dtype=np.int64)
    missing = np.zeros(rows, dtype=bool)
    for name, bounds in part.lower.items():
        absent = np.isnan(values[name])
        tier = np.searchsorted(np.asarray(bounds, dtype=np.float64), values[name], side="right")
        lowest = np.where(absent, lowest, np.minimum(lowest, tier))
        missing |= absent
    return np.where(missing & (lowest > 0), _UNKNOWN, lowest)


def read_number(indicator: Indicator, text: str, factor: Decimal = Decimal(1)) -> Decimal | None:
    """The exact value of ``text`` times ``factor``; None for a blank. Full width and 1,234 are read too.

    Whether it is one the indicator can have is for ``size_class`` to say. Raises UserError ENT-NUMBER.
    """
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    if not plain:
        return None
    if len(plain) > MAX_CHARS or _NUMBER.fullmatch(plain) is None:
        name = standard().indicators[indicator].name
        fail("ENT-NUMBER", indicator, name=name, value=text[:MAX_CHARS])
    return _EXACT.multiply(_EXACT.create_decimal(plain.replace(",", "")), factor)


def read_size(
    industry: str | None,
    texts: Mapping[Indicator, str | None],
    factors: Mapping[Indicator, Decimal] | None = None,
) -> SizeClass:
    """``size_class`` of numbers as texts, each times its factor; None and blanks are missing.

    Raises UserError as ``size_class`` and ``read_number`` do.
    """
    one = Decimal(1)
    values = {
        name: read_number(name, text or "", (factors or {}).get(name, one)) for name, text in texts.items()
    }
    return size_class(industry, **values)
