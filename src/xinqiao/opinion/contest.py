"""The recogniser beside a list of words and the usual TF-IDF with logistic regression.

Thresholds are chosen by cross-validation on the training set; the evaluation set is only judged.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from xinqiao.kernel.canonical import canonical_json
from xinqiao.opinion.article import Reading, read
from xinqiao.opinion.labelled import Labelled
from xinqiao.opinion.ngrams import Floats
from xinqiao.opinion.recogniser import FOLDS, Recogniser, best_threshold, f1

SAMPLES = 1_000
BINS = 10
SHINGLE = 6  # characters; an article is a near-repetition when half of its shingles are in one other
REPEATED = 0.5
DIGITS = 4
Places = NDArray[np.intp]
Truths = NDArray[np.bool_]


class Level(BaseModel):
    """F1 with its 95 % bootstrap interval, precision and recall, 0..1; ``fresh_f1`` without repetitions."""

    model_config = ConfigDict(frozen=True)

    f1: float
    interval: tuple[float, float]
    precision: float
    recall: float
    fresh_f1: float


class Row(BaseModel):
    """One method, at the level of articles and of the firms named in them."""

    model_config = ConfigDict(frozen=True)

    method: str
    article: Level
    firm: Level


class Result(BaseModel):
    """All methods, and how far the recogniser's probabilities are calibrated (error: mean distance)."""

    model_config = ConfigDict(frozen=True)

    trained_on: int
    judged: int
    negative: int
    firms: int
    concerned: int
    repeated: int
    cross_validated: tuple[float, float]
    brier: tuple[float, float]
    calibration_error: tuple[float, float]
    rows: tuple[Row, ...]

    def to_json(self) -> bytes:
        """Canonical JSON."""
        return canonical_json({"format": "xinqiao.opinion.contest", **self.model_dump(mode="json")})


class Judge:
    """The evaluation set, and which of its articles nearly repeat one of training."""

    def __init__(self, train: Labelled, judged: Labelled) -> None:
        self.labelled = judged
        self.article = places(judged)
        self.readings = [read(a) for a in judged.articles]
        self.fresh = ~_repeated(self.readings, [read(a) for a in train.articles])

    def row(self, method: str, articles: Truths, firms: Truths) -> Row:
        """What ``method`` is worth; true where it says negative, (articles,) and (pairs,)."""
        everyone = np.arange(len(self.readings))
        one = self._level(articles, self.labelled.negative, everyone)
        return Row(method=method, article=one, firm=self._level(firms, self.labelled.about, self.article))

    def _level(self, said: Truths, y: Floats, article: Places) -> Level:
        value, precision, recall = f1(said, y)
        fresh = self.fresh[article]
        cells = [np.bincount(article, weights=w, minlength=len(self.readings)) for w in (said * y, said, y)]
        weight = np.random.default_rng(0).multinomial(
            len(cells[0]), np.full(len(cells[0]), 1 / len(cells[0])), size=SAMPLES
        )
        both, told, true = (weight @ cell for cell in cells)
        low, high = np.quantile(2 * both / np.maximum(told + true, 1), [0.025, 0.975])
        return Level(
            f1=round(value, DIGITS),
            interval=(round(float(low), DIGITS), round(float(high), DIGITS)),
            precision=round(precision, DIGITS),
            recall=round(recall, DIGITS),
            fresh_f1=round(f1(said[fresh], y[fresh])[0], DIGITS),
        )


def places(labelled: Labelled) -> Places:
    """The article of each pair, (pairs,)."""
    names = [len(a.names) for a in labelled.articles]
    return np.repeat(np.arange(len(names), dtype=np.intp), names)


def contest(train: Labelled, judged: Labelled, model: Recogniser) -> Result:
    """Judge all methods on ``judged``; ``model`` was trained on ``train``."""
    judge = Judge(train, judged)
    negative, said = model.score(judged.articles)
    ours = judge.row(
        "recogniser",
        negative >= model.thresholds[0],
        said.concerned >= model.thresholds[1],
    )
    return Result(
        trained_on=len(train.articles),
        judged=len(judged.articles),
        negative=int(judged.negative.sum()),
        firms=len(judged.about),
        concerned=int(judged.about.sum()),
        repeated=int((~judge.fresh).sum()),
        cross_validated=(round(model.unseen[0], DIGITS), round(model.unseen[1], DIGITS)),
        brier=(_brier(negative, judged.negative), _brier(said.concerned, judged.about)),
        calibration_error=(_error(negative, judged.negative), _error(said.concerned, judged.about)),
        rows=(_by_words(judge, model.words), _by_regression(judge, train), ours),
    )


def _brier(p: Floats, y: Floats) -> float:
    return round(float(np.mean((p - y) ** 2)), DIGITS)


def _error(p: Floats, y: Floats) -> float:
    parts = [part for part in np.array_split(np.argsort(p, kind="stable"), BINS) if len(part)]
    return round(sum(len(i) * abs(float(p[i].mean() - y[i].mean())) for i in parts) / len(p), DIGITS)


def _by_words(judge: Judge, words: Sequence[str]) -> Row:
    """Negative where a word of an event is in the text; about every name that is in it too."""
    said = np.array([any(w in r.text for w in words) for r in judge.readings])
    return judge.row("words", said, said[judge.article] & (_present(judge.readings) > 0))


def _present(readings: Sequence[Reading]) -> Floats:
    return np.array([bool(n) and n in r.text for r in readings for n in r.names], dtype=np.float64)


def _by_regression(judge: Judge, train: Labelled) -> Row:
    """Logistic regression on character 1-3-grams, names not masked; about every name in the text."""
    before = [read(a) for a in train.articles]
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)
    x = sparse.csr_matrix(vectorizer.fit_transform([r.text for r in before]))
    model = LogisticRegression(C=4.0, solver="liblinear", random_state=0)
    unseen = cross_val_predict(model, x, train.negative, cv=FOLDS, method="predict_proba")[:, 1]
    threshold, _ = best_threshold(unseen, train.negative)
    for_firms, _ = best_threshold(unseen[places(train)] * _present(before), train.about)
    said = model.fit(x, train.negative).predict_proba(vectorizer.transform([r.text for r in judge.readings]))[
        :, 1
    ]
    firms = said[judge.article] * _present(judge.readings)
    return judge.row("tfidf", said >= threshold, firms >= for_firms)


def _repeated(articles: Sequence[Reading], known: Sequence[Reading]) -> Truths:
    """Which of ``articles`` have half of their shingles in one of ``known``."""
    holders: dict[str, list[int]] = {}
    for place, reading in enumerate(known):
        for shingle in _shingles(reading.text):
            holders.setdefault(shingle, []).append(place)
    out = np.zeros(len(articles), dtype=np.bool_)
    for place, reading in enumerate(articles):
        own = _shingles(reading.text)
        met = [holder for shingle in own for holder in holders.get(shingle, ())]
        out[place] = bool(met) and np.bincount(met).max() > REPEATED * len(own)
    return out


def _shingles(text: str) -> set[str]:
    return {text[i : i + SHINGLE] for i in range(max(1, len(text) - SHINGLE + 1))}
