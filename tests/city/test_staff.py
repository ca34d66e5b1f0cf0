from __future__ import annotations

import polars as pl
import pytest

from tests.city.conftest import tables
from xinqiao.city.scene import Scene
from xinqiao.city.staff import INSURANCES, RATES, headcount, insured, staff_tables


@pytest.fixture(scope="module")
def staff(scene: Scene) -> dict[str, pl.DataFrame]:
    return tables(scene, staff_tables)


def test_contributions_are_the_rate_of_the_base(staff: dict[str, pl.DataFrame]) -> None:
    rows = staff["social_insurance"].with_columns(pl.col("缴费基数", "应缴").cast(pl.Float64))
    for name, rate in zip(INSURANCES, RATES, strict=True):
        part = rows.filter(pl.col("险种") == name)
        assert (part["应缴"] - part["缴费基数"] * rate).abs().max() <= 0.0051  # type: ignore[operator]  # a number


def test_a_late_payment_gives_a_second_version_with_all_paid(staff: dict[str, pl.DataFrame]) -> None:
    rows = staff["social_insurance"].sort("获知日期", maintain_order=True)
    months = rows.group_by("企业代号", "险种", "月份", maintain_order=True).agg(
        pl.len(), pl.col("实缴").cast(pl.Float64), pl.col("应缴").cast(pl.Float64)
    )
    twice = months.filter(pl.col("len") == 2)
    assert months["len"].max() == 2
    assert len(twice) > 50
    assert (twice["实缴"].list.first() == 0).all()
    assert (twice["实缴"].list.last() == twice["应缴"].list.last()).all()


def test_many_self_employed_and_few_firms_have_no_insurance(scene: Scene) -> None:
    ids = scene.ids(0)
    own = scene.region.self_employed[ids]
    assert insured(scene, ids)[own].mean() < 0.5 < insured(scene, ids)[~own].mean()


def test_nobody_works_outside_a_companys_life(scene: Scene) -> None:
    ids = scene.ids(1)
    heads, lives = headcount(scene, ids), scene.lives(ids)
    assert (heads[~lives] == 0).all()
    assert (heads[lives] >= 1).all()


def test_the_fund_pays_both_halves_unless_deferred(staff: dict[str, pl.DataFrame]) -> None:
    rows = staff["housing_fund"]
    assert set(rows["状态"]) >= {"正常", "缓缴"}
    idle = rows["状态"].is_in(["缓缴", "停缴"])
    assert (rows.filter(idle)["缴存额"] == "0.00").all()
    assert (rows.filter(~idle)["缴存额"].cast(pl.Float64) > 0).all()
