"""Fitting and scoring a card: ours, optbinning, toad; each run in a process of its own.

``python -m benchmarks.cards generate|floor|ours|optbinning|toad FOLDER ROWS``; figures go to
``FOLDER/NAME-ROWS.json``. All get the same pandas frame; times are CPU seconds of the process.
"""

# ruff: noqa: PLC0415 - each job pays for its own imports only
from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import Figures, cpu, write
from benchmarks.figures import read as read_figures
from benchmarks.loans import HELD_OUT, SEED, category_columns, special_columns, write_loans
from benchmarks.measure import ONE_THREAD, measure

LATENCY_CALLS = 200


def path_of(folder: Path, rows: int) -> Path:
    return folder / f"loans-{rows}.parquet"


def generate(folder: Path, rows: int) -> Figures:
    for name, count, seed in ((rows, rows, SEED), (0, HELD_OUT, SEED + 1)):
        if not path_of(folder, name).exists():
            write_loans(path_of(folder, name), count, seed)
    return {}


def read(folder: Path, rows: int) -> tuple[Any, Any]:
    """The loans as a pandas frame, and their outcomes."""
    import pandas as pd

    frame = pd.read_parquet(path_of(folder, rows))
    bad = frame.pop("bad").to_numpy().astype(int)
    return frame, bad


def auc(bad: Any, score: Any) -> float:  # noqa: ANN401 - any library's array
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(bad, -np.asarray(score, dtype=float)))


def floor(_folder: Path, rows: int) -> Figures:
    """The physical limit: every value of as many floats is read once; and once from bytes."""
    columns = [np.random.default_rng(i).standard_normal(rows) for i in range(60)]
    codes = [column.astype(np.int8).view(np.uint8) for column in columns]
    return {
        "score_s": cpu(lambda: [float(column.sum()) for column in columns]),
        "codes_s": cpu(lambda: [int(np.bitwise_or.reduce(code.view(np.uint64))) for code in codes]),
    }


def ours(folder: Path, rows: int) -> Figures:
    import pyarrow.parquet as pq

    from xinqiao.scoring.compiled import bin_codes, compile_card, score, score_codes
    from xinqiao.scoring.reasons import reasons
    from xinqiao.scoring.scorecard import Scorecard

    frame, bad = read(folder, rows)
    specials = dict.fromkeys(special_columns(), ((-999.0,),))
    fitted: list[Scorecard] = []
    fit = cpu(
        lambda: fitted.append(Scorecard(specials=specials, max_correlation=1.0).fit(frame, bad)), most=2
    )
    card = fitted[-1].card_
    arrow = pq.read_table(path_of(folder, rows)).drop_columns(["bad"])
    codes = bin_codes(card, frame)
    rows_ = frame.head(LATENCY_CALLS).to_dict("records")
    held, outcome = read(folder, 0)

    def explain() -> None:
        for row in rows_:
            compile_card(card).score_one(row)
            reasons(card, row, {}, {}, limit=4)

    return {
        "fit_s": fit,
        "score_s": cpu(lambda: score(card, frame)),
        "arrow_s": cpu(lambda: score(card, arrow)),
        "codes_s": cpu(lambda: score_codes(card, codes)),
        "row_ms": cpu(explain) / len(rows_) * 1000,
        "auc": auc(outcome, score(card, held)),
    }


def optbinning(folder: Path, rows: int) -> Figures:
    from optbinning import BinningProcess
    from optbinning import Scorecard as Peer
    from sklearn.linear_model import LogisticRegression

    frame, bad = read(folder, rows)
    frame, (held, outcome) = _objects(frame), read(folder, 0)
    process = BinningProcess(
        list(frame.columns), categorical_variables=category_columns(), special_codes=[-999.0]
    )
    points = {"pdo": 20, "odds": 50, "scorecard_points": 600}
    card = Peer(
        binning_process=process,
        estimator=LogisticRegression(max_iter=1000),
        scaling_method="pdo_odds",
        scaling_method_params=points,
    )
    fit = cpu(lambda: card.fit(frame, bad, metric_missing="empirical", metric_special="empirical"), most=1)
    one = frame.head(1)
    return {
        "fit_s": fit,
        "score_s": cpu(lambda: card.score(frame), most=2),
        "row_ms": cpu(lambda: card.score(one), most=10) * 1000,
        "auc": auc(outcome, card.score(_objects(held))),
    }


def toad(folder: Path, rows: int) -> Figures:
    import toad as peer

    frame, bad = read(folder, rows)
    frame, (held, outcome) = _objects(frame), read(folder, 0)
    combiner, transer = peer.transform.Combiner(), peer.transform.WOETransformer()
    card = peer.ScoreCard(combiner=combiner, transer=transer, max_iter=1000)

    def fit() -> None:
        combiner.fit(frame, bad, method="dt", n_bins=10)  # its chi-merge takes minutes on 50,000 floats
        card.fit(transer.fit_transform(combiner.transform(frame), bad), bad)

    seconds = cpu(fit, most=1)
    one = frame.head(1)
    return {
        "fit_s": seconds,
        "score_s": cpu(lambda: card.predict(frame), most=2),
        "row_ms": cpu(lambda: (card.predict(one), card.get_reason(one, keep=4)), most=10) * 1000,
        "auc": auc(outcome, card.predict(_objects(held))),
    }


def _objects(frame: Any) -> Any:  # noqa: ANN401 - a pandas frame
    """Texts as Python objects, as the peers expect them."""
    return frame.astype(dict.fromkeys(category_columns(), object))


def section(folder: Path) -> list[str]:
    """Section ``scoring``. Environment: BENCH_CARDS, numbers of rows by comma (200000,1000000)."""
    if absent := [peer for peer in ("optbinning", "toad") if find_spec(peer) is None]:
        return [f"skipped: {', '.join(absent)} not installed (extra peers)"]
    folder = folder / "cards"
    folder.mkdir(exist_ok=True)
    lines = [
        "60 columns: 40 numbers, 10 counts, 10 texts; missing and special values; generated. CPU seconds.",
        "AUC on 100,000 rows held out. One row: its score with four reasons (optbinning gives no reasons).",
        "",
    ]
    for rows in map(int, os.environ.get("BENCH_CARDS", "200000,1000000").split(",")):
        run = {
            job: measure(
                f"{job} {rows:,}", ["-m", "benchmarks.cards", job, str(folder), str(rows)], ONE_THREAD
            )
            for job in JOBS
        }
        found = {job: read_figures(folder, job, rows) for job in JOBS}
        lines += _table(rows, found, {job: each.peak_mb for job, each in run.items()})
    return lines


def _table(rows: int, found: dict[str, Figures], peak: dict[str, float]) -> list[str]:
    lines = [
        f"| {rows:,} rows | fit | score | score / ours | from codes | one row ms | AUC | peak MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    best = found["ours"]["score_s"]
    for job in ("floor", "ours", "optbinning", "toad"):
        figures = found[job]
        cells = [
            _cell(figures, "fit_s", "{:.2f}"),
            _cell(figures, "score_s", "{:.3f}"),
            f"{figures['score_s'] / best:.1f}",
            _cell(figures, "codes_s", "{:.3f}"),
            _cell(figures, "row_ms", "{:.3f}"),
            _cell(figures, "auc", "{:.4f}"),
            f"{peak[job]:,.0f}",
        ]
        name = "floor: one pass over the memory" if job == "floor" else job
        lines.append(f"| {name} | {' | '.join(cells)} |")
    fit = min(found[peer]["fit_s"] for peer in ("optbinning", "toad")) / found["ours"]["fit_s"]
    score = min(found[peer]["score_s"] for peer in ("optbinning", "toad")) / best
    arrow = found["ours"]["arrow_s"]
    words = f"fits {fit:.1f} times and scores {score:.1f} times as fast as the faster peer"
    return [*lines, "", f"Ours {words}; scoring an Arrow table takes {arrow:.2f} s.", ""]


def _cell(figures: Figures, name: str, form: str) -> str:
    return form.format(figures[name]) if name in figures else ""


JOBS = {job.__name__: job for job in (generate, floor, ours, optbinning, toad)}


def main() -> None:
    name, folder, rows = sys.argv[1:]
    write(Path(folder), name, int(rows), JOBS[name](Path(folder), int(rows)))


if __name__ == "__main__":
    main()
