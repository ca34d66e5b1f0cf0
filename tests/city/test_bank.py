from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tests.city.conftest import tables
from xinqiao.city.bank import authorised, bank_tables
from xinqiao.city.customs import customs_tables
from xinqiao.city.scene import Scene


@pytest.fixture(scope="module")
def bank(scene: Scene) -> dict[str, pl.DataFrame]:
    return tables(scene, bank_tables)


def test_only_authorised_accounts_are_told_of(bank: dict[str, pl.DataFrame], scene: Scene) -> None:
    everyone = np.concatenate([authorised(scene, scene.ids(block)) for block in range(scene.blocks)])
    codes = {f"C{i + 1:06d}" for i in np.flatnonzero(everyone)}
    assert set(bank["bank_flow"]["企业代号"]) | set(bank["bank_balance"]["企业代号"]) <= codes
    assert 0.7 < everyone.mean() < 0.92


def test_bookings_are_positive_known_later_and_numbered_once(bank: dict[str, pl.DataFrame]) -> None:
    flows = bank["bank_flow"]
    assert (flows["金额"].cast(pl.Float64) > 0).all()
    assert (flows["获知日期"] >= flows["记账日期"]).all()
    assert flows["流水号"].n_unique() == len(flows)
    per_month = flows.group_by("企业代号", pl.col("记账日期").str.slice(0, 7)).len()["len"]
    assert 5 <= per_month.median() <= 15  # type: ignore[operator]  # a number


def test_receipts_are_invoices_with_tax(bank: dict[str, pl.DataFrame]) -> None:
    receipts = bank["bank_flow"].filter((pl.col("收支") == "收") & (pl.col("分类") == "经营"))
    inside = receipts.drop_nulls("对手登记代码")
    assert len(inside) > 200
    assert (inside["对手类型"] == "企业").all()


def test_related_parties_share_a_group(bank: dict[str, pl.DataFrame], scene: Scene) -> None:
    group = dict(enumerate(scene.ties.group.tolist()))
    related = bank["bank_flow"].filter(pl.col("关联方") == "是").drop_nulls("对手登记代码")
    assert len(related) > 0
    for ours, theirs in related.select("企业代号", "对手登记代码").iter_rows():
        assert group[int(ours[1:]) - 1] == group[int(theirs[1:]) - 1] >= 0


def test_the_lowest_balance_lies_below_the_average_and_low_days_need_a_low_one(
    bank: dict[str, pl.DataFrame],
) -> None:
    rows = bank["bank_balance"].with_columns(
        pl.col("日均余额", "最低余额", "低于1000元天数").cast(pl.Float64)
    )
    assert (rows["最低余额"] <= rows["日均余额"]).all()
    low = rows["低于1000元天数"] > 0
    assert (low == (rows["最低余额"] < 1000)).all()


def test_exports_are_declared_by_traders_and_paid_in_foreign_currency(
    bank: dict[str, pl.DataFrame], scene: Scene
) -> None:
    customs = tables(scene, customs_tables)
    declared = customs["customs_declaration"]
    assert declared["报关单号"].n_unique() == len(declared) > 100
    paid = bank["bank_flow"].filter(pl.col("分类") == "收汇")
    exporters = set(declared.filter(pl.col("进出口") == "出口")["企业代号"])
    assert set(paid["企业代号"]) <= exporters
    assert set(declared["企业代号"]) <= set(customs["customs_rating"]["企业代号"])
