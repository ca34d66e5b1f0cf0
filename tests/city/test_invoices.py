from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tests.city.conftest import read, typed
from xinqiao.city.books import books
from xinqiao.city.generate import START
from xinqiao.city.scene import draw_scene
from xinqiao.city.truth import Truth


@pytest.fixture(scope="module")
def sales(clean: Truth) -> pl.DataFrame:
    return typed(clean.data / "sales.csv.gz")


@pytest.fixture(scope="module")
def purchases(clean: Truth) -> pl.DataFrame:
    return typed(clean.data / "purchases.csv.gz")


@pytest.fixture(scope="module")
def register(clean: Truth) -> pl.DataFrame:
    versions = read(clean.data / "registry.csv").with_columns(
        pl.col("成立日期", "注销或吊销日期").str.to_date()
    )
    return versions.group_by("企业代号").agg(pl.col("成立日期").min(), pl.col("注销或吊销日期").max())


@pytest.mark.parametrize("name", ["sales", "purchases"])
def test_no_invoice_outside_a_companys_life(
    name: str, register: pl.DataFrame, request: pytest.FixtureRequest
) -> None:
    rows: pl.DataFrame = request.getfixturevalue(name)
    joined = rows.join(register, on="企业代号", how="left")
    assert joined["成立日期"].null_count() == 0
    assert joined.filter(pl.col("开票日期") < pl.col("成立日期")).is_empty()
    assert joined.filter(pl.col("开票日期") > pl.col("注销或吊销日期")).is_empty()


@pytest.mark.parametrize("name", ["sales", "purchases"])
def test_clean_rows_keep_the_contract(name: str, request: pytest.FixtureRequest) -> None:
    rows: pl.DataFrame = request.getfixturevalue(name)
    assert (rows["金额"] + rows["税额"] == rows["价税合计"]).all()
    assert (rows["获知日期"] >= rows["开票日期"]).all()
    void = rows.filter(pl.col("发票状态") == "作废发票")
    assert (void["状态变更日期"] >= void["开票日期"]).all()
    assert rows.filter(pl.col("发票状态") == "有效发票")["状态变更日期"].null_count() == len(rows) - len(void)


def test_red_letters_reverse_an_invoice_in_full(sales: pl.DataFrame) -> None:
    red = sales.filter(pl.col("金额") < 0)
    assert len(red) > 100
    original = sales.select("企业代号", "发票号码", "开票日期", "金额", "发票状态", "购方代号")
    pair = red.join(
        original, left_on=["企业代号", "对应蓝票号码"], right_on=["企业代号", "发票号码"], suffix="_原"
    )
    assert len(pair) == len(red)
    assert (pair["金额"] == -pair["金额_原"]).all()
    assert (pair["对应蓝票日期"] == pair["开票日期_原"]).all()
    assert (pair["购方代号"] == pair["购方代号_原"]).all()
    assert (pair["发票状态_原"] == "有效发票").all()
    assert (pair["开票日期"] > pair["开票日期_原"]).all()


def test_sales_inside_the_region_are_purchases_of_the_buyer(
    sales: pl.DataFrame, purchases: pl.DataFrame
) -> None:
    columns = ["发票号码", "开票日期", "金额", "发票状态", "企业代号"]
    sold = sales.filter(pl.col("购方登记代码").str.starts_with("C")).select(*columns, "购方登记代码")
    bought = purchases.filter(pl.col("销方登记代码").str.starts_with("C"))
    swapped = bought.select(
        *columns[:4], pl.col("销方登记代码").alias("企业代号"), pl.col("企业代号").alias("购方登记代码")
    )
    assert len(sold) > 500
    assert sold.sort(sold.columns).equals(swapped.sort(sold.columns))


def test_persons_have_no_register_code(sales: pl.DataFrame) -> None:
    person = sales["购方类型"] == "个人"
    assert 0.02 < person.mean() < 0.2  # type: ignore[operator]  # the mean of flags is a number
    assert (sales["购方登记代码"].is_null() == person).all()


def test_rates_lie_near_the_real_set(sales: pl.DataFrame, purchases: pl.DataFrame) -> None:
    """Real: void 6.9-8.3 % of sales and 3.6-4.4 % of purchases, red letters 1.8-5.6 % and 0.9 %."""
    for rows, void, red in ((sales, (0.05, 0.10), (0.015, 0.056)), (purchases, (0.03, 0.06), (0.008, 0.02))):
        assert void[0] < (rows["发票状态"] == "作废发票").sum() / len(rows) < void[1]
        assert red[0] < (rows["金额"] < 0).sum() / len(rows) < red[1]


def test_companies_decline_before_they_default() -> None:
    """Falling sales come first: half a year before default against the half year a year earlier."""
    scene = draw_scene(1_500, 36, START, 7)
    counts = np.zeros(3, dtype=np.int64)
    for block in range(scene.blocks):
        rows = books(scene, block).sales
        month = np.searchsorted(scene.region.calendar.first_day, rows.day, side="right") - 1
        since = month - scene.fate.default_month[rows.company]
        spans = ((since >= -18) & (since < -12), (since >= -6) & (since < 0), (since > 6) & (since <= 12))
        counts += [int(span.sum()) for span in spans]
    earlier, before, after = counts
    assert before < 0.9 * earlier
    assert after < 0.6 * before


def test_planted_rings_invoice_round(sales: pl.DataFrame, clean: Truth) -> None:
    rings = pl.read_parquet(clean.table).unique("company_id").drop_nulls("ring")
    assert rings["ring"].n_unique() >= 2
    inside = sales.join(rings.select("company_id", "ring"), left_on="企业代号", right_on="company_id").join(
        rings.select("company_id", other="ring"), left_on="购方登记代码", right_on="company_id"
    )
    edges = inside.filter(pl.col("ring") == pl.col("other")).select("企业代号", "购方登记代码").unique()
    assert edges["企业代号"].n_unique() == edges["购方登记代码"].n_unique() == len(rings)
