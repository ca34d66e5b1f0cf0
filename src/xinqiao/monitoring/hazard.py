"""The hazard model (风险率模型): when, not only whether, a borrower will be bad.

Discrete time in quarters ahead: each row of the panel stands once for every coming quarter it was seen
through, bad in it or not, given good until then. So the latest months teach too, as far as they were seen,
and one model tells of 6 and of 12 months. Bad: 90 days overdue for the first time.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import fail
from xinqiao.kernel.period import add_months, month_end
from xinqiao.monitoring.panel import Panel, day_number, features, signs
from xinqiao.scoring.boosted import BoostedTrees
from xinqiao.scoring.columns import Columns, Floats

QUARTER = "quarter_ahead"
QUARTERS, MONTHS = 4, 3
HORIZONS = (6, 12)
LEAST_BADS = 20
TREES, DEPTH, RATE, LEAF = 250, 4, 0.04, 60
MOST_ROWS = 600_000
"""Rows learned from at most: with more, months are left out, evenly, the latest stay."""


def ahead(day: date, months: int) -> date:
    """The end of the month ``months`` after that of ``day``."""
    return month_end(add_months(day.replace(day=1), months))


@dataclass(frozen=True, slots=True)
class Hazard:
    """A fitted model; ``until``: what it learned from was known by then."""

    trees: BoostedTrees
    until: date

    def pd(self, rows: pl.DataFrame, months: int) -> Floats:
        """Probability (rows,) of turning bad within ``months``, 3 to 12 by threes."""
        good = np.ones(len(rows))
        for quarter in range(months // MONTHS):
            good *= 1 - self.trees.predict_proba(_columns(rows, np.full(len(rows), float(quarter))))[:, 1]
        out: Floats = 1 - good
        return out

    def to_json(self) -> bytes:
        """Canonical JSON of the model."""
        told = {"format": "xinqiao.hazard", "until": self.until.isoformat()}
        return canonical_json(told | {"trees": json.loads(self.trees.to_json())})

    @classmethod
    def from_json(cls, data: bytes | str) -> Hazard:
        """The model ``to_json`` wrote. Raises UserError SCR-CARD-FORMAT."""
        try:
            told = json.loads(data)
            until, trees = date.fromisoformat(told["until"]), json.dumps(told["trees"])
        except (ValueError, KeyError, TypeError) as error:
            fail("SCR-CARD-FORMAT", "hazard", detail=repr(error))
        return cls(BoostedTrees.from_json(trees), until)


def fit(panel: Panel, until: date, *, seed: int = 0) -> Hazard:
    """Learn from what was known by ``until``. Raises UserError MON-FEW (too few turned bad to learn from)."""
    known = _thinned(panel.rows.select("as_of", "falls_on", *features()), until)
    parts = [_quarter(known, quarter, until) for quarter in range(QUARTERS)]
    rows, bad = pl.concat([rows for rows, _ in parts]), np.concatenate([bad for _, bad in parts])
    quarter = np.concatenate([np.full(len(own), float(i)) for i, (own, _) in enumerate(parts)])
    if bad.sum() < LEAST_BADS:
        fail("MON-FEW", until.isoformat(), bads=int(bad.sum()), least=LEAST_BADS)
    trees = BoostedTrees(
        signs=signs(), trees=TREES, depth=DEPTH, learning_rate=RATE, min_leaf=LEAF, random_state=seed
    )
    return Hazard(trees.fit(_columns(rows, quarter), bad), until)


def _thinned(rows: pl.DataFrame, until: date) -> pl.DataFrame:
    """The rows before ``until``, of every so-manieth month where all would be too many."""
    rows = rows.filter(pl.col("as_of") < until)
    dates = sorted(rows["as_of"].unique().to_list(), reverse=True)
    seen = sum(ahead(day, MONTHS * (quarter + 1)) <= until for day in dates for quarter in range(QUARTERS))
    stride = math.ceil(seen * len(rows) / max(len(dates), 1) / MOST_ROWS) or 1
    return rows.filter(pl.col("as_of").is_in(dates[::stride]))


def _quarter(rows: pl.DataFrame, quarter: int, until: date) -> tuple[pl.DataFrame, Floats]:
    """Rows good when a quarter ahead begins that was seen to its end, and whether they were bad in it."""
    dates = [d for d in rows["as_of"].unique().sort().to_list() if ahead(d, MONTHS * (quarter + 1)) <= until]
    span = pl.DataFrame(
        {
            "as_of": pl.Series(dates, dtype=pl.Date),
            "begins": pl.Series([ahead(d, MONTHS * quarter) for d in dates], dtype=pl.Date),
            "ends": pl.Series([ahead(d, MONTHS * (quarter + 1)) for d in dates], dtype=pl.Date),
        }
    )
    seen = rows.join(span, on="as_of", maintain_order="left")
    seen = seen.filter(pl.col("falls_on").is_null() | (pl.col("falls_on") > pl.col("begins")))
    bad = day_number(seen["falls_on"]) <= day_number(seen["ends"])
    return seen.drop("begins", "ends"), bad.astype(np.float64)


def _columns(rows: pl.DataFrame, quarter: Floats) -> Columns:
    names = features()
    data = [rows[n].cast(pl.Float64).fill_null(float("nan")).to_numpy() for n in names]
    return Columns([*names, QUARTER], [*data, quarter], len(rows))
