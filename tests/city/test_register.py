from __future__ import annotations

import polars as pl
import pytest

from tests.city.conftest import COMPANIES, read
from xinqiao.city.truth import Truth
from xinqiao.source.ingest import IngestReport

END = "2025-12-31"


@pytest.mark.parametrize(
    "name", ["registry", "registry_change", "registry_annual_report", "registry_encumbrance"]
)
def test_nothing_is_known_after_the_end(name: str, region: Truth) -> None:
    known = read(region.data / f"{name}.csv")["获知日期"]
    assert len(known) > 20
    assert known.max() <= END  # type: ignore[operator]  # texts compare as dates


def test_every_company_is_registered_and_named_as_an_example(region: Truth) -> None:
    table = read(region.data / "registry.csv")
    assert table["企业代号"].n_unique() == COMPANIES
    assert table["企业名称"].str.starts_with("示例").all()
    assert table["行政区划"].str.starts_with("99").all()


def test_a_change_of_representative_gives_a_new_version(region: Truth) -> None:
    table = read(region.data / "registry.csv")
    changes = read(region.data / "registry_change.csv").filter(pl.col("变更事项") == "法定代表人")
    assert len(changes) > 10
    for company, known in changes.select("企业代号", "获知日期").iter_rows():
        versions = table.filter(pl.col("企业代号") == company)
        before = versions.filter(pl.col("获知日期") < known)["法定代表人"]
        after = versions.filter(pl.col("获知日期") == known)["法定代表人"]
        assert len(after) >= 1
        assert after[0] not in before


def test_ended_companies_have_a_date_and_only_they(region: Truth) -> None:
    table = read(region.data / "registry.csv")
    ended = table.filter(pl.col("登记状态") != "存续")
    assert len(ended) >= 3
    assert ended["注销或吊销日期"].null_count() == 0
    assert table.filter(pl.col("登记状态") == "存续")["注销或吊销日期"].drop_nulls().is_empty()


def test_late_reports_get_a_second_version(region: Truth) -> None:
    reports = read(region.data / "registry_annual_report.csv")
    blank = reports.filter(pl.col("公示日期").is_null())
    late = reports.filter(pl.col("公示日期") > pl.col("应公示日期"), pl.col("应公示日期") >= "2023-01-01")
    assert len(late) > 10
    assert late.join(blank, on=["企业代号", "报告年度"]).height == len(late)
    assert (blank["获知日期"] == blank["应公示日期"].str.replace("-06-30", "-07-01")).all()


def test_holders_sell_and_buy_the_same_stake(region: Truth) -> None:
    held = read(region.data / "registry_holding.csv")
    assert len(held) > 200
    sold = held.drop_nulls("退出日期")
    assert len(sold) > 10
    bought = held.join(sold, left_on=["企业代号", "入股日期"], right_on=["企业代号", "退出日期"])
    assert len(bought) >= len(sold)
    assert (bought["持股比例"] == bought["持股比例_right"]).any()


def test_representatives_in_office_are_those_of_the_register(region: Truth) -> None:
    entries = (
        read(region.data / "registry.csv")
        .sort("获知日期")
        .unique("企业代号", keep="last", maintain_order=True)
    )
    people = read(region.data / "registry_person.csv").filter(pl.col("职务") == "法定代表人")
    latest = people.sort("获知日期", "任职日期").unique("企业代号", keep="last", maintain_order=True)
    both = entries.join(latest, on="企业代号")
    assert len(both) == COMPANIES
    assert (both["法定代表人"] == both["人员"]).mean() > 0.97  # type: ignore[operator]  # a share


def test_files_of_all_tables_are_read_without_a_quarantined_row(dirty: IngestReport) -> None:
    others = [file.manifest for file in dirty.files if file.manifest.contract != "invoice"]
    assert len({manifest.contract for manifest in others}) == 50
    assert {manifest.contract for manifest in others if manifest.kept != manifest.read} == set()
