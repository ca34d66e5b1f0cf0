from __future__ import annotations

import numpy as np
import polars as pl

from xinqiao.city.bills import bill_rows, paid_days
from xinqiao.city.hazard import NEVER
from xinqiao.city.scene import Scene


def test_bills_are_late_where_liquidity_is_short(scene: Scene) -> None:
    company = np.arange(1000)
    month = np.full(1000, 10)  # before any default
    due = np.full(1000, 20_000)
    paid = paid_days(scene, company, month, due, base=-2.0, rng=np.random.default_rng(1))
    poor = scene.fate.liquidity[:, 10] < np.median(scene.fate.liquidity[:, 10])
    assert (paid > due)[poor].mean() > 2 * (paid > due)[~poor].mean()
    assert (paid >= due - 9).all()


def test_a_bill_paid_late_is_told_twice_and_one_never_paid_once() -> None:
    bill = {"号": pl.Series(["a", "b", "c", "d"])}
    paid = np.array([9, 14, NEVER, 40])
    rows = bill_rows(
        bill, ("缴费日期", paid), {"实收": np.array([100, 200, 300, 400])}, np.full(4, 10), wait=1, end=30
    )
    assert rows.sort("号", "获知日期").rows() == [
        ("a", "1970-01-10", "1.00", "1970-01-12"),
        ("b", None, "0.00", "1970-01-12"),
        ("b", "1970-01-15", "2.00", "1970-01-16"),
        ("c", None, "0.00", "1970-01-12"),
        ("d", None, "0.00", "1970-01-12"),
    ]
