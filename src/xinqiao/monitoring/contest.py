"""Warnings compared on what came later (预警回测): days overdue alone, signals alone, hazard model, both.

The model is fitted anew every quarter on what was known by then, and judged on the months that follow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from xinqiao.indicator.model import COMPANY
from xinqiao.kernel.text import Text
from xinqiao.monitoring.hazard import HORIZONS, MONTHS, Hazard, ahead, fit
from xinqiao.monitoring.panel import Panel, day_number
from xinqiao.monitoring.review import Reviews, Worth, judged, worth
from xinqiao.monitoring.signal import signals, spoken
from xinqiao.scoring.columns import Floats
from xinqiao.scoring.metrics import auc

WAYS = {
    "days": Text(zh="只看逾期天数", en="days overdue alone"),
    "signals": Text(zh="只看预警信号", en="signals alone"),
    "hazard": Text(zh="风险率模型", en="hazard model"),
    "random": Text(zh="随机", en="by chance"),
}


@dataclass(frozen=True, slots=True)
class Contest:
    """Test months, borrower-months, borrowers, those judged for recall; the ways; the model's AUC by horizon.

    ``base``: the share of borrower-months that are bad within a year.
    """

    months: tuple[date, ...]
    rows: int
    borrowers: int
    bads: int
    base: float
    ways: tuple[Worth, ...]
    auc: dict[int, float]
    by_signal: tuple[tuple[str, int, float], ...]
    last: Hazard


def contest(
    panel: Panel, months: Sequence[date], capacity: float, *, samples: int = 500, tick: Callable[[date], None]
) -> Contest:
    """Compare the ways on ``months``, whose outcomes the panel has seen for a year after.

    Raises UserError MON-FEW.
    """
    blocks = [months[i : i + MONTHS] for i in range(0, len(months), MONTHS)]
    parts: list[pl.DataFrame] = []
    for block in blocks:
        tick(block[0])
        model = fit(panel, block[0])
        rows = panel.rows.filter(pl.col("as_of").is_in(block))
        risks = {f"pd_{h}": model.pd(rows, h) for h in HORIZONS}
        parts.append(rows.with_columns(**{name: pl.Series(values) for name, values in risks.items()}))
    rows = pl.concat(parts)
    weight, said = _signals(panel, rows)
    return _judged(rows, weight, said, capacity, samples, model)


def _signals(panel: Panel, rows: pl.DataFrame) -> tuple[Floats, list[tuple[str, ...]]]:
    """The weight of the signals about each row (NaN where none speaks), and which spoke."""
    told: list[tuple[str, ...]] = []
    for (day,), part in rows.group_by("as_of", maintain_order=True):
        assert isinstance(day, date)  # noqa: S101 - the column's own type
        found = spoken(part.select(COMPANY, pl.col(pl.Float64)).to_arrow(), day, panel.leads[day])
        told += [found[company].spoken for company in part[COMPANY]]
    weight = np.array([float(signals().weight(names)) for names in told])
    return np.where(weight > 0, weight, np.nan), told


def _judged(  # noqa: PLR0917 - what a contest is made of
    rows: pl.DataFrame,
    weight: Floats,
    said: list[tuple[str, ...]],
    capacity: float,
    samples: int,
    last: Hazard,
) -> Contest:
    reviews = reviews_of(rows)
    days = rows["own_days_past_due"].to_numpy()
    risk = rows["pd_12"].to_numpy()
    ways = {
        "days": np.where(days > 0, days, np.nan),
        "signals": weight,
        "hazard": risk,
        "random": np.zeros(len(rows)),
    }
    bad = reviews.bad.astype(np.float64)
    within = {h: (day_number(rows["falls_on"]) <= _ends(rows, h)).astype(np.float64) for h in HORIZONS}
    return Contest(
        tuple(rows["as_of"].unique().sort().to_list()),
        len(rows),
        int(reviews.company.max(initial=-1)) + 1,
        int(judged(reviews).sum()),
        float(bad.mean()),
        tuple(worth(reviews, ways, capacity, samples=samples)),
        {h: auc(rows[f"pd_{h}"].to_numpy(), within[h]) for h in HORIZONS},
        _by_signal(said, reviews.bad),
        last,
    )


def _ends(rows: pl.DataFrame, months: int) -> Floats:
    ends = {day: ahead(day, months) for day in rows["as_of"].unique().to_list()}
    return day_number(pl.Series([ends[day] for day in rows["as_of"]], dtype=pl.Date))


def reviews_of(rows: pl.DataFrame) -> Reviews:
    """The rows of a panel as ``review`` reads them; borrowers are numbered in the order of their ids."""
    number = rows[COMPANY].rank("dense").to_numpy().astype(np.int64) - 1
    return Reviews(
        number, day_number(rows["as_of"]), day_number(rows["falls_on"]), day_number(rows["warns_on"])
    )


def _by_signal(
    said: Sequence[tuple[str, ...]], bad: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[tuple[str, int, float], ...]:
    """Each signal: how often it spoke, and how many of those turned bad within a year."""
    out = []
    for key in signals().signals:
        spoke = np.array([key in names for names in said])
        out.append((key, int(spoke.sum()), float(bad[spoke].mean()) if spoke.any() else float("nan")))
    return tuple(out)
