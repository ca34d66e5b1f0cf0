"""Negative news of a firm: is the article negative, and is it this firm that it is negative about.

``negative`` is a logistic regression on hashed character n-grams of the text, names masked, so that
it can't learn that a firm is bad. ``match`` is learned on negative articles only: a logistic
regression on n-grams left and right of the name's mentions, and trees on its score, on how the name
compares with the others, and on where it stands. Their product says that the firm has bad news.
Both are calibrated on articles that the models had not seen; so are the thresholds chosen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from xinqiao.opinion import ngrams
from xinqiao.opinion.article import Article, Reading, read
from xinqiao.opinion.mention import COLUMNS, Mentions, matrix, mentions
from xinqiao.opinion.ngrams import Floats

FOLDS = 5
BATCH = 1_000  # articles scored at once
ARTICLE_C, CONTEXT_C = 8.0, 4.0  # inverse penalties, by cross-validation on the training set
LEFT, RIGHT = 1, 2  # salts
ROUNDS = 200
TREES: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.04,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 3.0,
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
THRESHOLDS = np.round(np.linspace(0.05, 0.95, 181), 3)


@dataclass(frozen=True, slots=True)
class Linear:
    """Log odds: ``weight`` (2^18,) on TF-IDF vectors by ``rarity`` (2^18,), and ``bias``."""

    rarity: Floats
    weight: Floats
    bias: float

    def log_odds(self, found: sparse.csr_array) -> Floats:
        """(texts,) from counts of n-grams."""
        out: Floats = ngrams.vectors(found, self.rarity) @ self.weight + self.bias
        return out


@dataclass(frozen=True, slots=True)
class Line:
    """Platt's calibration: probability = expit(``slope`` x + ``level``)."""

    slope: float
    level: float

    def __call__(self, log_odds: Floats) -> Floats:
        """Probabilities of ``log_odds``."""
        out: Floats = expit(self.slope * log_odds + self.level)
        return out


@dataclass(frozen=True, slots=True)
class Said:
    """Of each pair of article and name: both probabilities and the place of its article, (pairs,)."""

    article: NDArray[np.intp]
    negative: Floats
    match: Floats

    @property
    def concerned(self) -> Floats:
        """Probability that the article is bad news of the firm."""
        return self.negative * self.match


@dataclass(frozen=True, slots=True)
class Recogniser:
    """A trained recogniser; thresholds are the ones of best F1 on unseen training articles.

    ``words`` are those of events when it was trained. ``unseen`` holds F1 of article and firm level
    by cross-validation.
    """

    text: Linear
    context: Linear
    trees: lgb.Booster
    negative: Line
    match: Line
    thresholds: tuple[float, float]
    words: tuple[str, ...]
    unseen: tuple[float, float]
    trained_on: int

    def score(self, articles: Sequence[Article]) -> tuple[Floats, Said]:
        """Probability that each article is negative (articles,), and what is said of each name."""
        whole = [self._batch(articles[i : i + BATCH]) for i in range(0, len(articles), BATCH)]
        if not whole:
            return np.empty(0), Said(np.empty(0, dtype=np.intp), np.empty(0), np.empty(0))
        places = np.concatenate([said.article + i * BATCH for i, (_, said) in enumerate(whole)])
        parts = [np.concatenate([getattr(s, n) for _, s in whole]) for n in ("negative", "match")]
        return np.concatenate([n for n, _ in whole]), Said(places, *parts)

    def _batch(self, articles: Sequence[Article]) -> tuple[Floats, Said]:
        material = Material.of([read(a) for a in articles], self.words)
        negative = self.negative(self.text.log_odds(material.texts))
        context = self.context.log_odds(material.contexts)
        x = np.column_stack([material.numbers, _beside(material.article, context)])
        odds = np.asarray(self.trees.predict(x, raw_score=True, num_threads=1)) if len(x) else np.empty(0)
        return negative, Said(material.article, negative[material.article], self.match(odds))


@dataclass(frozen=True, slots=True)
class Material:
    """Articles as numbers: n-grams of masked ``texts``, of ``contexts``, and where names stand."""

    texts: sparse.csr_array
    contexts: sparse.csr_array
    numbers: Floats
    article: NDArray[np.intp]

    @classmethod
    def of(cls, readings: Sequence[Reading], words: Sequence[str]) -> Material:
        """Read off ``readings``; ``words`` are those of events."""
        longest = sorted(words, key=lambda w: (-len(w), w))
        pattern = re.compile("|".join(map(re.escape, longest)) or r"(?!)")
        found: list[list[Mentions]] = [mentions(r, pattern) for r in readings]
        flat = [m for own in found for m in own]
        left = ngrams.counts([m.left for m in flat], LEFT)
        right = ngrams.counts([m.right for m in flat], RIGHT)
        article = np.repeat(np.arange(len(readings)), [len(own) for own in found]).astype(np.intp)
        masked = ngrams.counts([r.masked() for r in readings])
        return cls(masked, sparse.csr_array(left + right), matrix(flat), article)


def _beside(article: NDArray[np.intp], context: Floats) -> Floats:
    """Each score, the best other of its article, and by how much it is better, (pairs, 3)."""
    best = np.full(len(context), np.nan)
    ends = np.r_[np.flatnonzero(np.diff(article, prepend=-1)), len(article)]
    for start, end in pairwise(ends.tolist()):
        own = context[start:end]
        if len(own) > 1:
            order = np.argsort(own, kind="stable")
            best[start:end] = own[order[-1]]
            best[start + order[-1]] = own[order[-2]]
    return np.column_stack([context, best, context - best])


def train(articles: Sequence[Article], negative: Floats, about: Floats, words: Sequence[str]) -> Recogniser:
    """Learn from ``negative`` (articles,) and ``about`` (pairs,), 1.0 where the name has bad news."""
    material = Material.of([read(a) for a in articles], words)
    article, folds = material.article, np.arange(len(negative)) % FOLDS
    folds = np.random.default_rng(0).permutation(folds)
    text_odds, context, odds = np.empty(len(negative)), np.empty(len(about)), np.empty(len(about))
    bad = negative[article] > 0
    for _, learn, aside in _parts(folds):
        text_odds[aside] = _linear(material.texts[learn], negative[learn], ARTICLE_C).log_odds(
            material.texts[aside]
        )
        rows, others = learn[article] & bad, aside[article]
        context[others] = _linear(material.contexts[rows], about[rows], CONTEXT_C).log_odds(
            material.contexts[others]
        )
    x = np.column_stack([material.numbers, _beside(article, context)])
    for _, learn, aside in _parts(folds):
        rows, others = learn[article] & bad, aside[article]
        odds[others] = _trees(x[rows], about[rows]).predict(x[others], raw_score=True)
    lines = _line(text_odds, negative), _line(odds[bad], about[bad])
    told = lines[0](text_odds)
    best = best_threshold(told, negative), best_threshold(told[article] * lines[1](odds), about)
    return Recogniser(
        text=_linear(material.texts, negative, ARTICLE_C),
        context=_linear(material.contexts[bad], about[bad], CONTEXT_C),
        trees=_trees(x[bad], about[bad]),
        negative=lines[0],
        match=lines[1],
        thresholds=(best[0][0], best[1][0]),
        words=tuple(words),
        unseen=(best[0][1], best[1][1]),
        trained_on=len(articles),
    )


def _parts(folds: NDArray[np.intp]) -> Iterator[tuple[int, NDArray[np.bool_], NDArray[np.bool_]]]:
    for fold in range(FOLDS):
        yield fold, folds != fold, folds == fold


def _linear(found: sparse.csr_array, y: Floats, c: float) -> Linear:
    rarity = ngrams.rarity(found)
    model = LogisticRegression(C=c, solver="liblinear", random_state=0)
    model.fit(ngrams.vectors(found, rarity), y)
    return Linear(_short(rarity), _short(model.coef_[0]), float(model.intercept_[0]))


def _short(values: Floats) -> Floats:
    """Rounded to single precision, as they are stored, so that a model read back says the same."""
    return values.astype(np.float32).astype(np.float64)


def _trees(x: Floats, y: Floats) -> lgb.Booster:
    names = [*COLUMNS, "context", "best_other", "lead"]
    return lgb.train(TREES, lgb.Dataset(x, label=y, feature_name=names), num_boost_round=ROUNDS)


def _line(log_odds: Floats, y: Floats) -> Line:
    model = LogisticRegression(C=1e4).fit(log_odds[:, None], y)
    return Line(float(model.coef_[0, 0]), float(model.intercept_[0]))


def best_threshold(probability: Floats, y: Floats) -> tuple[float, float]:
    """The threshold of best F1, the middle of equals, and that F1."""
    found = np.array([f1(probability >= t, y)[0] for t in THRESHOLDS])
    equal = THRESHOLDS[found >= found.max() - 1e-12]
    return float(equal[len(equal) // 2]), float(found.max())


def f1(said: NDArray[np.bool_], y: Floats) -> tuple[float, float, float]:
    """F1, precision and recall of the positive class; 0 where there is none."""
    both = float((said & (y > 0)).sum())
    precision = both / max(float(said.sum()), 1.0)
    recall = both / max(float(y.sum()), 1.0)
    return (2 * both / max(float(said.sum() + y.sum()), 1.0), precision, recall)
