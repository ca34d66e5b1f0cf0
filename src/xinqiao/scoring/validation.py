"""How good a score is on companies it has not seen: nested out-of-fold and out-of-time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedKFold

from xinqiao.kernel.canonical import canonical_json
from xinqiao.scoring.card import Card, Frozen
from xinqiao.scoring.columns import Columns, Floats, read_columns
from xinqiao.scoring.metrics import (
    DIGITS,
    auc,
    bootstrap_auc,
    brier,
    calibration_bins,
    ks,
    log_loss,
    roc,
)

Split = tuple[NDArray[np.intp], NDArray[np.intp]]
Splits = list[Split]
ROC_POINTS = 200
SCORE_DIGITS = 9  # equal scores stay equal after the move between levels
LOGIT_LIMIT = 1e-12


class CalibrationBin(Frozen):
    """A group of companies: mean PD said, share of bads seen."""

    count: int
    mean_pd: float
    bad_share: float


class Validation(Frozen):
    """Results on unseen companies; all shares 0..1, log-loss in nats.

    ``auc`` is the mean over repeats of the AUC of all companies pooled; ``auc_interval`` its
    95 % bootstrap interval over companies (it does not hold the chance of having drawn another
    training sample, so with few bads the true uncertainty is wider). The other measures are means
    over repeats too. ``auc_averaged``, ``roc`` and ``calibration`` come from each company's mean
    log odds over the repeats.
    """

    kind: Literal["nested-out-of-fold", "out-of-time"]
    rows: int
    bads: int
    folds: int = 0
    repeats: int = 1
    seed: int = 0
    auc_per_repeat: tuple[float, ...]
    auc: float
    auc_averaged: float
    auc_interval: tuple[float, float]
    gini: float
    ks: float
    brier: float
    log_loss: float
    roc: tuple[tuple[float, float], ...]
    calibration: tuple[CalibrationBin, ...]

    def to_json(self) -> bytes:
        """Canonical JSON."""
        return canonical_json(self.model_dump(mode="json"))


def folds_of(bad: Floats, folds: int, repeats: int, seed: int) -> Splits:
    """Training and test rows of stratified folds, fewer when a class has fewer rows; none below two."""
    count = min(folds, int(bad.sum()), int(len(bad) - bad.sum()))
    if count < 2:  # noqa: PLR2004 - one fold is no cross-validation
        return []
    splitter = RepeatedStratifiedKFold(n_splits=count, n_repeats=repeats, random_state=seed)
    return list(splitter.split(np.empty(len(bad)), bad))


class OutOfFold:
    """Log odds of bad of unseen companies, shape (repeats, rows), and the outcomes, shape (rows,)."""

    def __init__(self, log_odds: Floats, bad: Floats) -> None:
        self.log_odds = log_odds
        self.bad = bad


def log_odds_of(estimator: Any, X: Columns) -> Floats:  # noqa: ANN401 - any scikit-learn classifier
    """Log odds of the bad class, shape (rows,), from any classifier."""
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(X), dtype=np.float64)
    pd = np.clip(estimator.predict_proba(X)[:, 1], LOGIT_LIMIT, 1 - LOGIT_LIMIT)
    out: Floats = np.log(pd) - np.log1p(-pd)
    return out


def out_of_fold(
    make_estimator: Callable[[], Any],
    X: object,
    y: Floats,
    *,
    folds: int = 5,
    repeats: int = 5,
    seed: int = 0,
) -> OutOfFold:
    """Scores of companies by models that never saw them.

    ``make_estimator()`` gives a fresh unfitted estimator; everything it learns (bins, selection,
    tuning) it learns inside the fold. Folds are stratified; repeat r shuffles with seed + r.

    Scores are moved from the bad rate of their fold's training part to that of all companies. Where
    a fold holds one bad more, its model saw one less; pooled without this, the folds' levels alone
    would rank companies backwards, the more the weaker the model.
    """
    columns, bad = read_columns(X), np.asarray(y, dtype=np.float64)
    scores, level = np.empty((repeats, columns.rows)), _level(bad)
    for r in range(repeats):
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed + r)
        for train, test in splitter.split(np.empty(len(bad)), bad):
            model = make_estimator().fit(columns.take(train), bad[train])
            scores[r, test] = log_odds_of(model, columns.take(test)) + level - _level(bad[train])
    return OutOfFold(np.round(scores, SCORE_DIGITS), bad)


def _level(bad: Floats) -> float:
    """Log odds of the bad rate."""
    rate = float(bad.mean())
    return float(np.log(rate) - np.log1p(-rate))


def summarise(
    out: OutOfFold,
    kind: Literal["nested-out-of-fold", "out-of-time"] = "nested-out-of-fold",
    *,
    folds: int = 0,
    seed: int = 0,
    samples: int = 1000,
    bins: int | None = None,
) -> Validation:
    """All measures of out-of-fold or out-of-time scores."""
    scores, bad = out.log_odds, out.bad
    pds = 1 / (1 + np.exp(-scores))
    aucs = [round(auc(s, bad), DIGITS) for s in scores]
    low, high = bootstrap_auc(scores, bad, samples, seed)
    mean = float(np.mean(aucs))
    middle = scores.mean(axis=0)
    groups = bins or min(10, max(3, int(bad.sum()) // 5))
    return Validation(
        kind=kind,
        rows=len(bad),
        bads=int(bad.sum()),
        folds=folds,
        repeats=len(scores),
        seed=seed,
        auc_per_repeat=tuple(aucs),
        auc=round(mean, DIGITS),
        auc_averaged=round(auc(middle, bad), DIGITS),
        auc_interval=(round(low, DIGITS), round(high, DIGITS)),
        gini=round(2 * mean - 1, DIGITS),
        ks=_mean([ks(s, bad) for s in scores]),
        brier=_mean([brier(p, bad) for p in pds]),
        log_loss=_mean([log_loss(p, bad) for p in pds]),
        roc=_thin_roc(middle, bad),
        calibration=_calibration(1 / (1 + np.exp(-middle)), bad, groups),
    )


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), DIGITS)


def _thin_roc(risk: Floats, bad: Floats) -> tuple[tuple[float, float], ...]:
    false, true = roc(risk, bad)
    at = np.unique(np.linspace(0, len(false) - 1, ROC_POINTS).round().astype(int))
    return tuple((round(float(false[i]), DIGITS), round(float(true[i]), DIGITS)) for i in at)


def _calibration(pd: Floats, bad: Floats, bins: int) -> tuple[CalibrationBin, ...]:
    rows = calibration_bins(pd, bad, bins)
    return tuple(
        CalibrationBin(count=n, mean_pd=round(p, DIGITS), bad_share=round(b, DIGITS)) for n, p, b in rows
    )


def nested_oof(
    make_estimator: Callable[[], Any],
    X: object,
    y: Floats,
    *,
    folds: int = 5,
    repeats: int = 5,
    seed: int = 0,
) -> Validation:
    """Repeated nested cross-validation; see ``out_of_fold`` and ``Validation``."""
    out = out_of_fold(make_estimator, X, y, folds=folds, repeats=repeats, seed=seed)
    return summarise(out, folds=folds, seed=seed)


def out_of_time(model: Any, X: object, y: Floats, seed: int = 0) -> Validation:  # noqa: ANN401 - Model or classifier
    """Measures of a fitted ``model`` on later companies, none of which it was trained on."""
    bad = np.asarray(y, dtype=np.float64)
    scores = log_odds_of(model, read_columns(X))
    return summarise(OutOfFold(scores[None, :], bad), "out-of-time", seed=seed)


class IvRow(Frozen):
    """Information value of one variable, with its bins and whether it fell out of the card."""

    variable: str
    iv: float
    bins: int
    coefficient: float


def iv_table(card: Card) -> list[IvRow]:
    """Variables of the card by information value, strongest first."""
    rows = [
        IvRow(variable=v.name, iv=v.iv, bins=len(v.bins), coefficient=v.coefficient) for v in card.variables
    ]
    return sorted(rows, key=lambda r: (-r.iv, r.variable))
