"""The WOE scorecard: binning, selection, bounded ridge logistic regression, points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.model_selection import StratifiedKFold

from xinqiao.kernel.text import Text
from xinqiao.scoring.binning import DIGITS, Cut, Specials
from xinqiao.scoring.card import Card, Dropped, Scale, Variable
from xinqiao.scoring.columns import Columns, Floats
from xinqiao.scoring.fitter import CardClassifier
from xinqiao.scoring.logistic import Fit, Penalty, fit_logistic, fit_logistic_codes, log_loss_sum
from xinqiao.scoring.merging import EmptyMissing
from xinqiao.scoring.woe_binner import Binned, WOEBinner, sample_rows

PENALTIES = (16.0, 64.0, 256.0)
TUNED = 4_000
"""Rows the penalty is chosen on; with fewer rows on all."""
DENSE = 20_000
"""Rows up to which WOE is fitted as one matrix; of more, the rows that give the steps their shape."""
FLAT = Text(zh="按既定方向看，各取值风险无差别", en="no difference of risk in the stated direction")
WEAK = Text(zh="信息值 IV 低于阈值", en="information value below the threshold")
AGAINST = Text(
    zh="与其他变量合用时没有增益，分值全为零", en="adds nothing beside the others: all its points are zero"
)


def correlated(variable: str) -> Text:
    """The reason a column gave way to a stronger one of its cluster."""
    return Text(
        zh=f"与 {variable} 高度相关且信息值较低", en=f"highly correlated with {variable}, which tells more"
    )


class Scorecard(CardClassifier):
    """Points card by WOE logistic regression.

    Steps: ``WOEBinner``; columns with IV below ``min_iv`` leave; of each cluster of columns whose
    WOE correlate above ``max_correlation`` (average linkage) the one with the highest IV stays;
    logistic regression of the target on WOE with coefficients >= 0 (the sign check: points can't
    run against the WOE) and a ridge chosen from ``penalties`` by ``folds``-fold log-loss, binning
    and selection repeated inside each fold; points at ``scale``, rounded to ``digits``.

    ``predict_proba`` is read off the points, so it is what the card itself says.

    ``bins``: numbers of bins to choose from in the same way, instead of ``max_bins``. Of many rows a
    fixed sample is enough to choose on.

    Attributes: ``card_``, ``variables_`` (all columns as binned), ``penalty_``, ``max_bins_``,
    ``stability_`` (what was joined to last through all periods), ``classes_``.
    """

    fitter = "woe-logistic"
    _period: object = None  # of the rows, while they are fitted

    def __init__(
        self,
        *,
        signs: Mapping[str, int] | None = None,
        specials: Mapping[str, Specials] | None = None,
        prebins: int = 10,
        max_bins: int = 10,
        min_share: float = 0.05,
        smoothing: float = 2.0,
        trend: float = 3000.0,
        merge_chi2: float = 2.7,
        empty_missing: EmptyMissing = "neutral",
        min_iv: float = 0.01,
        max_correlation: float = 1.0,
        penalties: Sequence[float] = PENALTIES,
        bins: Sequence[int] = (),
        folds: int = 5,
        scale: Scale | None = None,
        digits: int = 0,
        random_state: int = 0,
    ) -> None:
        self.signs = signs
        self.specials = specials
        self.prebins = prebins
        self.max_bins = max_bins
        self.min_share = min_share
        self.smoothing = smoothing
        self.trend = trend
        self.merge_chi2 = merge_chi2
        self.empty_missing = empty_missing
        self.min_iv = min_iv
        self.max_correlation = max_correlation
        self.penalties = penalties
        self.bins = bins
        self.folds = folds
        self.scale = scale
        self.digits = digits
        self.random_state = random_state

    def fit(self, X: Any, y: Any, period: Any = None) -> Self:  # noqa: ANN401 - scikit-learn's own duck types
        """Fit on ``X`` (rows, columns) and the binary ``y`` (rows,); the greater class is bad.

        ``period`` (rows,) makes the bins time-stable, as in ``WOEBinner.fit``; the card's provenance
        says for which variables that joined bins.
        """
        self._period = period
        try:
            return super().fit(X, y)
        finally:
            del self._period

    def _fit_columns(self, columns: Columns, bad: Floats) -> None:
        self.penalty_, self.max_bins_ = self._tune(columns, bad)
        binned = self._binner(self.max_bins_).bin_columns(columns, bad, self._period)
        self.stability_ = {f"stable {cut.name}": cut.note for cut in binned.cuts if cut.note}
        self.variables_ = tuple(cut.variable() for cut in binned.cuts)
        rows = sample_rows(columns.rows, DENSE)
        kept, dropped = self._selected(binned, rows)
        fit = self._fit_binned(binned, kept, bad, rows)
        self.card_ = self._card(kept, fit, dropped, bad)

    def _selected(self, binned: Binned, rows: NDArray[np.intp]) -> tuple[list[int], list[Dropped]]:
        woe = binned.woe([c[rows] for c in binned.codes], range(len(binned.cuts)))
        return select(binned.cuts, woe, self.min_iv, self.max_correlation)

    def _fit_binned(self, binned: Binned, kept: list[int], bad: Floats, rows: NDArray[np.intp]) -> Fit:
        """Coefficients of the columns ``kept``; with more rows than ``rows`` never all in one matrix."""
        if len(rows) == len(bad) or not kept:
            return _fit(binned.woe(binned.codes, kept), bad, self.penalty_)
        spread = np.array([binned.cuts[i].spread for i in kept])
        codes, tables = zip(*map(binned.narrow, kept), strict=True)
        scaled = [-table / width for table, width in zip(tables, spread, strict=True)]
        fit = fit_logistic_codes(scaled, codes, bad, Penalty(self.penalty_), rows)
        return Fit(fit.intercept, fit.coefficients / spread)

    def _binner(self, most: int) -> WOEBinner:
        names = WOEBinner().get_params()
        settings = {name: getattr(self, name) for name in names} | {"max_bins": most}
        return WOEBinner(**settings | ({"prebins": max(self.prebins, most)} if self.bins else {}))

    def _tune(self, columns: Columns, bad: Floats) -> tuple[float, int]:
        """Penalty and number of bins of least out-of-fold log-loss; the strongest, fewest without folds."""
        rows = sample_rows(columns.rows, TUNED)
        if len(rows) < columns.rows:
            columns, bad = columns.take(rows), bad[rows]
        penalties = sorted(map(float, self.penalties), reverse=True)
        bins = sorted(self.bins) or [self.max_bins]
        folds = min(self.folds, int(bad.sum()), int((1 - bad).sum()))
        if folds < 2 or len(penalties) * len(bins) == 1:  # noqa: PLR2004 - one fold is no cross-validation
            return penalties[0], bins[0]
        loss = np.zeros((len(bins), len(penalties)))
        splitter = StratifiedKFold(folds, shuffle=True, random_state=self.random_state)
        for train, test in splitter.split(np.empty(len(bad)), bad):
            seen, unseen = columns.take(train), columns.take(test)
            for i, most in enumerate(bins):
                binned = self._binner(most).bin_columns(seen, bad[train])
                loss[i] += self._path_loss(binned, unseen, bad[train], bad[test], penalties)
        best, which = divmod(int(np.argmin(loss)), len(penalties))
        return penalties[which], bins[best]

    def _path_loss(
        self, binned: Binned, unseen: Columns, y: Floats, outcome: Floats, penalties: list[float]
    ) -> Floats:
        """Log-loss of every penalty on ``unseen`` rows, all steps learned on those of ``binned``."""
        kept, _ = self._selected(binned, np.arange(len(y)))
        seen, other = (binned.woe(codes, kept) for codes in (binned.codes, binned.codes_of(unseen)))
        out, fit = np.empty(len(penalties)), None
        for i, penalty in enumerate(penalties):
            fit = _fit(seen, y, penalty, fit)
            out[i] = log_loss_sum(outcome, fit.log_odds(-other))
        return out

    def _card(self, kept: list[int], fit: Fit, dropped: list[Dropped], bad: Floats) -> Card:
        scale = self.scale or Scale()
        variables = []
        for i, coefficient in zip(kept, fit.coefficients.tolist(), strict=True):
            known = self.variables_[i]
            variable = with_points(known, round(coefficient, DIGITS), scale, self.digits)
            if any(b.points for b in variable.bins):
                variables.append(variable)
            else:
                dropped.append(Dropped(name=variable.name, reason=AGAINST))
        return Card(
            scale=scale,
            digits=self.digits,
            base_points=round(scale.offset - scale.factor * fit.intercept, self.digits),
            variables=tuple(variables),
            provenance=self._provenance(
                dropped, bad, penalty=self.penalty_, max_bins=self.max_bins_, **self.stability_
            ),
        )


def _fit(woe: Floats, bad: Floats, penalty: float, start: Fit | None = None) -> Fit:
    """Log odds of bad on -WOE, so that every coefficient is >= 0 and 1 means 'as alone'.

    The ridge acts on WOE scaled to one standard deviation: before the data speak, every variable
    counts alike, whatever its own spread.
    """
    spread = woe.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    warm = None if start is None else Fit(start.intercept, start.coefficients * spread)
    fit = fit_logistic(-woe / spread, bad, Penalty(penalty), start=warm)
    return Fit(fit.intercept, fit.coefficients / spread)


def with_points(variable: Variable, coefficient: float, scale: Scale, digits: int) -> Variable:
    """``variable`` with the points its WOE earn at ``coefficient`` (>= 0)."""
    bins = tuple(
        b.model_copy(update={"points": round(scale.factor * coefficient * b.woe, digits) + 0.0})
        for b in variable.bins
    )
    return variable.model_copy(update={"bins": bins, "coefficient": coefficient})


def select(
    variables: Sequence[Variable | Cut], woe: Floats, min_iv: float, max_correlation: float
) -> tuple[list[int], list[Dropped]]:
    """Positions of the columns that stay, in order, and the others with the reason."""
    dropped, strong = [], []
    for i, variable in enumerate(variables):
        if np.ptp(woe[:, i]) == 0:
            dropped.append(Dropped(name=variable.name, reason=FLAT))
        elif variable.iv < min_iv:
            dropped.append(Dropped(name=variable.name, reason=WEAK))
        else:
            strong.append(i)
    best: dict[int, int] = {}
    cluster = _clusters(woe[:, strong], max_correlation)
    for i, group in sorted(
        zip(strong, cluster, strict=True), key=lambda pair: (-variables[pair[0]].iv, pair[0])
    ):
        winner = best.setdefault(group, i)
        if winner != i:
            dropped.append(Dropped(name=variables[i].name, reason=correlated(variables[winner].name)))
    return sorted(best.values()), dropped


def _clusters(woe: Floats, max_correlation: float) -> list[int]:
    """Cluster number of each column; columns of one cluster correlate above ``max_correlation``."""
    if woe.shape[1] < 2 or max_correlation >= 1:  # noqa: PLR2004 - one column needs no clustering
        return list(range(woe.shape[1]))
    distance = 1 - np.abs(np.corrcoef(woe, rowvar=False))
    upper = np.clip(distance[np.triu_indices(woe.shape[1], 1)], 0, None)
    tree = linkage(np.round(upper, 12), method="average")
    return [int(c) for c in fcluster(tree, 1 - max_correlation, criterion="distance")]
