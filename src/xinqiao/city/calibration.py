"""How near the generated region comes to real data: distances, ratios, and what differs in words.

Each measure is a sample from the real set and one from the city. The distance is the two-sample
Kolmogorov-Smirnov statistic, the widest gap between the two cumulative shares (0: alike, 1: apart);
beside it the ratios generated / real of the median and of the 90th percentile.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from xinqiao.city.draw import Floats
from xinqiao.city.observed import Sides, default_shares, invoices, lawsuits, power
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.kernel.writing import write_whole
from xinqiao.report.calibration import CalibrationPage, Compared, Defaults, Sample, render_calibration
from xinqiao.report.page import write_page

NEAR, FAR = 0.10, 0.25
POINTS = 60
MOST = 200_000  # values of a sample kept for the distance


@dataclass(frozen=True, slots=True)
class Measure:
    """What is compared: its set, words, whether values are shares, and what is known to differ and why."""

    id: str
    source: str
    name: Text
    share: bool = False
    note: Text | None = None


FEWER = Text(
    zh="发票张数有意少于真实（生成更快）；volume=6 时与真实相当",
    en="fewer invoices on purpose, so that the region is quick to make; volume=6 gives as many",
)
LARGER = Text(
    zh="张数少而每张金额约为五倍，年销售额因而相当",
    en="fewer invoices, each about five times as large, so that yearly sales agree",
)
CHOSEN = Text(
    zh="真实集由有工商与诉讼记录的企业中挑选，半数破产；生成区域是一般小企业",
    en="the real set was chosen, half of it bankrupt; the region holds ordinary small firms",
)
MEASURES = (
    Measure("void_rate", "cumcm2020c", Text(zh="作废率（每企业）", en="void rate by company"), share=True),
    Measure(
        "red_rate", "cumcm2020c", Text(zh="红字发票占有效票", en="red-letter share of valid"), share=True
    ),
    Measure("log_amount", "cumcm2020c", Text(zh="单张金额（元，对数）", en="amount, log10 CNY"), note=LARGER),
    Measure("top5_share", "cumcm2020c", Text(zh="前五大客户占比", en="five largest customers"), share=True),
    Measure("invoices_per_month", "cumcm2020c", Text(zh="月均张数", en="invoices a month"), note=FEWER),
    Measure(
        "empty_months",
        "cumcm2020c",
        Text(zh="无票月份占比", en="months without invoices"),
        share=True,
        note=FEWER,
    ),
    Measure(
        "idle_days",
        "tianchi_power",
        Text(zh="停工日占比（≤1 千瓦时）", en="days of 1 kWh or less"),
        share=True,
    ),
    Measure("weekend_ratio", "tianchi_power", Text(zh="周末／工作日用电", en="weekend over weekday use")),
    Measure(
        "festival_ratio", "tianchi_power", Text(zh="春节／平日用电", en="spring festival over other days")
    ),
    Measure("daily_variation", "tianchi_power", Text(zh="日用电波动", en="variation of daily use")),
    Measure(
        "log_daily_kwh", "tianchi_power", Text(zh="日用电中位（对数）", en="median daily use, log10 kWh")
    ),
    Measure("cases_per_firm", "smesd", Text(zh="每企业案件数", en="lawsuits per firm"), note=CHOSEN),
    Measure(
        "cases_if_any", "smesd", Text(zh="有案企业的案件数", en="lawsuits of firms with any"), note=CHOSEN
    ),
    Measure(
        "any_case", "smesd", Text(zh="有案企业占比", en="firms with any lawsuit"), share=True, note=CHOSEN
    ),
    Measure("defendant", "smesd", Text(zh="被告占比", en="share as defendant"), share=True),
    Measure("lost", "smesd", Text(zh="被告败诉占比", en="lost as defendant"), share=True),
    Measure("commonest_cause", "smesd", Text(zh="最常见案由占比", en="commonest cause"), share=True),
    Measure("second_cause", "smesd", Text(zh="第二案由占比", en="second cause"), share=True),
)


def calibration_report(data: Path, city: Path, out: Path) -> Path:
    """Compare the region in ``city`` with the real sets in ``data``; write calibration.json and .html.

    ``city`` is the folder a region was generated to; of ``data`` the sets that are there are used. Returns
    the page. Raises UserError CITY-NO-REAL (no set is there), CITY-NO-TABLE (the city lacks a table).
    """
    made = city / "data"
    sides = [
        invoices(data, made),
        power(data, made),
        lawsuits(data, made),
    ]
    missing = tuple(side.name for side in sides if side.real is None)
    if len(missing) == len(sides):
        fail("CITY-NO-REAL", str(data), sets=", ".join(missing))
    rows = tuple(
        _compared(measure, side) for measure in MEASURES for side in sides if side.name == measure.source
    )
    compared = tuple(row for row in rows if row is not None)
    real, own = default_shares(data, made)
    page = CalibrationPage(compared, Defaults(tuple(sorted(real.items())), own), missing)
    body = json.dumps(asdict(page), ensure_ascii=False, indent=1, sort_keys=True, default=_plain)
    write_whole(out / "calibration.json", (body + "\n").encode())
    write_page(out / "calibration.html", render_calibration(page))
    return out / "calibration.html"


def _compared(measure: Measure, side: Sides) -> Compared | None:
    if side.real is None:
        return None
    real, made = side.real[measure.id], side.generated[measure.id]
    if not len(real) or not len(made):
        return None
    distance = _distance(real, made)
    before, after = _summary(real), _summary(made)
    return Compared(
        id=measure.id,
        source=measure.source,
        name=measure.name,
        share=measure.share,
        real=before,
        generated=after,
        distance=distance,
        ratio_median=_ratio(after[3], before[3]),
        ratio_high=_ratio(after[4], before[4]),
        verdict=_verdict(distance, before[1], after[1]),
        note=measure.note,
        curves=(_cumulated(real, made, real), _cumulated(real, made, made)),
    )


def _summary(sample: Floats) -> Sample:
    low, middle, high = (float(q) for q in np.quantile(sample, (0.1, 0.5, 0.9)))
    return len(sample), float(sample.mean()), low, middle, high


def _distance(real: Floats, made: Floats) -> float:
    """The Kolmogorov-Smirnov statistic; between single shares their difference."""
    if len(real) == 1:
        return abs(float(real[0] - made[0]))
    left, right = _thinned(real), _thinned(made)
    both = np.concatenate([left, right])
    gaps = [np.searchsorted(sample, both, side="right") / len(sample) for sample in (left, right)]
    return float(np.abs(gaps[0] - gaps[1]).max())


def _thinned(sample: Floats) -> Floats:
    ordered = np.sort(sample)
    if len(ordered) <= MOST:
        return ordered
    return ordered[np.linspace(0, len(ordered) - 1, MOST).astype(np.int64)]


def _ratio(made: float, real: float) -> float | None:
    return float(made / real) if real else None


def _verdict(distance: float, real: float, made: float) -> Text:
    """In words: how near, and on which side the generated values lie."""
    if distance < NEAR:
        return Text(zh="接近", en="near")
    side = Text(zh="偏高", en="too high") if made > real else Text(zh="偏低", en="too low")
    if distance < FAR:
        return Text(zh=f"略{side.zh}", en=f"somewhat {side.en}")
    return Text(zh=f"不同，{side.zh}", en=f"differs, {side.en}")


def _cumulated(real: Floats, made: Floats, sample: Floats) -> tuple[tuple[float, float], ...]:
    """Cumulative shares of ``sample`` on a grid from the 1st to the 99th percentile of both."""
    low = min(np.quantile(real, 0.01), np.quantile(made, 0.01))
    high = max(np.quantile(real, 0.99), np.quantile(made, 0.99))
    grid = np.linspace(low, high, POINTS)
    shares = np.searchsorted(np.sort(sample), grid, side="right") / len(sample)
    return tuple((round(float(x), 6), round(float(y), 6)) for x, y in zip(grid, shares, strict=True))


def _plain(text: object) -> object:
    """Words in two languages as JSON has them."""
    return text.model_dump() if isinstance(text, Text) else str(text)
