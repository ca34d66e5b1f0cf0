from __future__ import annotations

import polars as pl
import pytest

from tests.city.conftest import tables
from xinqiao.city.credit import credit_tables
from xinqiao.city.scene import Scene


@pytest.fixture(scope="module")
def credit(scene: Scene) -> dict[str, pl.DataFrame]:
    return tables(scene, credit_tables)


@pytest.fixture(scope="module")
def months(credit: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Accounts by month with the day of default of their company."""
    return (
        credit["credit_month"]
        .join(credit["credit"].select("企业代号", pl.col("违约日期").str.to_date()), on="企业代号")
        .with_columns(end=pl.col("月份").str.to_date().dt.month_end(), days=pl.col("逾期天数").cast(pl.Int64))
    )


def test_nothing_tells_of_a_default_before_its_day(months: pl.DataFrame) -> None:
    before = months.filter(pl.col("违约日期").is_null() | (pl.col("end") < pl.col("违约日期")))
    assert before["days"].max() <= 29  # type: ignore[operator]  # a number
    assert set(before["五级分类"]) == {"正常", "关注"}
    last = before.filter(pl.col("end") > pl.col("违约日期").dt.offset_by("-2mo"))
    assert (last["days"] == 0).mean() > 0.5  # type: ignore[operator]  # the mean of flags is a number


def test_days_past_due_count_from_the_default(months: pl.DataFrame) -> None:
    after = months.filter(pl.col("end") >= pl.col("违约日期"))
    assert len(after) > 50
    assert (after["days"] == (after["end"] - after["违约日期"]).dt.total_days() + 1).all()
    assert (after.filter(pl.col("days") > 270)["五级分类"] == "损失").all()


def test_no_lender_opens_an_account_after_the_default(months: pl.DataFrame) -> None:
    assert (months["开户日期"].str.to_date() < months["违约日期"].fill_null(pl.date(2100, 1, 1))).all()


def test_one_account_a_company_has_the_outcome(credit: dict[str, pl.DataFrame], scene: Scene) -> None:
    accounts = credit["credit"]
    assert len(accounts) == accounts["企业代号"].n_unique() == scene.region.companies
    assert ((accounts["是否违约"] == "是") == accounts["违约日期"].is_not_null()).all()
    assert credit["credit_month"]["账户编号"].str.starts_with("ZX").any()
