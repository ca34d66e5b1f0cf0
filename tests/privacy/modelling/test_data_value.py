"""What data would add: equal to pooled plain data, and right about a known lift."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest

from tests.privacy.joint_data import DEALT, tables
from tests.privacy.known_lift import true_lifts
from tests.privacy.manifests import data, manifest, run_all
from tests.privacy.sample_models import PARAMS, close
from xinqiao.privacy.job.kind import kind_of
from xinqiao.privacy.job.manifest import Input, Manifest
from xinqiao.privacy.modelling.data_value import KIND, information_values

PRIVATE_RUNS = int(os.environ.get("XINQIAO_VALUE_RUNS", "0"))
"""Private runs of each known lift, 20 take minutes; without them runs in the clear."""
COLUMNS, ROWS = 4, 600
LIFT_PARTIES: dict[str, str | tuple[str, Input]] = {
    "bank": ("bank", data("bad", *(f"b{i}" for i in range(COLUMNS)))),
    "tax": ("holder", data(*(f"t{i}" for i in range(COLUMNS)))),
    "power": ("holder", data(*(f"p{i}" for i in range(COLUMNS)))),
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


def drawn(rows: int, seed: int) -> dict[str, pa.Table]:
    """Firms whose outcome hangs on all sources: much on the bureau's columns, less on the company's."""
    stream = np.random.default_rng(seed)
    base = stream.normal(size=(rows, 1))
    bank, tax, power = (
        own * base + np.sqrt(1 - own**2) * stream.normal(size=(rows, COLUMNS)) for own in (0.6, 0.4, 0.2)
    )
    odds = bank @ [0.5, 0.3, 0.2, 0.0] + tax @ [0.6, 0.4, 0.0, 0.1] + power @ [0.0, 0.35, 0.2, 0.0] - 1.5
    bad = (stream.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    columns = {"bank": bank, "tax": tax, "power": power}
    told = {
        n: pa.table({"id": [f"g{k}" for k in range(rows)]} | {f"{n[0]}{i}": v[:, i] for i in range(COLUMNS)})
        for n, v in columns.items()
    }
    return told | {"bank": told["bank"].append_column("bad", pa.array(bad))}


def _covered(told: Manifest, truth: float, seed: int, folder: Path | None) -> bool:
    rows = {name: table for name, table in drawn(ROWS, seed).items() if name in told.names}
    found = KIND.plain(told, rows) if folder is None else run_all(told, KIND.run, rows, folder)
    _, low, high = found["bank"].told["auc_lift"]
    return bool(low <= truth <= high)


@pytest.mark.parametrize("held", [("tax",), ("power",), ("tax", "power")])
def test_a_known_lift_is_covered_in_nine_of_ten_runs(held: tuple[str, ...], tmp_path: Path) -> None:
    parties = {n: p for n, p in LIFT_PARTIES.items() if n in {"bank", *held, "regulator"}}
    told = manifest("data_value", parties, {"label": "bad"})
    fixed = {"job": UUID(int=7), "expires": datetime(2100, 1, 1, tzinfo=UTC)}  # folds hang on the digest
    told = told.model_copy(update=fixed)
    truth = true_lifts(told, drawn(20_000, 998), ROWS, draws=6, seed=1)[:, 0].mean()
    assert truth > 0.005
    runs, folder = PRIVATE_RUNS or 10, tmp_path if PRIVATE_RUNS else None
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
