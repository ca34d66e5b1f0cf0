"""Trained on earlier firms, tried on later ones: attributes, then lawsuits, then the graph.

A run fits, calibrates and chooses on the training side alone. When this was built, members and
settings were chosen by grouped cross-validation there; the validation year (2019) was looked at
several times on the way, and the means by area and industry, which cross-validation neither asks for
nor refuses, are worth about 0.01 of its AUC. A split never seen is the fairer judge.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import sparse

from xinqiao.kernel.canonical import canonical_json
from xinqiao.kernel.errors import fail
from xinqiao.scoring.calibration import Calibration, fit_calibration
from xinqiao.scoring.card import Frozen
from xinqiao.scoring.columns import Floats
from xinqiao.scoring.logistic import Penalty, fit_logistic
from xinqiao.scoring.metrics import DIGITS, Ranking, auc, bootstrap_auc
from xinqiao.scoring.smesd.ensemble import learn
from xinqiao.scoring.smesd.read import Firms, recurring, shared_numbers
from xinqiao.scoring.smesd.surroundings import surroundings
from xinqiao.scoring.smesd.table import STAGES, folds, table
from xinqiao.scoring.validation import OutOfFold, Validation, summarise

FOLDS = 5
SEEDS = 4
SAMPLES = 2_000
LEAST_TRAIN = 30  # firms of each kind, below which folds of a few firms say nothing
LEAST_TEST = 5
KNOWN = "graph_known"


class Stage(Frozen):
    """One row of the table; AUC in 0..1, intervals are 95 % bootstrap over firms.

    ``calibration_error`` is the mean distance of PD said and share seen over ten groups; ``gain`` is
    the AUC more than the stage before, with the interval of the difference on the same firms.
    """

    stage: str
    columns: int
    cross_validated_auc: float
    cross_validated_interval: tuple[float, float]
    test: Validation
    calibration_error: float
    mean_pd: float
    gain: float | None = None
    gain_interval: tuple[float, float] | None = None


class Sides(Frozen):
    """What was compared: firms and bankrupt ones on each side, and firms left out of the test."""

    train: str
    test: str
    train_firms: int
    train_bads: int
    test_firms: int
    test_bads: int
    recurring_dropped: int
    known_neighbours: int


class Prepared:
    """Both sides read into features; recurring firms stay as neighbours and are not judged."""

    def __init__(self, train: Firms, test: Firms) -> None:
        """Raises UserError SME-FEW when a side has too few bankrupt or sound firms."""
        again = recurring(train, test)
        self.judged = ~again
        self.bad = test.bad[self.judged]
        enough(train.bad, LEAST_TRAIN, train.name)
        enough(self.bad, LEAST_TEST, test.name)
        self.train, self.test = table(train), table(test)
        split = folds(self.train.component, FOLDS, 0)
        self.folds = [(a, b, table(train.only(a)), table(train.only(b))) for a, b in split]
        self.known = _known_links(train, test)
        met = np.asarray(self.known.sum(axis=1))[self.judged]
        self.sides = Sides(
            train=train.name,
            test=test.name,
            train_firms=len(train.bad),
            train_bads=int(train.bad.sum()),
            test_firms=len(self.bad),
            test_bads=int(self.bad.sum()),
            recurring_dropped=int(again.sum()),
            known_neighbours=int((met > 0).sum()),
        )


def enough(bad: Floats, needed: int, where: str) -> None:
    """Raises UserError SME-FEW unless there are ``needed`` firms of each kind."""
    bads, goods = int(bad.sum()), int(len(bad) - bad.sum())
    if min(bads, goods) < needed:
        fail("SME-FEW", where, bads=bads, goods=goods, needed=needed)


def contest(sides: Prepared, seeds: int = SEEDS) -> Iterator[Stage]:
    """One stage after the other; last, where splits share numbers, outcomes of earlier neighbours."""
    before: Floats | None = None
    unseen = risk = np.empty(0)
    for name in STAGES:
        unseen = _unseen(sides, name)
        risk = learn(sides.train, name, seeds).risk(sides.test)
        calibration = fit_calibration(unseen, sides.train.bad)
        told = _log_odds(calibration, risk)[sides.judged]
        yield _stage(name, sides, unseen, told, before)
        before = told
    if sides.sides.known_neighbours:
        unseen, risk = _with_known(sides, unseen, risk)
        yield _stage(KNOWN, sides, unseen, risk[sides.judged], before)


def _unseen(sides: Prepared, stage: str) -> Floats:
    """Log odds of training firms by models that saw neither them nor any firm they hang together with."""
    out = np.empty(len(sides.train.bad))
    for _, aside, train, other in sides.folds:
        out[aside] = learn(train, stage, 1).risk(other)
    return out


def _log_odds(calibration: Calibration, risk: Floats) -> Floats:
    pd_ = np.clip([calibration.pd(float(r)) for r in risk], 1e-9, 1 - 1e-9)
    return np.asarray(np.log(pd_) - np.log1p(-pd_), dtype=np.float64)


def _stage(name: str, sides: Prepared, unseen: Floats, told: Floats, before: Floats | None) -> Stage:
    result = summarise(OutOfFold(told[None, :], sides.bad), "out-of-time", samples=SAMPLES)
    low, high = bootstrap_auc(unseen[None, :], sides.train.bad, SAMPLES, 0)
    error = sum(b.count * abs(b.mean_pd - b.bad_share) for b in result.calibration) / result.rows
    gain = None if before is None else auc(told, sides.bad) - auc(before, sides.bad)
    stage = "graph" if name == KNOWN else name
    return Stage(
        stage=name,
        columns=sides.train.matrix(stage).shape[1] + len(sides.train.groups),
        cross_validated_auc=round(auc(unseen, sides.train.bad), DIGITS),
        cross_validated_interval=(round(low, DIGITS), round(high, DIGITS)),
        test=result,
        calibration_error=round(error, DIGITS),
        mean_pd=round(float(np.mean(1 / (1 + np.exp(-told)))), DIGITS),
        gain=None if gain is None else round(gain, DIGITS),
        gain_interval=None if before is None else _difference(told, before, sides.bad),
    )


def _difference(now: Floats, before: Floats, bad: Floats) -> tuple[float, float]:
    """95 % interval of AUC ``now`` less ``before``, the same firms drawn for both."""
    weight = np.random.default_rng(0).multinomial(len(bad), np.full(len(bad), 1 / len(bad)), size=SAMPLES)
    drawn = weight.astype(np.float64)
    low, high = np.nanquantile(
        Ranking.of(now).auc(bad, drawn) - Ranking.of(before).auc(bad, drawn), [0.025, 0.975]
    )
    return round(float(low), DIGITS), round(float(high), DIGITS)


def _known_links(train: Firms, test: Firms) -> sparse.csr_array:
    """1 where a test firm's neighbour, in the graph of both splits, is a training firm; (test, train).

    Empty where node numbers are each split's own.
    """
    if not shared_numbers(train, test):
        return sparse.csr_array((len(test.bad), len(train.bad)))
    firms = pd.concat([train.firms, test.firms]).drop_duplicates("node").sort_values("node")
    edges = pd.concat([train.edges, test.edges]).drop_duplicates()
    both = Firms("", firms.reset_index(drop=True), edges, test.groups.iloc[:0], test.lawsuits.iloc[:0])
    near = surroundings(both).near
    rows, columns = both.nodes.get_indexer(test.nodes), both.nodes.get_indexer(train.nodes)
    return near[rows][:, columns].tocsr()


def _with_known(sides: Prepared, unseen: Floats, risk: Floats) -> tuple[Floats, Floats]:
    """Training and test log odds that also know how training neighbours ended.

    What a neighbour adds is its outcome less its probability; one weight for the shrunken sum of
    these is learned on training firms, whose ``unseen`` risk never saw a neighbour's outcome.
    """
    bad = sides.train.bad
    surprise = bad - 1 / (1 + np.exp(-_log_odds(fit_calibration(unseen, bad), unseen)))
    columns = [_around(sides.train.near, surprise), _around(sides.known, surprise)]
    x = np.column_stack([unseen, columns[0]])
    fit = fit_logistic(x, bad, Penalty(k=1.0))
    return x @ fit.coefficients + fit.intercept, np.column_stack(
        [risk, columns[1]]
    ) @ fit.coefficients + fit.intercept


def _around(links: sparse.csr_array, surprise: Floats) -> Floats:
    out: Floats = (links @ surprise) / (np.asarray(links.sum(axis=1)) + 2)
    return out


def as_json(sides: Sides, stages: list[Stage]) -> bytes:
    """Canonical JSON of the whole result."""
    body = {"sides": sides.model_dump(mode="json"), "stages": [s.model_dump(mode="json") for s in stages]}
    return canonical_json({"format": "xinqiao.smesd", "version": 1, **body})
