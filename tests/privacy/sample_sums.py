"""Samples of statistics, look-up and the scorecard of several banks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pytest

from tests.privacy.manifests import data, manifest
from tests.privacy.samples import Sample, draw, ids
from xinqiao.privacy.job.kind import Result


def _amounts(low: int, high: int, seed: int) -> pa.Table:
    return pa.table({"id": ids(low, high), "amount": draw(seed).normal(1000, 400, high - low).round(2)})


def _looked_up(plain: Mapping[str, Result], private: Mapping[str, Result]) -> None:
    """The quota and the list's root are the protocol's own; all else is equal."""
    assert set(plain) == set(private)
    for name, wanted in plain.items():
        found = private[name]
        assert wanted.told.items() <= found.told.items()
        assert (found.table is None) == (wanted.table is None)
        assert wanted.table is None or wanted.table.equals(found.table)


def _clients(rows: int, seed: int) -> pa.Table:
    numbers = draw(seed)
    margin, overdue = numbers.normal(0, 1, rows), numbers.poisson(2, rows)
    bad = numbers.random(rows) < 1 / (1 + np.exp(1.5 + margin - 0.4 * overdue))
    return pa.table({"bad": bad.astype(int), "margin": margin, "overdue": overdue})


def _fitted(plain: Mapping[str, Result], private: Mapping[str, Result]) -> None:
    """Points and measures are equal; coefficients but for their last digits."""
    assert set(plain) == set(private)
    for name, wanted in plain.items():
        found = private[name]
        assert dict(found.told) == pytest.approx(dict(wanted.told), abs=1e-9)
        assert wanted.table is not None
        assert found.table is not None
        assert found.table["points"].equals(wanted.table["points"])
        np.testing.assert_allclose(found.table["coefficient"], wanted.table["coefficient"], atol=1e-9)


SAMPLES = {
    "statistics": Sample(
        manifest(
            "statistics",
            {
                "bureau": ("holder", data("amount")),
                "power": ("holder", data("amount")),
                "platform": "receiver",
            },
            {"measures": ["sum", "mean", "variance"], "result_to": ["platform"]},
        ),
        {"bureau": _amounts(0, 60, 1), "power": _amounts(20, 90, 2)},
    ),
    "lookup": Sample(
        manifest(
            "lookup",
            {
                "bank": ("client", data(rows_at_most=50)),
                "bureau": ("server", data("amount", rows_at_most=200)),
            },
            {"epoch": "autumn", "quota": 100, "rows_a_bucket": 50},
        ),
        {"bank": pa.table({"id": ids(50, 70)}), "bureau": _amounts(0, 60, 3)},
        _looked_up,
    ),
    "horizontal": Sample(
        manifest(
            "horizontal",
            {
                "alpha": ("bank", data("bad", "margin", "overdue", key=None)),
                "beta": ("bank", data("bad", "margin", "overdue", key=None)),
                "platform": "coordinator",
            },
            {"target": "bad", "ranges": {"margin": [-3.0, 3.0], "overdue": [0.0, 12.0]}},
        ),
        {"alpha": _clients(400, 4), "beta": _clients(600, 5)},
        _fitted,
    ),
}
