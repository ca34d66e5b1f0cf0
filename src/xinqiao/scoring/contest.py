"""Ways of scoring compared on one table: the same folds, nothing tuned by hand, probabilities judged too."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field
from sklearn.base import clone

from xinqiao import __version__
from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.kernel.writing import write_whole
from xinqiao.scoring import peers
from xinqiao.scoring.boosted import BoostedTrees
from xinqiao.scoring.calibration import fit_calibration
from xinqiao.scoring.card import Frozen
from xinqiao.scoring.columns import Columns, Floats
from xinqiao.scoring.dummy import BinDummyRidge
from xinqiao.scoring.flat import Flat
from xinqiao.scoring.metrics import auc, brier, ks, log_loss
from xinqiao.scoring.scorecard import Scorecard
from xinqiao.scoring.stumps import BoostedStumps
from xinqiao.scoring.validation import Split, folds_of, log_odds_of, out_of_fold

Role = Literal["card", "challenger", "peer"]
State = Literal["done", "late", "absent", "failed"]
MEASURES = ("auc", "ks", "brier", "log_loss", "fit_s")
LATE = "over the time limit"
CALIBRATION_FOLDS, CALIBRATION_ROWS = 5, 30_000


class OutOfTimeError(Exception):
    """A method has used up its time."""


class Calibrated:
    """A fitter and, learned inside the same rows, the step from its log odds to probabilities.

    Out-of-fold scores are the fitter's own (``unseen_``), or found on at most ``CALIBRATION_ROWS`` rows.
    """

    def __init__(self, estimator: Any, seed: int) -> None:  # noqa: ANN401 - any scikit-learn classifier
        self.estimator, self.seed = estimator, seed

    def fit(self, X: Columns, y: Floats) -> Self:
        """Fit on ``X`` and ``y`` (rows,), 1.0 = bad."""
        self.estimator.fit(X, y)
        out = getattr(self.estimator, "unseen_", None)
        if out is None:
            rows = np.sort(np.random.default_rng(self.seed).permutation(len(y))[:CALIBRATION_ROWS])
            folds = max(2, min(CALIBRATION_FOLDS, int(y[rows].sum()), int((1 - y[rows]).sum())))
            make = lambda: clone(self.estimator)  # noqa: E731 - a maker of one expression
            out = out_of_fold(make, X.take(rows), y[rows], folds=folds, repeats=1, seed=self.seed)
        self.calibration = fit_calibration(out.log_odds, out.bad)
        return self

    def predict_proba(self, X: Columns) -> Floats:
        """Probabilities of (good, bad), shape (rows, 2)."""
        distinct, place = np.unique(log_odds_of(self.estimator, X), return_inverse=True)
        bad = np.asarray([self.calibration.pd(v) for v in distinct.tolist()])[place]
        return np.column_stack([1 - bad, bad])


@dataclass(frozen=True, slots=True)
class Method:
    """A way of scoring: ``make(seed)`` gives an unfitted one; ``package`` it needs beyond ours."""

    key: str
    name: Text
    role: Role
    make: Callable[[int], Any]
    package: str = ""

    @property
    def present(self) -> bool:
        """Whether its package is installed."""
        return not self.package or find_spec(self.package) is not None


def _own(key: str, zh: str, en: str, role: Role, make: Callable[[int], Any]) -> Method:
    return Method(key, Text(zh=zh, en=en), role, lambda seed: Calibrated(make(seed), seed))


def _peer(key: str, zh: str, en: str, make: type[peers.Peer]) -> Method:
    return Method(key, Text(zh=zh, en=en), "peer", make, make.package)


METHODS = (
    _own("woe", "WOE 逻辑回归卡", "WOE logistic card", "card", lambda s: Scorecard(random_state=s)),
    _own(
        "dummy", "分箱哑变量岭回归卡", "bin-dummy ridge card", "card", lambda s: BinDummyRidge(random_state=s)
    ),
    _own("stumps", "提升树桩卡", "boosted-stumps card", "card", lambda s: BoostedStumps(random_state=s)),
    _own(
        "trees",
        "完整提升树（挑战者）",
        "full trees (challenger)",
        "challenger",
        lambda s: BoostedTrees(folds=5, random_state=s),
    ),
    _peer("optbinning", "optbinning + 逻辑回归", "optbinning + logistic", peers.Optbinning),
    _peer("toad", "toad + 逻辑回归", "toad + logistic", peers.Toad),
    _peer("lightgbm", "LightGBM 默认", "LightGBM defaults", peers.Lightgbm),
    _peer("ebm-single", "EBM 无交互", "EBM, no interactions", peers.EbmSingle),
    _peer("ebm", "EBM 默认", "EBM defaults", peers.Ebm),
)


class Outcome(Frozen):
    """One method on one fold: measures of unseen rows and CPU-seconds of fitting, or why there are none."""

    method: str
    fold: int
    auc: float = 0.0
    ks: float = 0.0
    brier: float = 0.0
    log_loss: float = 0.0
    fit_s: float = 0.0
    fault: str = ""


class Standing(Frozen):
    """One method over ``folds`` folds: mean and standard deviation of each measure.

    ``late``: the time limit came before all folds were done; the mean is of those that were.
    """

    method: str
    name: Text
    role: Role
    state: State
    fault: str = ""
    folds: int = 0
    mean: dict[str, float] = Field(default_factory=dict)
    sd: dict[str, float] = Field(default_factory=dict)


def chosen(only: str | None) -> tuple[Method, ...]:
    """The methods named in ``only`` (comma-separated), or all. Raises UserError FLT-METHOD."""
    if only is None:
        return METHODS
    wanted = [w.strip() for w in only.split(",") if w.strip()]
    known = {m.key: m for m in METHODS}
    unknown = [w for w in wanted if w not in known]
    if unknown or not wanted:
        fail("FLT-METHOD", "--only", names=", ".join(unknown), known=", ".join(known))
    return tuple(m for m in METHODS if m.key in wanted)


def contest(
    flat: Flat,
    methods: Sequence[Method],
    *,
    folds: int = 5,
    seed: int = 0,
    limit_s: float = 0.0,
    cache: Path | None = None,
) -> Iterator[Outcome]:
    """Every present method on every fold, fold by fold; ``cache`` keeps what is done.

    A method has ``limit_s`` CPU-seconds for all its folds (0: no limit). Raises UserError FLT-FEW when
    a class has fewer rows than folds.
    """
    bads = int(flat.bad.sum())
    goods = len(flat.bad) - bads
    if folds < 2 or min(bads, goods) < folds:  # noqa: PLR2004 - one fold is no cross-validation
        fail("FLT-FEW", "--folds", goods=goods, bads=bads, folds=folds)
    spent = {method.key: 0.0 for method in methods if method.present}
    for number, rows in enumerate(folds_of(flat.bad, folds, 1, seed)):
        for method in methods:
            if method.key not in spent:
                continue
            file = None if cache is None else cache / _file(flat, method, folds, seed, number)
            outcome = _kept(file)
            if outcome is None:
                left = limit_s - spent[method.key] if limit_s else 0.0
                outcome = _tried(flat, method, rows, left, Outcome(method=method.key, fold=number), seed)
                _store(file, outcome)
            spent[method.key] += outcome.fit_s
            yield outcome


def _file(flat: Flat, method: Method, folds: int, seed: int, number: int) -> str:
    what = repr((flat.key, method.key, folds, seed, number, __version__))
    return f"{method.key}-{number}-{digest(what.encode())[:16]}.json"


def _kept(file: Path | None) -> Outcome | None:
    if file is None or not file.is_file():
        return None
    outcome = Outcome.model_validate(json.loads(file.read_bytes()))
    return None if outcome.fault else outcome


def _store(file: Path | None, outcome: Outcome) -> None:
    if file is not None:
        write_whole(file, canonical_json(outcome.model_dump(mode="json")))


def _tried(flat: Flat, method: Method, rows: Split, left_s: float, blank: Outcome, seed: int) -> Outcome:  # noqa: PLR0917 - what a trial is made of
    """``blank`` filled in by fitting on the fold's training rows within ``left_s`` CPU-seconds."""
    train, test = rows
    before = time.process_time()
    try:
        with _limited(left_s):
            model = method.make(seed).fit(flat.columns.take(train), flat.bad[train])
            spent = time.process_time() - before
            said = model.predict_proba(flat.columns.take(test))[:, 1]
    except OutOfTimeError:
        return blank.model_copy(update={"fault": LATE, "fit_s": time.process_time() - before})
    except Exception as error:  # noqa: BLE001 - a method that fails on a table is a result of the comparison
        return blank.model_copy(update={"fault": f"{type(error).__name__}: {error}"[:300]})
    bad, pd = flat.bad[test], np.clip(np.nan_to_num(said, nan=0.5), 0.0, 1.0)
    found = {"auc": auc(pd, bad), "ks": ks(pd, bad), "brier": brier(pd, bad), "log_loss": log_loss(pd, bad)}
    return blank.model_copy(update={**found, "fit_s": spent})


@contextlib.contextmanager
def _limited(left_s: float) -> Iterator[None]:
    """Raise OutOfTimeError when the process has used ``left_s`` more CPU-seconds; 0 is no limit."""
    if not left_s:
        yield
        return

    def stop(_signal: int, _frame: object) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, max(left_s, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def standings(methods: Sequence[Method], outcomes: Sequence[Outcome]) -> list[Standing]:
    """The table: one row a method, in the order of ``methods``."""
    return [_standing(method, [o for o in outcomes if o.method == method.key]) for method in methods]


def _standing(method: Method, own: Sequence[Outcome]) -> Standing:
    done = [o for o in own if not o.fault]
    faults = [o.fault for o in own if o.fault]
    late = all(f == LATE for f in faults)
    state: State = "absent" if not own else "done" if not faults else "late" if late else "failed"
    values = {m: [getattr(o, m) for o in done] for m in MEASURES} if done and state != "failed" else {}
    return Standing(
        method=method.key,
        name=method.name,
        role=method.role,
        state=state,
        fault=faults[0] if faults else "",
        folds=len(done),
        mean={m: float(np.mean(v)) for m, v in values.items()},
        sd={m: float(np.std(v, ddof=1)) if len(v) > 1 else 0.0 for m, v in values.items()},
    )
