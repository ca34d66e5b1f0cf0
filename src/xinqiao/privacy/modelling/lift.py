"""How much better one score ranks than another on the same rows: AUC and KS, each with an interval."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy.stats import rankdata

from xinqiao.scoring.columns import Floats
from xinqiao.scoring.metrics import Ranking

SAMPLES = 200
NORMAL_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float

    def told(self) -> list[float]:
        """Value, low, high, to six decimals."""
        return [round(x, 6) for x in (self.value, self.low, self.high)]


@dataclass(frozen=True, slots=True)
class Lift:
    """A joint score against one alone, on rows neither was fitted on."""

    auc_joint: Estimate
    auc_alone: Estimate
    auc_lift: Estimate
    ks_joint: Estimate
    ks_alone: Estimate
    ks_lift: Estimate

    def array(self) -> Floats:
        """(6, 3): the figures in order, as they travel."""
        estimates: list[Estimate] = [getattr(self, f.name) for f in fields(self)]
        return np.array([[e.value, e.low, e.high] for e in estimates])

    @classmethod
    def read(cls, array: Floats) -> Lift:
        """From what ``array`` gives."""
        return cls(*(Estimate(*map(float, row)) for row in array))

    def told(self) -> dict[str, list[float]]:
        """Plain values by name."""
        return {f.name: getattr(self, f.name).told() for f in fields(self)}


def lift(joint: Floats, alone: Floats, bad: Floats, folds: int = 0) -> Lift:
    """The two scores (rows,), higher is riskier, on outcomes ``bad`` (rows,) of both classes.

    AUC: DeLong's covariance (Biometrics 1988) by mid-ranks; KS: bootstrap over rows, the
    same for both, its interval turned about the figure, for a sample's KS rises when drawn again.

    With ``folds``, scores are those of fits that left out the row's fold: intervals are widened for what
    other rows to fit on would have changed (Nadeau and Bengio, Machine Learning 2003).
    """
    order = np.lexsort((bad, alone, joint))  # so that drawn samples don't hang on the order of rows
    both, bad = np.stack([joint[order], alone[order]]), bad[order]
    value, covariance = _auc(both, bad)
    wide = _widening(folds)
    spread = wide * NORMAL_95 * np.sqrt(np.maximum(np.diag(covariance), 0.0))
    apart = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    apart = wide * NORMAL_95 * float(np.sqrt(max(apart, 0.0)))
    gain = float(value[0] - value[1])
    both_aucs = [Estimate(float(v), float(v - s), float(v + s)) for v, s in zip(value, spread, strict=True)]
    estimates = [*both_aucs, Estimate(gain, gain - apart, gain + apart), *_ks(both, bad, wide)]
    return Lift(**dict(zip(Lift.__slots__, estimates, strict=True)))


def _widening(folds: int) -> float:
    """Of a standard error: each fit is on folds - 1 times as many rows as it is measured on."""
    return float(np.sqrt(1 + folds / (folds - 1))) if folds else 1.0


def _auc(risks: Floats, bad: Floats) -> tuple[Floats, Floats]:
    """AUC of each of ``risks`` (scores, rows) and their covariance."""
    is_bad = bad > 0
    bads, goods = int(is_bad.sum()), int((~is_bad).sum())
    of_all = rankdata(risks, axis=-1)
    among_bads, among_goods = rankdata(risks[:, is_bad], axis=-1), rankdata(risks[:, ~is_bad], axis=-1)
    placed_bads = (of_all[:, is_bad] - among_bads) / goods
    placed_goods = 1 - (of_all[:, ~is_bad] - among_goods) / bads
    covariance = np.cov(placed_bads) / bads + np.cov(placed_goods) / goods
    return placed_bads.mean(axis=-1), np.asarray(covariance)


def _ks(risks: Floats, bad: Floats, wide: float) -> list[Estimate]:
    """KS of joint and alone and their difference; resampled rows are the same for both."""
    rankings = [Ranking.of(risk) for risk in risks]
    generator = np.random.default_rng(0)
    share = np.full(len(bad), 1 / len(bad))
    drawn = [_distances(rankings, np.ones(len(bad)), bad)]
    drawn += [
        _distances(rankings, generator.multinomial(len(bad), share).astype(np.float64), bad)
        for _ in range(SAMPLES)
    ]
    found = np.array(drawn)
    low, high = np.nanquantile(found[1:], [0.025, 0.975], axis=0)
    turned = zip(
        found[0], found[0] - wide * (high - found[0]), found[0] + wide * (found[0] - low), strict=True
    )
    return [Estimate(float(v), float(a), float(b)) for v, a, b in turned]


def _distances(rankings: list[Ranking], weight: Floats, bad: Floats) -> tuple[float, float, float]:
    joint, alone = (_distance(ranking, weight, bad) for ranking in rankings)
    return joint, alone, joint - alone


def _distance(ranking: Ranking, weight: Floats, bad: Floats) -> float:
    bads, goods = np.cumsum(ranking.groups(weight * bad)), np.cumsum(ranking.groups(weight * (1 - bad)))
    if not bads[-1] or not goods[-1]:
        return float("nan")
    return float(np.abs(bads / bads[-1] - goods / goods[-1]).max())
