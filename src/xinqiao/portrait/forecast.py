"""Forecast of a firm's monthly trading (invoiced sales, operating cash inflow), with intervals.

For each horizon a few plain forecasts are combined: the same month a year ago (seasonal naive), means
of the last 3, 6 and 12 months, the last month, and the yearly mean times the season of the firm's
industry. Their weights are non-negative least squares over all firms and past months, in units of the
firm's own yearly mean, so that a large firm counts no more than a small one. Intervals are split
conformal: quantiles of the past errors of firms that swing as much (Vovk et al. 2005; groups by
coefficient of variation). Nothing after the month of origin is used, in fitting or in testing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.optimize import nnls

from xinqiao.kernel.period import add_months, last_complete_month_end, month_index

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

YEAR = 12
HORIZON = 6
PAST_ORIGINS = 12
"""Months of origin the weights and intervals are learned from."""
LEVEL = 0.8
SWINGS = 5
"""Groups of firms by how much their months differ."""
LEAST_ERRORS = 60
LEAST_GROUP = 30
HIGHEST = 6.0
"""Months above six times the yearly mean count as six in fitting: one contract is no rule."""
CANDIDATES = ("seasonal_naive", "mean_3m", "mean_6m", "mean_12m", "last", "industry_season")


@dataclass(frozen=True, slots=True)
class Panel:
    """``values``: shape (companies, months), NaN before a firm's first month; ``first`` month's first day."""

    companies: tuple[str, ...]
    first: date
    values: Floats

    @property
    def months(self) -> int:
        """How many months it covers."""
        return int(self.values.shape[1])


@dataclass(frozen=True, slots=True)
class Forecast:
    """Shapes (companies, horizon); NaN for firms without a full year. Low and high bound LEVEL of cases."""

    companies: tuple[str, ...]
    months: tuple[date, ...]
    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class PastError:
    """One horizon of the back-test, over ``cases`` firm-months.

    Errors are mean absolute errors in units of the firm's yearly mean; ``ratio`` is ours over the
    seasonal naive; ``coverage`` the share of months inside the interval; ``better`` the share of firms
    whose months we missed by less.
    """

    horizon: int
    cases: int
    error: float
    naive_error: float
    coverage: float
    better: float

    @property
    def ratio(self) -> float:
        """Below 1: better than the same month a year ago."""
        return self.error / self.naive_error


def panel(rows: pa.Table, amount: str, as_of: date, months: int) -> Panel:
    """The last ``months`` complete months at ``as_of`` from rows (company_id, month first day, amount).

    A month without a row is 0 from the firm's first row on (the source is covered), and NaN before.
    """
    last = month_index(last_complete_month_end(as_of))
    place = (
        np.array([month_index(day) for day in rows["month"].to_pylist()], dtype=np.int64) - last + months - 1
    )
    companies = sorted(set(rows["company_id"].to_pylist()))
    at = {key: i for i, key in enumerate(companies)}
    who = np.array([at[key] for key in rows["company_id"].to_pylist()], dtype=np.int64)
    inside = (place >= 0) & (place < months)
    values = np.zeros((len(companies), months))
    amounts = rows[amount].to_numpy().astype(np.float64)
    np.add.at(values, (who[inside], place[inside]), amounts[inside])
    begun = np.full(len(companies), months, dtype=np.int64)
    np.minimum.at(begun, who, np.maximum(place, 0))
    values[np.arange(months)[None, :] < begun[:, None]] = np.nan
    first = add_months(last_complete_month_end(as_of).replace(day=1), 1 - months)
    return Panel(tuple(companies), first, values)


def forecast(data: Panel, groups: Sequence[str | None], horizon: int = HORIZON) -> Forecast:
    """The next ``horizon`` months of every firm; ``groups`` gives each firm's industry (None: unknown)."""
    origin = data.months - 1
    labels = _labels(groups)
    parts = [_at(data.values, labels, origin, h) for h in range(1, horizon + 1)]
    value, low, high = (np.column_stack([part[i] for part in parts]) for i in range(3))
    ahead = tuple(add_months(data.first, data.months + h) for h in range(horizon))
    return Forecast(data.companies, ahead, value, low, high)


def backtest(
    data: Panel, groups: Sequence[str | None], horizon: int = HORIZON, origins: int = 6
) -> tuple[PastError, ...]:
    """Forecast from each of the last ``origins`` months whose outcome is known, as of that month."""
    labels = _labels(groups)
    return tuple(_tested(data.values, labels, h, origins) for h in range(1, horizon + 1))


def _tested(values: Floats, labels: Ints, h: int, origins: int) -> PastError:
    errors, naive, inside, firms = [], [], [], []
    for origin in range(max(YEAR - 1, values.shape[1] - h - origins), values.shape[1] - h):
        value, low, high = _at(values[:, : origin + 1], labels, origin, h)
        true, scale = values[:, origin + h], _scale(values, origin)
        tried = np.flatnonzero(~np.isnan(value) & (scale > 0))
        unit = scale[tried]
        errors.append(np.abs(value - true)[tried] / unit)
        naive.append(np.abs(values[:, origin + h - YEAR] - true)[tried] / unit)
        inside.append(((low <= true) & (true <= high))[tried])
        firms.append(tried)
    if not sum(map(len, firms)):
        return PastError(h, 0, np.nan, np.nan, np.nan, np.nan)
    ours, theirs, who = np.concatenate(errors), np.concatenate(naive), np.concatenate(firms)
    gain = np.bincount(who, theirs - ours)
    return PastError(
        horizon=h,
        cases=len(who),
        error=float(ours.mean()),
        naive_error=float(theirs.mean()),
        coverage=float(np.concatenate(inside).mean()),
        better=float((gain[np.unique(who)] > 0).mean()),
    )


def _labels(groups: Sequence[str | None]) -> Ints:
    names = sorted({group for group in groups if group is not None})
    at: dict[str | None, int] = {name: i + 1 for i, name in enumerate(names)}
    return np.array([at.get(group, 0) for group in groups], dtype=np.int64)


def _at(values: Floats, labels: Ints, origin: int, h: int) -> tuple[Floats, Floats, Floats]:
    """Forecast, low and high of month ``origin + h``, from the columns up to ``origin``."""
    seen = values[:, : origin + 1]
    past = [o for o in range(origin - h - PAST_ORIGINS + 1, origin - h + 1) if o >= YEAR - 1]
    weights = _weights(seen, labels, past, h)
    value = _combined(seen, labels, origin, h, weights)
    low, high = _interval(seen, labels, (past, origin, h), weights, value)
    return value, np.maximum(low, 0.0), np.maximum(high, value)


def _scale(values: Floats, origin: int) -> Floats:
    """A firm's yearly mean at ``origin``; NaN without a full year."""
    mean: Floats = values[:, origin - YEAR + 1 : origin + 1].mean(axis=1)
    return np.maximum(mean, 0.0)


def _candidates(values: Floats, labels: Ints, origin: int, h: int) -> Floats:
    """The plain forecasts of month ``origin + h``; shape (companies, 6)."""
    last = values[:, origin - YEAR + 1 : origin + 1]
    year = last.mean(axis=1)
    return np.column_stack(
        [
            values[:, origin + h - YEAR] if h <= YEAR else last[:, -1],
            last[:, -3:].mean(axis=1),
            last[:, -6:].mean(axis=1),
            year,
            last[:, -1],
            year * _season(values, labels, origin, h),
        ]
    )


def _season(values: Floats, labels: Ints, origin: int, h: int) -> Floats:
    """Month ``origin + h`` against the mean of its year, by industry, from past years; 1 where unknown.

    Each firm counts alike: its share of the year's total, so that one large firm makes no season.
    """
    years = [end for end in range(origin + h - YEAR, YEAR - 2, -YEAR) if end <= origin]
    shares = []
    for at in years:
        first = min(at, origin - YEAR + 1)
        block = values[:, first : first + YEAR]
        mean = block.mean(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares.append(np.where(mean > 0, values[:, at] / mean, np.nan))
    if not shares:
        return np.ones(len(values))
    clipped = np.clip(np.array(shares), 0.0, HIGHEST)
    known = ~np.isnan(clipped)
    total, count = np.where(known, clipped, 0.0).sum(axis=0), known.sum(axis=0)
    sums, counts = np.bincount(labels, total), np.bincount(labels, count)
    overall = sums.sum() / max(counts.sum(), 1)
    # thin industries lean on everyone: LEAST_GROUP firm-years of the overall season are added
    index = (sums + LEAST_GROUP * overall) / (counts + LEAST_GROUP)
    return np.asarray(index[labels], dtype=np.float64)


def _weights(values: Floats, labels: Ints, past: Sequence[int], h: int) -> Floats:
    """Non-negative weights of the candidates; equal ones when there is nothing to learn from."""
    rows, targets = [], []
    for origin in past:
        scale = _scale(values, origin)
        use = scale > 0
        unit = scale[use]
        rows.append(np.minimum(_candidates(values, labels, origin, h)[use] / unit[:, None], HIGHEST))
        targets.append(np.minimum(values[use, origin + h] / unit, HIGHEST))
    if sum(map(len, targets)) < LEAST_ERRORS:
        return np.full(len(CANDIDATES), 1 / len(CANDIDATES))
    found, _ = nnls(np.concatenate(rows), np.concatenate(targets))
    return np.asarray(found, dtype=np.float64)


def _combined(values: Floats, labels: Ints, origin: int, h: int, weights: Floats) -> Floats:
    return np.asarray(_candidates(values, labels, origin, h) @ weights, dtype=np.float64)


def _swing(values: Floats, origin: int) -> Floats:
    """Coefficient of variation over the last year; infinite for a year of zeros."""
    last = values[:, origin - YEAR + 1 : origin + 1]
    mean = last.mean(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(mean > 0, last.std(axis=1) / mean, np.inf)


def _interval(
    values: Floats, labels: Ints, when: tuple[Sequence[int], int, int], weights: Floats, value: Floats
) -> tuple[Floats, Floats]:
    """Low and high: the forecast plus quantiles of past errors of firms that swing alike."""
    past, origin, h = when
    errors, swings = [np.empty(0)], [np.empty(0)]
    for at in past:
        scale = _scale(values, at)
        use = scale > 0
        errors.append(((values[:, at + h] - _combined(values, labels, at, h, weights))[use]) / scale[use])
        swings.append(_swing(values, at)[use])
    error, swing = np.concatenate(errors), np.concatenate(swings)
    if len(error) < LEAST_ERRORS:
        return np.full(len(value), np.nan), np.full(len(value), np.nan)
    edges = np.quantile(swing, np.linspace(0, 1, SWINGS + 1)[1:-1])
    group, mine = np.searchsorted(edges, swing), np.searchsorted(edges, _swing(values, origin))
    tails = np.array([_tails(error[group == g] if (group == g).any() else error) for g in range(SWINGS)])
    scale = _scale(values, origin)
    return value + tails[mine, 0] * scale, value + tails[mine, 1] * scale


def _tails(errors: Floats) -> tuple[float, float]:
    """Lower and upper quantile with the finite-sample correction (n + 1) / n of split conformal intervals."""
    n = len(errors)
    side = (1 - LEVEL) / 2
    reach = min(1.0, (1 - side) * (n + 1) / n)
    return float(np.quantile(errors, 1 - reach)), float(np.quantile(errors, reach))
