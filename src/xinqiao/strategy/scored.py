"""Applicants of a finished ``xinqiao run``: their PDs with intervals, and ratings by the bank's own scale.

The interval of a PD is normal on the log-odds scale. Its variance has two parts: how much the score
moves when a fifth of the training companies is left out (the delete-a-group jackknife over the folds of
the validation, (K-1)/K times the sum of squares, mean over repeats), and the level, 1 / (n p (1-p)) for
n training companies with bad share p, which stratified folds hold still.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from xinqiao.indicator.definition import indicators
from xinqiao.indicator.snapshot import Snapshot
from xinqiao.kernel.errors import user_error
from xinqiao.scoring.model import Model
from xinqiao.scoring.scorecard import Scorecard
from xinqiao.scoring.validation import out_of_fold
from xinqiao.source.lake import Lake
from xinqiao.strategy.applicant import Applicant, bounds_of, rating_of
from xinqiao.strategy.book import moved
from xinqiao.strategy.churn import Floats
from xinqiao.strategy.industry import told_by_name
from xinqiao.strategy.rating import Agreement, calibrate_ratings
from xinqiao.strategy.terms import Terms

FOLDS, REPEATS, SEED = 5, 5, 0
NORMAL_90 = 1.6448536269514722
"""Half-width of a two-sided 90 % interval in standard deviations."""
SALES = "INV01"
_SIGNS = {"+": 1, "-": -1, "~": 0}
_RATINGS = """
    SELECT company_id, max_by(bank_rating, known_on) FROM read_parquet(?)
    WHERE bank_rating IS NOT NULL GROUP BY ALL
"""


@dataclass(frozen=True)
class Scored:
    """Applicants of a run; ``agreement``: None where ratings come from the terms' bounds."""

    applicants: tuple[Applicant, ...]
    as_of: str | None
    agreement: Agreement | None
    oof_auc: float | None
    everyone: bool
    """Whether companies with a known outcome are among them, because there are no others."""


@dataclass(frozen=True)
class _Doubt:
    """Out-of-fold PDs of the sample, AUC, and the standard error of the new companies' log odds."""

    sample_pd: Floats
    auc: float
    error: Floats


def read_run(folder: Path, terms: Terms, step: Callable[[str, int, int], None]) -> Scored:
    """The companies of the run in ``folder`` whose outcome is not known, or all where it is of all.

    Raises UserError STR-RUN.
    """
    try:
        results = pq.read_table(folder / "decisions" / "results.parquet").to_pylist()
        model = Model.from_json((folder / "model" / "model.json").read_bytes())
        as_of = results[0]["as_of"].isoformat()
        snapshot = Snapshot.read(folder / "indicators" / as_of)
    except (OSError, pa.ArrowInvalid, KeyError, IndexError) as error:
        raise user_error("STR-RUN", str(folder), detail=str(error)) from error
    known = _sample(folder)
    rated = _bank_ratings(folder)
    rows = [row for row in results if row["company_id"] not in known and row["company_id"] not in rated]
    everyone = not rows
    rows = rows or results
    frame = snapshot.frame()
    new = frame.loc[[row["company_id"] for row in rows]].reset_index(drop=True)
    doubt = _doubt(folder, model, new, known, step)
    ratings = [rated.get(key, "") for key in known]
    agreement = calibrate_ratings(doubt.sample_pd, ratings) if doubt and all(ratings) else None
    bounds = agreement.bounds if agreement else bounds_of(terms)
    sales = {str(k): v for k, v in frame[SALES].to_dict().items()} if SALES in frame else {}
    errors = doubt.error.tolist() if doubt else [None] * len(rows)
    made = [_applicant(row, bounds, e, sales) for row, e in zip(rows, errors, strict=True)]
    return Scored(tuple(made), as_of, agreement, doubt.auc if doubt else None, everyone)


def _sample(folder: Path) -> dict[str, int]:
    path = folder / "model" / "sample.parquet"
    if not path.exists():
        return {}
    table = pq.read_table(path)
    return dict(zip(table["company_id"].to_pylist(), table["bad"].to_pylist(), strict=True))


def _bank_ratings(folder: Path) -> dict[str, str]:
    files = [str(path) for path in Lake(folder / "lake").files("credit")]
    if not files:
        return {}
    with duckdb.connect() as connection:
        return dict(connection.execute(_RATINGS, [files]).fetchall())


def _doubt(
    folder: Path,
    model: Model,
    new: pd.DataFrame,
    known: dict[str, int],
    step: Callable[[str, int, int], None],
) -> _Doubt | None:
    """Refit the card in the folds of the validation; None for a model that was trained elsewhere."""
    day = model.card.provenance.as_of
    if not known or model.validation is None or day is None:
        return None
    try:
        learned = Snapshot.read(folder / "indicators" / day).frame().loc[list(known)]
    except (OSError, KeyError) as error:
        raise user_error("STR-RUN", str(folder), detail=str(error)) from error
    signs = {each.id: _SIGNS[each.direction] for each in indicators().values()}
    fitted: list[Scorecard] = []

    def make() -> Scorecard:
        step("folds", len(fitted), FOLDS * REPEATS)
        fitted.append(Scorecard(signs=signs, random_state=SEED))
        return fitted[-1]

    bad = np.array(list(known.values()), dtype=np.float64)
    out = out_of_fold(make, learned.reset_index(drop=True), bad, folds=FOLDS, repeats=REPEATS, seed=SEED)
    step("folds", FOLDS * REPEATS, FOLDS * REPEATS)
    sample_pd = np.array([model.calibration.pd(s) for s in out.log_odds.mean(axis=0).tolist()])
    scores = np.array([card.decision_function(new) for card in fitted]).reshape(REPEATS, FOLDS, -1)
    spread = ((scores - scores.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) * (FOLDS - 1) / FOLDS
    level = 1 / (len(bad) * bad.mean() * (1 - bad.mean()))
    return _Doubt(sample_pd, model.validation.auc, np.sqrt(spread.mean(axis=0) + level))


def _applicant(
    row: dict[str, Any], bounds: tuple[float, ...], error: float | None, sales: dict[str, float]
) -> Applicant:
    told = told_by_name(row["name"] or "")
    best = row["pd"]
    half = None if error is None else NORMAL_90 * error
    ends = (
        (None, None)
        if half is None
        else tuple(float(moved(np.array(best), np.array(s))) for s in (-half, half))
    )
    amount = sales.get(row["company_id"])
    return Applicant(
        id=row["company_id"],
        name=(row["name"] or row["company_id"]).strip(),
        pd=best,
        rating=rating_of(best, bounds),
        pd_low=ends[0],
        pd_high=ends[1],
        industry=told.industry,
        sureness=told.sureness,
        kind=told.kind,
        sales_cny=None if amount is None or np.isnan(amount) else max(0.0, float(amount)),
    )
