"""Data value: does the private estimate's interval hold the true lift of each source of the generated city?

The truth of a source (and of several together) is the mean lift, on rows they were not fitted on, of plain
models fitted on so many subjects drawn from the whole city: half a city's outcomes alone would leave it
uncertain by 0.006. Private runs are on subjects of one half, none of them twice. BENCH_CITY_FIRMS (default
30,000: the city of privacy_city), BENCH_VALUE_RUNS (20), BENCH_VALUE_DRAWS (200).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from itertools import chain, combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
from tests.privacy.known_lift import true_lifts
from tests.privacy.manifests import run_all
from tests.privacy.split_sets import Split, city

from xinqiao.privacy.alignment.alignment import joined
from xinqiao.privacy.modelling.data_value import KIND
from xinqiao.scoring.columns import Floats

MEASURES = ("auc_lift", "ks_lift")


def section(folder: Path) -> list[str]:
    firms, runs = (
        int(os.environ.get("BENCH_CITY_FIRMS", "30000")),
        int(os.environ.get("BENCH_VALUE_RUNS", "20")),
    )
    whole = city(folder / f"city-{firms}", firms)
    known = Split(whole.name, joined(whole.tables))
    fresh = half(known)
    size = fresh.rows // runs
    lines = [
        "| source | lift of | truth | held | mean estimate | spread of estimates | half of an interval |",
        "|---" * 7 + "|",
    ]
    names = whole.holders
    for held in chain.from_iterable(combinations(names, count + 1) for count in range(len(names))):
        lines += _lines(known, parts(fresh, runs, size), held)
        print(*lines[-2:], sep="\n", flush=True)
    bads = int(np.sum(fresh.tables["bank"].column("bad").to_numpy())) // runs
    return [*lines, "", f"{firms:,} firms; {runs} private runs on {size:,} subjects each, about {bads} bad."]


def half(whole: Split) -> Split:
    """Half of the subjects at random."""
    order = np.random.default_rng(0).permutation(whole.rows)[: whole.rows // 2]
    return Split(whole.name, {n: t.take(pa.array(order)) for n, t in whole.tables.items()})


def parts(whole: Split, count: int, rows: int) -> list[Split]:
    """``count`` parts of ``rows`` subjects each, none in two."""
    return [
        Split(whole.name, {n: t.slice(k * rows, rows) for n, t in whole.tables.items()}) for k in range(count)
    ]


def _lines(known: Split, fresh: Sequence[Split], held: Sequence[str]) -> list[str]:
    draws = int(os.environ.get("BENCH_VALUE_DRAWS", "200"))
    truth = true_lifts(known.job("data_value", 0, held), known.tables, fresh[0].rows, draws, seed=1)
    found = estimates(fresh, held)
    return [
        _line(" + ".join(held), name, float(truth[:, place].mean()), found[:, place])
        for place, name in enumerate(MEASURES)
    ]


def estimates(fresh: Sequence[Split], held: Sequence[str]) -> Floats:
    """(runs, measures, 3): value, low and high that the bank is told in private runs."""
    told = []
    for number, split in enumerate(fresh):
        with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as folder:
            tables = {n: t for n, t in split.tables.items() if n == "bank" or n in held}
            results = run_all(split.job("data_value", number, held), KIND.run, tables, Path(folder))
        told.append([results["bank"].told[name] for name in MEASURES])
    return np.array(told)


def _line(source: str, name: str, truth: float, found: Floats) -> str:
    value, low, high = found.T
    holds = int(((low <= truth) & (truth <= high)).sum())
    told = f"{value.mean():.4f} | {value.std(ddof=1):.4f} | {(high - low).mean() / 2:.4f}"
    return f"| {source} | {name[:-5].upper()} | {truth:.4f} | {holds} of {len(value)} | {told} |"
