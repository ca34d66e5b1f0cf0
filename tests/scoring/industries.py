"""Companies of several industries, kinds and ages, drawn from a known logistic truth."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from scipy.special import expit

from xinqiao.scoring.columns import Floats

CODES = ("A01", "C1310", "C33", "C35", "E50", "F51", "F52", "H62", None)
COLUMNS = tuple(f"x{i}" for i in range(6))
SIGNS = dict.fromkeys(COLUMNS, -1) | {"REG01": 1, "INV01": 0}
KINDS = np.array(["company", "self_employed", "cooperative", None], dtype=object)


@cache
def deviations(own: float) -> dict[str | None, tuple[float, Floats]]:
    """Shift and weights of each industry; ``own`` 0 makes all the same."""
    rng = np.random.default_rng(99)
    weights = rng.uniform(0.3, 0.9, len(COLUMNS))
    return {
        code: (own * rng.normal(0, 0.6), np.maximum(weights + own * rng.normal(0, 0.4, len(COLUMNS)), 0.0))
        for code in CODES
    }


def firms(rows: int, seed: int = 1, own: float = 1.0) -> tuple[pd.DataFrame, Floats, Floats]:
    """Columns and facts, outcomes and true log odds; risk rises in every ``x``."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, len(COLUMNS)))
    place = rng.integers(0, len(CODES), rows)
    codes = np.array(CODES, dtype=object)[place]
    shift = np.array([deviations(own)[code][0] for code in CODES])[place]
    weights = np.array([deviations(own)[code][1] for code in CODES])[place]
    truth = -2.0 + shift + (x * weights).sum(axis=1)
    frame = pd.DataFrame(x, columns=list(COLUMNS))
    frame.loc[rng.random(rows) < 0.1, "x0"] = np.nan
    frame["REG01"] = np.where(rng.random(rows) < 0.1, np.nan, rng.uniform(0, 12, rows))
    frame["INV01"] = np.where(rng.random(rows) < 0.1, np.nan, rng.lognormal(15, 1.5, rows))
    frame["company_kind"] = pd.Series(KINDS[rng.choice(4, rows, p=[0.6, 0.25, 0.1, 0.05])], dtype=object)
    frame["industry"] = pd.Series(codes, dtype=object)
    return frame, (rng.random(rows) < expit(truth)).astype(np.float64), truth
