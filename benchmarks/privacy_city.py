"""Joint computing beside plain, on the generated city and on public sets split by columns.

BENCH_CITY_FIRMS: firms of the city (default 30,000; four CPU-minutes); BENCH_CITY_ROWS: subjects of a
scorecard's draw (default 8,000; trees and all that is exact take every row); BENCH_CITY_DRAWS (default 5).
Public sets are read from XINQIAO_DATA. Private jobs run between threads of this process on a memory link.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tests.privacy.manifests import data, manifest, run_all
from tests.privacy.plain_parts import compare
from tests.privacy.samples import rows
from tests.privacy.split_sets import Split, city, hmeq, uci

from benchmarks.privacy_trees import like_trees
from xinqiao.privacy.alignment import intersection
from xinqiao.privacy.alignment.alignment import joined
from xinqiao.privacy.job.kind import Kind, Result
from xinqiao.privacy.job.manifest import Manifest
from xinqiao.privacy.modelling import scorecard, trees, woe
from xinqiao.privacy.modelling.joint_training import folds_of
from xinqiao.privacy.modelling.label_features import binned
from xinqiao.privacy.modelling.lift import lift
from xinqiao.privacy.modelling.tree_growth import Flags, Local, boost
from xinqiao.privacy.modelling.tree_terms import TreeParams
from xinqiao.privacy.sums import statistics
from xinqiao.scoring.columns import Floats, read_columns
from xinqiao.scoring.metrics import auc
from xinqiao.scoring.scorecard import Scorecard

CARD, TREES, POINT = 0.002, 0.005, 1.0
"""How far AUC, and a score, may lie from plain; beside another way of fitting: how far below it."""
LEAST_ROWS = 10_000
"""Of a set, for trees: of fewer, which rows are drawn to test on moves AUC by more than ``TREES``."""
GRADED = 200
Results = Mapping[str, Result]
Tables = Mapping[str, pa.Table]


def section(folder: Path) -> list[str]:
    rows, draws = int(os.environ.get("BENCH_CITY_ROWS", "8000")), int(os.environ.get("BENCH_CITY_DRAWS", "5"))
    firms = int(os.environ.get("BENCH_CITY_FIRMS", "30000"))
    whole, public = city(folder / f"city-{firms}", firms), os.environ.get("XINQIAO_DATA")
    sets = [whole, *([read(Path(public)) for read in (uci, hmeq)] if public else [])]
    lines = ["| what | set | joint | beside | difference: mean, spread, widest | at most |", "|---" * 6 + "|"]
    lines += [_intersection(whole), _statistics(whole)]
    for split in sets:
        lines += [_counts(split), *_cards(split, rows, draws)]
        lines += _trees(split, draws) if split.rows >= LEAST_ROWS else []
        print(*lines[2:], sep="\n", flush=True)
    lines += _scores(whole.drawn(rows, 0))
    told = "; ".join(f"{s.name}: {s.rows:,} subjects of {', '.join(s.tables)}" for s in sets)
    ways = f"{draws} draws: of scorecards {rows:,} subjects and other folds, of trees other test rows."
    return [*lines, "", f"{told}.  ", ways]


def played(kind: Kind, told: Manifest, tables: Tables) -> tuple[Results, Results]:
    """Private and plain results."""
    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as folder:
        return run_all(told, kind.run, tables, Path(folder)), kind.plain(told, tables)


def equal(private: Results, plain: Results) -> bool:
    """Whether all parties have exactly what plain gives them."""
    pairs = [(private[name], plain[name]) for name in plain]
    return all(a.told == b.told and _rows(a) == _rows(b) for a, b in pairs)


def _rows(result: Result) -> list[dict[str, Any]]:
    return rows(result.table) if result.table is not None else []


def _exact(what: str, split: Split, both: tuple[Results, Results], found: str) -> str:
    return f"| {what} | {split.name} | {found} | {'equal' if equal(*both) else 'NOT EQUAL'} | | equal |"


def _line(what: str, split: Split, found: Sequence[float], beside: Sequence[float], most: float) -> str:
    """A row on two figures' draws."""
    apart = np.array(found) - np.array(beside)
    spread, widest = apart.std(ddof=min(1, len(apart) - 1)), apart[np.abs(apart).argmax()]
    means = f"{np.mean(found):.4f} | {np.mean(beside):.4f}"
    return f"| {what} | {split.name} | {means} | {apart.mean():+.4f}, {spread:.4f}, {widest:+.4f} | {most} |"


def _intersection(split: Split) -> str:
    told = manifest("intersection", {name: ("holder", data()) for name in split.tables})
    keys = {name: table.select([0]) for name, table in split.tables.items()}
    both = played(intersection.KIND, told, keys)
    return _exact("intersection", split, both, f"{both[0]['bank'].told['common']:,} subjects")


def _statistics(split: Split) -> str:
    columns = {"tax": "tax05", "power": "ele01"}
    told = manifest(
        "statistics",
        {name: ("holder", data(column, key=None)) for name, column in columns.items()}
        | {"platform": "receiver"},
        {"measures": ["sum", "mean", "variance"], "result_to": ["platform"], "decimals": 4},
    )
    tables = {name: split.tables[name].select([column]) for name, column in columns.items()}
    both = played(statistics.KIND, told, tables)
    return _exact("sum, mean, variance", split, both, both[0]["platform"].told["sum"])


def _counts(split: Split) -> str:
    both = played(woe.KIND, split.job("woe", 0), split.tables)
    return _exact("goods and bads in bins, WOE, IV", split, both, f"{len(_rows(both[0]['bank']))} bins")


def _cards(split: Split, rows: int, draws: int) -> list[str]:
    private, plain, card = [], [], []
    for number in range(draws):
        part, told = split.drawn(rows, number), split.job("scorecard", number)
        both = played(scorecard.KIND, told, part.tables)
        private.append(both[0]["bank"].told["auc_joint"][0])
        plain.append(both[1]["bank"].told["auc_joint"][0])
        card.append(_pooled_card(told, part.tables))
    return [
        _line("scorecard, AUC", split, private, plain, CARD),
        _line("scorecard beside `scoring`'s on all columns, AUC", split, private, card, CARD),
    ]


def whole_table(tables: Tables) -> tuple[pa.Table, Mapping[str, pa.Table]]:
    """All features side by side, and the parties' tables in the same order."""
    rows = joined(tables)
    columns = {c: t.column(c) for t in rows.values() for c in t.column_names if c not in {"id", "bad"}}
    return pa.table(columns), rows


def _pooled_card(told: Manifest, tables: Tables) -> float:
    """AUC of the product's own scorecard on the same rows and folds."""
    whole, rows = whole_table(tables)
    columns, bad = read_columns(whole), rows["bank"].column("bad").to_numpy().astype(np.float64)
    fold, odds = folds_of(told, rows["bank"], 5), np.empty(len(bad))
    for number in range(5):
        fitted = Scorecard().fit(columns.take(fold != number), bad[fold != number])
        odds[fold == number] = fitted.decision_function(columns.take(fold == number))
    return auc(odds, bad)


def _trees(split: Split, draws: int) -> list[str]:
    found: dict[str, list[float]] = {name: [] for name in ("joint", "plain", "own", "lightgbm")}
    sway = []
    for number in range(draws):
        told = split.job("trees", number, params={"test_share": 0.3})
        with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as folder:
            private = run_all(told, trees.KIND.run, split.tables, Path(folder))["bank"].told["joint"]["auc"]
        odds, bad = _plain_trees(told, split.tables)
        for name, value in zip(found, (private, *(auc(each, bad) for each in odds)), strict=True):
            found[name].append(value)
        apart = lift(odds[0], odds[2], bad).auc_lift
        sway.append((apart.high - apart.low) / 2)
    text = f"trees beside LightGBM on all columns (95 % of test rows: ± {np.mean(sway):.4f}), AUC"
    return [
        _line("trees, AUC", split, found["joint"], found["plain"], 1e-6),
        _line("trees beside ours on all columns, AUC", split, found["joint"], found["own"], TREES),
        _line(text, split, found["joint"], found["lightgbm"], TREES),
    ]


def _plain_trees(told: Manifest, tables: Tables) -> tuple[tuple[Floats, Floats, Floats], Floats]:
    """Log odds of the test rows in plain: the job's, ours and LightGBM's on all columns; the outcome."""
    params, (whole, rows) = TreeParams.model_validate(told.params), whole_table(tables)
    bad, train = trees.labelled(told, rows["bank"], params)
    columns = {n: [c for c in t.column_names if c not in {"id", "bad"}] for n, t in rows.items()}
    parties = [_local(n, rows[n].select(c), train, params) for n, c in columns.items()]
    own = [_local("pooled", whole, train, params)]
    joint, alone = (boost(bad, train, sides, params.shape).odds[~train] for sides in (parties, own))
    peer = like_trees(params)
    read = read_columns(whole)
    lightgbm = peer.fit(read.take(train), bad[train]).decision_function(read.take(~train))
    return (joint, alone, lightgbm), bad[~train]


def _local(name: str, table: pa.Table, train: Flags, params: TreeParams) -> Local:
    _, bins = binned(table, table.column_names, params.bins)
    return Local(name, replace(bins, counted=train), params.least)


def _scores(split: Split) -> list[str]:
    """Scores and grades by a card fitted and kept in parts, beside those of the plain fit's card."""
    with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as folder:
        found = compare(split.job("scorecard", 0), split.tables, GRADED, Path(folder))
    gaps = [abs(a - b) for a, b in zip(*found.grades, strict=True)]
    whom = f"score, widest of {len(found.apart):,}{'' if found.alike else ', OTHERS MISSING'}"
    return [
        f"| {whom} | {split.name} | | | {max(found.apart):.2f} points | {POINT:.0f} |",
        f"| grade | {split.name} | {gaps.count(0)} of {len(gaps)} equal | | widest {max(gaps)} | 1 |",
    ]
