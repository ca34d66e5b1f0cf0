from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from tests.city.conftest import tables
from xinqiao.city.power import power_tables
from xinqiao.city.region import Calendar
from xinqiao.city.scene import Scene
from xinqiao.city.utilities import utility_tables
from xinqiao.city.weather import days_of, spring_festival

FESTIVALS = ("2015-02-19", "2016-02-08", "2018-02-16", "2020-01-25", "2022-02-01", "2023-01-22", "2024-02-10")


@pytest.fixture(scope="module")
def power(scene: Scene) -> dict[str, pl.DataFrame]:
    return tables(scene, power_tables)


@pytest.mark.parametrize("day", FESTIVALS)
def test_the_spring_festival_is_found_to_a_day(day: str) -> None:
    known = date.fromisoformat(day)
    assert abs(spring_festival(known.year) - (known - date(1970, 1, 1)).days) <= 1


def test_days_are_quiet_round_the_festival_and_on_sundays() -> None:
    days = days_of(Calendar(date(2023, 1, 1), 36), 1)
    assert len(days.day) == 1096
    festival = np.searchsorted(days.day, spring_festival(2024))
    assert days.busy[festival] < 0.25
    sunday = (days.day + 3) % 7 == 6
    assert np.median(days.busy[sunday]) < np.median(days.busy[~sunday])
    july = days.temperature[(days.month % 12) == 6]
    january = days.temperature[(days.month % 12) == 0]
    assert july.mean() - january.mean() == pytest.approx(24, abs=3)


def test_a_months_volume_is_that_of_its_days(power: dict[str, pl.DataFrame]) -> None:
    daily = (
        power["power_day"]
        .group_by("户号", month=pl.col("日期").dt.truncate("1mo"))
        .agg(pl.col("用电量").sum(), days=pl.len())
    )
    monthly = (
        power["power_month"]
        .unique(["户号", "月份"])
        .select("户号", month=pl.col("月份").str.to_date(), billed=pl.col("用电量").cast(pl.Int64))
    )
    both = daily.join(monthly, on=["户号", "month"]).filter(
        pl.col("days") == pl.col("month").dt.month_end().dt.day()
    )
    assert len(both) > 500
    assert (both["用电量"] == both["billed"]).all()


def test_idle_days_are_as_common_as_in_the_real_county(power: dict[str, pl.DataFrame]) -> None:
    """Real: 16 % of company days with 1 kWh or less; quantile of a usual day between companies 68-768 kWh."""
    kwh = power["power_day"]["用电量"]
    assert 0.08 < (kwh <= 1).mean() < 0.24  # type: ignore[operator]  # the mean of flags is a number


def test_tenants_have_no_account_and_some_pay_in_anothers_name(
    power: dict[str, pl.DataFrame], scene: Scene
) -> None:
    accounts = power["power_account"]
    assert 0.5 < accounts["企业代号"].n_unique() / scene.region.companies < 0.85
    assert 0.03 < accounts["户名"].str.contains("物业").mean() < 0.25  # type: ignore[operator]  # as above
    assert accounts["户名"].str.starts_with("示例").all()


def test_water_and_gas_are_billed_by_volume(scene: Scene) -> None:
    rows = tables(scene, utility_tables)["water_gas_month"]
    price = {"水": 4.2, "气": 3.8}
    expected = rows["用量"].cast(pl.Float64) * rows["类别"].replace_strict(price, return_dtype=pl.Float64)
    assert (rows["应收"].cast(pl.Float64) - expected).abs().max() < 0.011  # type: ignore[operator]  # a number
    assert set(rows["类别"]) == {"水", "气"}
