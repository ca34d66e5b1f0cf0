"""What data would add: equal to pooled plain data, and right about a known lift."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow as pa

from tests.privacy.joint_data import DEALT, tables
from tests.privacy.manifests import data, manifest, run_all
from tests.privacy.sample_models import PARAMS, close
from xinqiao.privacy.job.kind import kind_of
from xinqiao.privacy.job.manifest import Input, Manifest
from xinqiao.privacy.modelling.data_value import KIND, information_values
from xinqiao.scoring.columns import Floats
from xinqiao.scoring.metrics import auc

PRIVATE_RUNS = int(os.environ.get("XINQIAO_VALUE_RUNS", "0"))
"""Private runs of the known lift, 20 take a minute; without them some runs in the clear."""
COLUMNS = 4
LIFT_PARTIES: dict[str, str | tuple[str, Input]] = {
    "bank": ("bank", data("bad", *(f"b{i}" for i in range(COLUMNS)))),
    "tax": ("holder", data(*(f"h{i}" for i in range(COLUMNS)))),
    "regulator": "dealer",
}


def test_three_holders_get_what_pooled_data_give(tmp_path: Path) -> None:
    told, rows = manifest("data_value", DEALT, PARAMS), tables(700)
    kind_of(told)
    private = run_all(told, KIND.run, rows, tmp_path)
    close(KIND.plain(told, rows), private)
    assert not list(tmp_path.glob("state/*/*"))  # the model is thrown away
    assert set(private["tax"].told) == set(private["regulator"].told) == {"rows"}
    value, low, high = private["bank"].told["iv"]["tax"]["paid"]
    assert 0 <= low < value < high


def test_a_bank_without_columns_of_its_own(tmp_path: Path) -> None:
    parties: dict[str, str | tuple[str, Input]] = {
        "bank": ("bank", data("bad")),
        "tax": DEALT["tax"],
        "regulator": "dealer",
    }
    rows = tables(400)
    private = run_all(manifest("data_value", parties, PARAMS | {"steps": 20}), KIND.run, rows, tmp_path)
    assert private["bank"].told["iv"]["bank"] == {}
    assert private["bank"].told["auc_lift"][0] > 0.1


def drawn(rows: int, seed: int) -> tuple[dict[str, pa.Table], Floats, Floats]:
    """Tables with a known lift, the true log odds and the part that the bank could know."""
    stream = np.random.default_rng(seed)
    base = stream.normal(size=(rows, 1))
    bank = 0.6 * base + 0.8 * stream.normal(size=(rows, COLUMNS))
    tax = 0.4 * base + 0.9 * stream.normal(size=(rows, COLUMNS))
    odds = -2.0 + bank @ [0.5, 0.3, 0.2, 0.0] + tax @ [0.5, 0.35, 0.0, 0.1]
    bad = (stream.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    own = bank @ np.linalg.lstsq(np.column_stack([np.ones(rows), bank]), odds, rcond=None)[0][1:]
    ids = [f"g{n}" for n in range(rows)]
    told = {
        "bank": pa.table({"id": ids, "bad": bad, **{f"b{i}": bank[:, i] for i in range(COLUMNS)}}),
        "tax": pa.table({"id": ids, **{f"h{i}": tax[:, i] for i in range(COLUMNS)}}),
    }
    return told, odds, own


def _covered(told: Manifest, truth: float, seed: int, folder: Path | None) -> bool:
    rows, _, _ = drawn(1500, seed)
    found = KIND.plain(told, rows) if folder is None else run_all(told, KIND.run, rows, folder)
    _, low, high = found["bank"].told["auc_lift"]
    return bool(low <= truth <= high)


def test_a_known_lift_is_covered_in_nine_of_ten_runs(tmp_path: Path) -> None:
    told = manifest("data_value", LIFT_PARTIES, {"label": "bad"})
    fixed = {"job": UUID(int=7), "expires": datetime(2100, 1, 1, tzinfo=UTC)}  # folds hang on the digest
    told = told.model_copy(update=fixed)
    rows, odds, own = drawn(200_000, 999)
    bad = rows["bank"]["bad"].to_numpy()
    truth = auc(odds, bad) - auc(own, bad)
    runs = PRIVATE_RUNS or 8
    folder = tmp_path if PRIVATE_RUNS else None
    assert sum(_covered(told, truth, seed, folder) for seed in range(runs)) >= int(0.9 * runs)


def test_information_values_of_known_counts() -> None:
    count, bads = np.array([500.0, 500.0, 1000.0]), np.array([50.0, 150.0, 200.0])
    (first, second) = information_values(count, bads, [2, 1])
    goods, bad = np.array([450, 350]) / 800, np.array([50, 150]) / 200
    assert abs(first[0] - ((goods - bad) * np.log(goods / bad)).sum()) < 0.01
    assert abs(second[0]) < 1e-9
    assert first[1] < first[0] < first[2]


def test_every_party_is_told_what_it_learns() -> None:
    told = KIND.learns(manifest("data_value", DEALT, PARAMS))
    assert set(told) == set(DEALT)
