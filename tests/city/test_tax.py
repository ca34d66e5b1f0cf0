from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tests.city.conftest import tables
from xinqiao.city.books import books_of
from xinqiao.city.scene import Scene
from xinqiao.city.tax import (
    EXEMPT_CENTS,
    INCOME,
    SMALL_RATES,
    SURCHARGE,
    SURCHARGE_RATE,
    VAT,
    declared,
    payments,
    returns,
    tax_tables,
)


@pytest.fixture(scope="module")
def taxes(scene: Scene) -> dict[str, pl.DataFrame]:
    return tables(scene, tax_tables)


def test_small_payers_file_by_the_quarter_and_are_exempt_up_to_the_limit(scene: Scene) -> None:
    ids = scene.ids(0)
    rows = returns(scene, ids)
    vat = rows.take(rows.kind == VAT)
    small = scene.region.tax_pct[vat.company] <= SMALL_RATES
    assert set(vat.month[small] % 3) == {2}  # the period begins in January
    assert len(np.unique(vat.month[~small])) == 36
    assert (vat.due[small & (vat.sales <= EXEMPT_CENTS)] == 0).all()
    taxed = small & (vat.sales > EXEMPT_CENTS)
    rate = scene.region.tax_pct[vat.company[taxed]] / 100
    assert vat.due[taxed] == pytest.approx(vat.sales[taxed] * rate, abs=1)


def test_vat_is_output_less_input_less_what_was_carried(scene: Scene) -> None:
    ids = scene.ids(1)
    ledger = books_of(scene, ids)
    rows = returns(scene, ids)
    place = int(np.flatnonzero((scene.region.tax_pct[ids] > SMALL_RATES) & scene.lives(ids).all(axis=1))[0])
    mine = rows.take((rows.company == ids[place]) & (rows.kind == VAT))
    first = ledger.output_tax[place, 0] - ledger.input_tax[place, 0]
    assert mine.due[0] == max(0, round(first))
    second = ledger.output_tax[place, 1] - ledger.input_tax[place, 1] - mine.credit[0]
    assert mine.due[1] == pytest.approx(max(0, second), abs=1)


def test_declared_sales_are_those_invoiced_and_a_little_more(scene: Scene) -> None:
    ids = scene.ids(0)
    sold = np.maximum(books_of(scene, ids).sold, 0).sum()
    assert sold <= declared(scene, ids).sum() < 1.05 * sold


def test_the_surcharge_goes_with_the_vat(scene: Scene) -> None:
    rows = payments(scene, scene.ids(0))
    vat, extra = rows.kind == VAT, rows.kind == SURCHARGE
    assert rows.cents[extra] == pytest.approx(rows.cents[vat] * SURCHARGE_RATE, abs=1)
    assert INCOME in rows.kind


def test_one_return_a_period_with_later_versions_only_when_filed_late_or_amended(
    taxes: dict[str, pl.DataFrame],
) -> None:
    rows = taxes["tax_return"].sort("获知日期", maintain_order=True)
    keys = ["企业代号", "税种", "所属期止"]
    counts = rows.group_by(keys).agg(
        n=pl.len(),
        late=(pl.col("申报日期") > pl.col("申报期限")).any(),
        open=pl.col("申报日期").is_null().any(),
    )
    assert counts["n"].max() == 3  # open, filed, amended
    twice = counts.filter(pl.col("n") > 1)
    assert 0.01 < len(twice) / len(counts) < 0.15
    assert counts.filter(pl.col("open") & (pl.col("n") > 1) & ~pl.col("late")).is_empty()


def test_events_and_levels_lie_within_the_period(taxes: dict[str, pl.DataFrame]) -> None:
    for name in ("tax_rating", "tax_event", "tax_statement", "tax_payment"):
        assert taxes[name]["获知日期"].max() <= "2025-12-31"  # type: ignore[operator]  # texts
        assert len(taxes[name]) > 20
    assert set(taxes["tax_rating"]["级别"]) == set("ABMCD")


def test_statements_balance(taxes: dict[str, pl.DataFrame]) -> None:
    cents = taxes["tax_statement"].select(
        (pl.col("资产总额", "负债总额", "净资产").cast(pl.Float64) * 100).round().cast(pl.Int64)
    )
    assert (cents["资产总额"] - cents["负债总额"] == cents["净资产"]).all()
