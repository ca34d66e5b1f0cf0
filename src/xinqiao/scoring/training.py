"""Training: checks what must not be learned from, fits, validates, calibrates, bundles."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.scoring.calibration import Calibration, Method, fit_calibration
from xinqiao.scoring.card import Card, Dropped
from xinqiao.scoring.columns import Column, Columns, Floats, read_columns
from xinqiao.scoring.model import Model, Route, peer_medians
from xinqiao.scoring.rating import master_scale
from xinqiao.scoring.scorecard import Scorecard
from xinqiao.scoring.segmented import SegmentedCard
from xinqiao.scoring.validation import OutOfFold, out_of_fold, summarise

MIN_OUTCOMES = 10
Flags = NDArray[np.bool_]
CONSTANT = Text(zh="只有一个取值", en="one value only")
ALL_MISSING = Text(zh="全部缺失", en="missing for every company")


def train(
    X: object,
    y: Sequence[float] | Floats,
    *,
    signs: Mapping[str, int],
    outcome_derived: Collection[str] = (),
    derived_from: Mapping[str, Collection[str]] | None = None,
    estimator: Any = None,  # noqa: ANN401 - any classifier with card_, Scorecard by default
    target: str = "",
    as_of: str | None = None,
    groups: Sequence[str | None] | None = None,
    scale_id: str = "master",
    calibration: Method | None = None,
    folds: int = 5,
    repeats: int = 5,
    seed: int = 0,
    min_outcomes: int = MIN_OUTCOMES,
) -> Model:
    """Train a card on ``X`` (rows, columns; any frame) and ``y`` (rows,), 1 = defaulted.

    ``signs``: a-priori direction of each column. ``outcome_derived``: names (ids or Chinese names)
    of contract fields derived from outcomes; ``derived_from``: for a column, the contract fields it
    is computed from. ``groups``: peer group of each row. ``estimator``: an unfitted classifier that
    has ``card_`` once fitted, or a ``SegmentedCard``. Calibration is learned from the out-of-fold scores
    of the validation, for each segment on its own.

    Raises UserError SCR-OUTCOME-FEATURE, SCR-TARGET-COPY, SCR-TARGET, SCR-FEW-BADS, SCR-NO-FEATURE,
    SCR-INFINITE, SCR-COLUMN-TYPE.
    """
    columns = read_columns(X)
    refuse_outcomes(columns.names, outcome_derived, derived_from or {})
    bad = _target(y, columns.rows, min_outcomes)
    _refuse_copies(columns, bad)
    usable, dropped = _without_constants(columns, getattr(estimator, "needs", ()))
    unfitted = estimator if estimator is not None else Scorecard(signs=signs, random_state=seed)
    out = out_of_fold(lambda: clone(unfitted), usable, bad, folds=folds, repeats=repeats, seed=seed)
    fitted = clone(unfitted).fit(usable, bad)
    card = _completed(fitted.card_, dropped, target, as_of)
    pooled = fit_calibration(out.log_odds, bad, calibration)
    routes: tuple[Route, ...] = ()
    if isinstance(fitted, SegmentedCard):
        place = fitted.model_.route_places(usable)
        every = enumerate(fitted.model_.routes)
        found = (_calibrated(r, out, place == i, pooled, folds=folds, seed=seed) for i, r in every)
        routes = tuple(r.model_copy(update={"card": _dated(r.card, target, as_of)}) for r in found)
    return Model(
        version=2 if routes else 1,
        card=card,
        calibration=pooled,
        scale=master_scale(scale_id),
        peers=peer_medians(usable.select(card.names), groups),
        validation=summarise(out, folds=folds, seed=seed),
        routes=routes,
    )


def _calibrated(
    route: Route, out: OutOfFold, rows: Flags, pooled: Calibration, *, folds: int, seed: int
) -> Route:
    """``route`` calibrated and validated on its own rows; with too few outcomes as all are."""
    bad = out.bad[rows]
    if min(bad.sum(), len(bad) - bad.sum()) < MIN_OUTCOMES:
        return route.model_copy(update={"calibration": pooled})
    mine = OutOfFold(out.log_odds[:, rows], bad)
    found = {
        "calibration": fit_calibration(mine.log_odds, bad),
        "validation": summarise(mine, folds=folds, seed=seed),
    }
    return route.model_copy(update=found)


def refuse_outcomes(
    names: Collection[str], outcome_derived: Collection[str], derived_from: Mapping[str, Collection[str]]
) -> None:
    """Raise UserError SCR-OUTCOME-FEATURE when a column comes from an outcome field.

    A column comes from a field when ``derived_from`` says so, or when its name is the field's name or
    holds it as whole words (``log_bank_rating``, ``bank_rating=A``; in Chinese: as a part). A field
    given as ``contract.field`` is found by its last part too.
    """
    fields = sorted(outcome_derived)
    for column in names:
        sources = {*derived_from.get(column, ()), column}
        for field in fields:
            if any(_holds(source, field) for source in sources):
                fail("SCR-OUTCOME-FEATURE", column, column=column, field=field)


def _holds(name: str, field: str) -> bool:
    word = field.rsplit(".", 1)[-1]
    if not word.isascii():
        return word in name
    return f"_{_words(word)}_" in f"_{_words(name)}_"


def _words(name: str) -> str:
    """``name`` in lower snake case: BankRating-A -> bank_rating_a."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^0-9a-z]+", "_", spaced.lower()).strip("_")


def _target(y: Sequence[float] | Floats, rows: int, min_outcomes: int) -> Floats:
    bad = np.asarray(y, dtype=np.float64)
    if bad.shape != (rows,) or not np.isin(bad, (0.0, 1.0)).all():
        fail("SCR-TARGET", "y", detail=f"{bad.shape}, {rows} rows, {sorted(set(bad.ravel().tolist()))[:5]}")
    bads, goods = int(bad.sum()), int((1 - bad).sum())
    if min(bads, goods) < min_outcomes:
        fail("SCR-FEW-BADS", "y", bads=bads, goods=goods, needed=min_outcomes)
    return bad


def _refuse_copies(columns: Columns, bad: Floats) -> None:
    """A column that maps one to one on the target is the target."""
    for name, values in zip(columns.names, columns.data, strict=True):
        codes, distinct = pd.factorize(values, use_na_sentinel=False)
        if len(distinct) == 2 and len({*zip(codes.tolist(), bad.tolist(), strict=True)}) == 2:  # noqa: PLR2004 - two values, two outcomes
            fail("SCR-TARGET-COPY", name, column=name)


def _without_constants(columns: Columns, needed: Collection[str]) -> tuple[Columns, list[Dropped]]:
    kept, dropped = [], []
    for name, values in zip(columns.names, columns.data, strict=True):
        reason = _useless(values)
        if reason is None or name in needed:
            kept.append(name)
        else:
            dropped.append(Dropped(name=name, reason=reason))
    if not kept:
        fail("SCR-NO-FEATURE", "X", detail=f"{len(dropped)} constant or missing / 常量或缺失")
    return columns.select(kept), dropped


def _useless(values: Column) -> Text | None:
    missing = pd.isna(values)
    if missing.all():
        return ALL_MISSING
    one = len(pd.unique(values[~missing])) == 1
    return CONSTANT if one and not missing.any() else None


def _completed(card: Card, dropped: Sequence[Dropped], target: str, as_of: str | None) -> Card:
    if not card.variables:
        fail("SCR-NO-FEATURE", "card", detail="no column tells good from bad / 没有一列能区分好坏")
    every = tuple(sorted((*card.provenance.dropped, *dropped), key=lambda d: d.name))
    noted = card.provenance.model_copy(update={"dropped": every})
    return _dated(card.model_copy(update={"provenance": noted}), target, as_of)


def _dated(card: Card, target: str, as_of: str | None) -> Card:
    """``card`` saying what it predicts and the date of the snapshot it was learned from."""
    noted = card.provenance.model_copy(update={"target": target, "as_of": as_of})
    return card.model_copy(update={"provenance": noted})
