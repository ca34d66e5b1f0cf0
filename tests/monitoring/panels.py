"""Panels made by hand: borrowers whose chance to fail is told by one column, and nothing else."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from xinqiao.monitoring.panel import Panel, features, month_ends

FIRST, LAST, SEEN = date(2022, 12, 31), date(2024, 6, 30), date(2025, 6, 30)


def made(companies: int = 400, seed: int = 0) -> Panel:
    """A borrower's INV03 drops some months before it falls; every other column is noise or missing."""
    rng = np.random.default_rng(seed)
    dates = month_ends(FIRST, LAST)
    rows = []
    for number in range(companies):
        falls = None
        if rng.random() < 0.4:
            falls = FIRST + timedelta(days=int(rng.integers(40, (SEEN - FIRST).days)))
        warned = rng.integers(4, 9)
        for day in dates:
            if falls is not None and falls - timedelta(days=60) <= day:
                break
            near = falls is not None and (falls - day).days <= 30 * warned
            rows.append(
                {
                    "company_id": f"C{number:05d}",
                    "as_of": day,
                    "falls_on": falls,
                    "warns_on": None if falls is None else falls - timedelta(days=60),
                    "INV03": float(rng.normal(0.5 if near else 1.0, 0.15)),
                    "INV02": -0.3 if near else 0.1,
                    "own_days_past_due": 0.0,
                }
            )
    schema = {"falls_on": pl.Date, "warns_on": pl.Date, "as_of": pl.Date}
    frame = pl.DataFrame(rows, schema_overrides=schema)
    lacking = [pl.lit(None, pl.Float64).alias(n) for n in features() if n not in frame.columns]
    frame = frame.with_columns(lacking).sort("as_of", "company_id")
    return Panel(frame, features(), {day: {} for day in dates}, SEEN)
