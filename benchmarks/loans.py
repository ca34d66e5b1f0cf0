"""Generated loans to fit and score cards on: 60 mixed columns, seeded; nothing real.

40 amounts and ratios (every third with 2 to 30 % missing, every fifth with the special value -999),
10 counts and 10 categories with 3 to 40 values. The risk bends, has plateaus, and rises where values
are missing, so a card gains from bins of its own for missing and special values.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

NUMBERS, COUNTS, CATEGORIES = 40, 10, 10
SPECIAL = -999.0
BAD_RATE_LOGIT = -3.2  # about 8 % bad
HELD_OUT = 100_000
CHUNK = 100_000
SEED = 20260101

Floats = NDArray[np.float64]


def special_columns() -> list[str]:
    """The columns that hold the special value."""
    return [f"n{i:02}" for i in range(NUMBERS) if i % 5 == 0]


def category_columns() -> list[str]:
    """The columns of texts."""
    return [f"k{i:02}" for i in range(CATEGORIES)]


def _number(i: int, z: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The i-th number of every loan and what it adds to the log odds of bad."""
    x = 0.5 * z + rng.standard_normal(len(z))
    bend = (np.tanh(x), np.clip(x, -1, 1), np.abs(x) - 0.8, np.zeros(len(x)))[i % 4]
    odds = 0.25 * bend
    values = np.exp(x) * 1000 if i % 2 else x
    if i % 3 == 0:
        empty = rng.random(len(x)) < 0.02 + 0.28 * i / NUMBERS
        values, odds = np.where(empty, np.nan, values), np.where(empty, 0.5, odds)
    if i % 5 == 0:
        special = rng.random(len(x)) < 0.05
        values, odds = np.where(special, SPECIAL, values), np.where(special, -0.4, odds)
    return values, odds


def _chunk(rows: int, rng: np.random.Generator) -> pa.Table:
    z, odds = rng.standard_normal(rows), np.full(rows, BAD_RATE_LOGIT)
    columns: dict[str, object] = {}
    for i in range(NUMBERS):
        columns[f"n{i:02}"], added = _number(i, z, rng)
        odds += added
    for i in range(COUNTS):
        counts = rng.poisson(np.exp(0.3 * z + i / 5)).astype(float)
        columns[f"c{i:02}"] = counts
        odds += 0.1 * np.log1p(counts) - 0.1
    for i, name in enumerate(category_columns()):
        levels = 3 + i * 4
        place = rng.integers(0, levels, rows)
        columns[name] = pa.array([f"level {j:02}" for j in range(levels)]).take(pa.array(place))
        odds += 0.5 * np.sin(place * (i + 1.0))
    columns["bad"] = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int8)
    return pa.table(columns)


def write_loans(path: Path, rows: int, seed: int) -> None:
    """Write ``rows`` loans as Parquet, the same bytes for the same seed."""
    rng = np.random.default_rng(seed)
    partial = path.with_name(f".{path.name}.partial")
    with pq.ParquetWriter(partial, _chunk(0, np.random.default_rng(0)).schema) as writer:
        for begin in range(0, rows, CHUNK):
            writer.write_table(_chunk(min(CHUNK, rows - begin), rng))
    partial.replace(path)
