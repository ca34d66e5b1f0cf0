"""The card by boosted stumps: trees of one cut, and a few two-way terms, read off as points.

A sum of trees that each ask about one variable is a sum of one step function per variable, so it is a
points card, exactly; trees that ask about two variables give a grid. The trees (LightGBM) see the
codes of fine bins, so every cut they can make is an edge of the card.

Each fold of the cross-validation that finds the number of trees leaves a model behind; the card is
their mean. That costs nothing more, steadies small samples, and every row has a score by models that
never saw it: the two-way terms are looked for in what those scores leave unexplained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import lightgbm as lgb
import numpy as np

from xinqiao.scoring.binning import Specials
from xinqiao.scoring.card import Scale, Variable
from xinqiao.scoring.codes import Codes
from xinqiao.scoring.columns import Columns, Floats
from xinqiao.scoring.compiled import variable_codes
from xinqiao.scoring.fine import Terms, fine_variables, write_card
from xinqiao.scoring.fitter import CardClassifier
from xinqiao.scoring.validation import OutOfFold, Splits, folds_of

Parameters = dict[str, Any]
PATIENCE = 30  # rounds without a gain before boosting stops
LEAST_GAIN = 2e-5  # of the mean log-loss, in nats
REPEATS, REPEAT_BELOW = 3, 2_000  # small samples are parted into folds more than once
MANY_ROWS, MANY_FOLDS = 50_000, 3  # and large ones into fewer folds
SEARCH_ROWS = 20_000  # on which pairs are looked for


class Encoded:
    """One variable as trees read it.

    ``rows`` (bins, columns) has the number of a range (NaN for other bins), then 0/1 for each bin
    that is no range and that training rows fell in. ``shares`` (bins,) are shares of rows.
    """

    def __init__(self, variable: Variable, codes: Codes) -> None:
        self.variable, self.codes = variable, codes
        self.shares = np.bincount(codes, minlength=len(variable.bins)) / len(codes)
        place = np.arange(len(variable.bins), dtype=np.float64)
        ranges = len(variable.edges) + 1 if variable.kind == "numeric" else 0
        apart = [i for i in range(ranges, len(place)) if self.shares[i] > 0]
        number = [np.where(place < ranges, place, np.nan)] if ranges > 1 else []
        flags = [(place == i).astype(np.float64) for i in apart]
        self.rows = np.column_stack([*number, *flags]) if number or flags else np.zeros((len(place), 1))
        self.signs = [-variable.sign] * len(number) + [0] * (self.rows.shape[1] - len(number))


class Boosted:
    """Models of all folds, stopped at the round that is best on average."""

    def __init__(self, x: Floats, bad: Floats, splits: Splits, settings: Parameters) -> None:
        parameters = {**settings}
        rounds = parameters.pop("rounds")
        if not splits:  # too few rows of a class for folds
            splits, rounds = [(np.arange(len(x)), np.arange(len(x)))], PATIENCE
        data = lgb.Dataset(x, label=bad, params=parameters, free_raw_data=False)
        stop = lgb.early_stopping(PATIENCE, verbose=False, min_delta=LEAST_GAIN)
        found = lgb.cv(
            parameters,
            data,
            rounds,
            folds=splits,
            metrics="binary_logloss",
            callbacks=[stop],
            return_cvbooster=True,
        )
        ensemble = cast("lgb.CVBooster", found["cvbooster"])
        self.models, self.rounds = ensemble.boosters, ensemble.best_iteration
        self.unseen = self._unseen(x, splits)

    def _unseen(self, x: Floats, splits: Splits) -> Floats:
        """Mean log odds of every row by the models that did not see it, shape (rows,)."""
        total, times = np.zeros(len(x)), np.zeros(len(x))
        for model, (_, test) in zip(self.models, splits, strict=True):
            total[test] += self._say(model, x[test])
            times[test] += 1
        return total / times

    def _say(self, model: lgb.Booster, x: Floats) -> Floats:
        return np.asarray(
            model.predict(x, raw_score=True, num_iteration=self.rounds, num_threads=1), dtype=np.float64
        )

    def trees(self) -> Iterator[dict[str, Any]]:
        """All trees of all models, each as LightGBM's nested nodes."""
        for model in self.models:
            for tree in model.dump_model(num_iteration=self.rounds)["tree_info"]:
                yield tree["tree_structure"]


class Sums:
    """Trees of at most two variables, added up by variable and by pair of variables.

    A tree is evaluated on bins, not on rows: its question about a variable is a truth per bin.
    """

    def __init__(self, encoded: Sequence[Encoded]) -> None:
        self.encoded = encoded
        self.place = [(v, j) for v, e in enumerate(encoded) for j in range(e.rows.shape[1])]
        self.effects = [np.zeros(len(e.rows)) for e in encoded]
        self.grids: dict[tuple[int, int], Floats] = {}
        self.gains: dict[tuple[int, int], float] = {}
        self.constant = 0.0

    def add(self, boosted: Boosted) -> None:
        """Add the mean of all models of ``boosted``."""
        share = 1 / len(boosted.models)
        for root in boosted.trees():
            asked = sorted({self.place[n["split_feature"]][0] for n in _questions(root)})
            if len(asked) == 2:  # noqa: PLR2004 - a pair
                pair = (asked[0], asked[1])
                size = [len(self.encoded[v].rows) for v in pair]
                grid = self.grids.setdefault(pair, np.zeros(size))
                grid += share * self._values(root, {pair[0]: (-1, 1), pair[1]: (1, -1)})
                gain = sum(n["split_gain"] for n in _questions(root)) - root["split_gain"]
                self.gains[pair] = self.gains.get(pair, 0.0) + gain
            elif asked:
                self.effects[asked[0]] += share * self._values(root, {asked[0]: (-1,)})
            else:
                self.constant += share * root["leaf_value"]

    def _values(self, node: dict[str, Any], axes: Mapping[int, tuple[int, ...]]) -> Floats:
        """The tree's value for every bin, or for every cell of two variables' bins."""
        if "split_feature" not in node:
            return np.asarray(node["leaf_value"], dtype=np.float64)
        variable, column = self.place[node["split_feature"]]
        asked = self.encoded[variable].rows[:, column]
        left = np.where(np.isnan(asked), node["default_left"], asked <= node["threshold"]).reshape(
            axes[variable]
        )
        out: Floats = np.where(
            left, self._values(node["left_child"], axes), self._values(node["right_child"], axes)
        )
        return out

    def centred(self) -> None:
        """Make effects 0 on average; bins and cells no row fell in say nothing."""
        for effect, e in zip(self.effects, self.encoded, strict=True):
            mean = float(effect @ e.shares)
            effect[:] = np.where(e.shares > 0, effect - mean, 0.0)
            self.constant += mean
        for (a, b), grid in self.grids.items():
            left, right = self.encoded[a].shares, self.encoded[b].shares
            mean = float(left @ grid @ right)
            grid[:] = np.where((left > 0)[:, None] & (right > 0), grid - mean, 0.0)
            self.constant += mean


def _questions(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "split_feature" in node:
        yield node
        yield from _questions(node["left_child"])
        yield from _questions(node["right_child"])


class BoostedStumps(CardClassifier):
    """Points card by boosted stumps with at most ``pairs`` two-way terms.

    ``bins`` fine bins per column at most; a text needs ``min_share`` of the rows for a bin of its own.
    Trees: ``learning_rate``, at most ``rounds``, ``min_leaf`` rows a leaf, ``ridge`` on leaves. A pair
    stays when it lowers the out-of-fold log-loss by ``evidence`` standard errors. Risk follows the
    stated ``signs`` (+1 higher is better, -1 worse, 0 free) in every term.

    Attributes: ``card_``, ``unseen_`` (out-of-fold log odds of the training rows), ``classes_``.
    """

    fitter = "boosted-stumps"

    def __init__(
        self,
        *,
        signs: Mapping[str, int] | None = None,
        specials: Mapping[str, Specials] | None = None,
        bins: int = 64,
        min_share: float = 0.005,
        learning_rate: float = 0.15,
        rounds: int = 2000,
        min_leaf: int = 10,
        ridge: float = 1.0,
        column_share: float = 0.5,
        row_share: float = 0.7,
        pairs: int = 10,
        evidence: float = 2.0,
        folds: int = 5,
        scale: Scale | None = None,
        digits: int = 0,
        random_state: int = 0,
    ) -> None:
        self.signs = signs
        self.specials = specials
        self.bins = bins
        self.min_share = min_share
        self.learning_rate = learning_rate
        self.rounds = rounds
        self.min_leaf = min_leaf
        self.ridge = ridge
        self.column_share = column_share
        self.row_share = row_share
        self.pairs = pairs
        self.evidence = evidence
        self.folds = folds
        self.scale = scale
        self.digits = digits
        self.random_state = random_state

    def _fit_columns(self, columns: Columns, bad: Floats) -> None:
        encoded = self._encode(columns)
        sums, boosted = self._best(encoded, bad)
        self.unseen_ = OutOfFold(boosted.unseen[None, :], bad)
        sums.centred()
        terms = Terms(
            tuple(e.variable for e in encoded),
            tuple(e.shares for e in encoded),
            tuple(sums.effects),
            sums.grids,
            sums.constant,
        )
        card, dropped = write_card(terms, columns, bad, self.scale or Scale(), self.digits)
        noted = self._provenance(dropped, bad, trees=boosted.rounds)
        self.card_ = card.model_copy(update={"provenance": noted})

    def _best(self, encoded: list[Encoded], bad: Floats) -> tuple[Sums, Boosted]:
        """Stumps alone, or with the pairs that gain most among all pairs when they prove their worth.

        Trees of two cuts grow from the start and not on what stumps leave: of an interaction alone the
        first cut gains nothing, so no tree would begin with it.
        """
        splits = self._splits(bad)
        x = np.column_stack([e.rows[e.codes] for e in encoded])
        single = Sums(encoded)
        stumps = self._boost(x, bad, splits, single, num_leaves=2)
        single.add(stumps)
        if not self.pairs or len(encoded) == 1:
            return single, stumps
        best = self._strongest(x, bad, Sums(encoded))
        few = Sums(encoded)
        together = [*best, *((v,) for v in range(len(encoded)))]
        allowed = [[i for i, (v, _) in enumerate(few.place) if v in group] for group in together]
        paired = self._boost(x, bad, splits, few, num_leaves=3, interaction_constraints=allowed)
        gain = _loss(stumps.unseen, bad) - _loss(paired.unseen, bad)
        if gain.sum() <= self.evidence * np.sqrt(len(gain)) * gain.std():
            return single, stumps
        few.add(paired)
        return few, paired

    def _strongest(self, x: Floats, bad: Floats, sums: Sums) -> list[tuple[int, int]]:
        """The pairs that trees of two cuts gain most by, on at most ``SEARCH_ROWS`` rows."""
        rows = np.sort(np.random.default_rng(self.random_state).permutation(len(bad))[:SEARCH_ROWS])
        splits = folds_of(bad[rows], self.folds, 1, self.random_state)
        sums.add(self._boost(x[rows], bad[rows], splits, sums, num_leaves=3))
        return sorted(sums.gains, key=lambda pair: (-sums.gains[pair], pair))[: self.pairs]

    def _encode(self, columns: Columns) -> list[Encoded]:
        variables = fine_variables(
            columns, self.signs, self.specials, most=self.bins, min_share=self.min_share
        )
        return [Encoded(v, variable_codes(v, columns.column(v.name))) for v in variables]

    def _splits(self, bad: Floats) -> Splits:
        repeats = REPEATS if len(bad) <= REPEAT_BELOW else 1
        folds = self.folds if len(bad) <= MANY_ROWS else min(self.folds, MANY_FOLDS)
        return folds_of(bad, folds, repeats, self.random_state)

    def _boost(self, x: Floats, bad: Floats, splits: Splits, sums: Sums, **more: Any) -> Boosted:  # noqa: ANN401 - LightGBM's own settings
        signs = [s for e in sums.encoded for s in e.signs]
        settings = {
            "objective": "binary",
            "learning_rate": self.learning_rate,
            "rounds": self.rounds,
            "min_data_in_leaf": max(1, min(self.min_leaf, len(bad) // 10)),
            "min_data_in_bin": 1,
            "lambda_l2": self.ridge,
            "feature_fraction": self.column_share,
            "bagging_fraction": self.row_share,
            "bagging_freq": 1,
            "monotone_constraints": signs if any(signs) else None,
            "feature_pre_filter": False,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "seed": self.random_state,
            "verbosity": -1,
            **more,
        }
        return Boosted(x, bad, splits, settings)


def _loss(log_odds: Floats, bad: Floats) -> Floats:
    out: Floats = np.logaddexp(0.0, log_odds) - bad * log_odds
    return out
