"""Samples of statistics and look-up."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from tests.privacy.manifests import data, manifest
from tests.privacy.samples import Sample, draw, ids
from xinqiao.privacy.kind import Result


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
}
