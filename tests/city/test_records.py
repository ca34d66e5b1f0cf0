"""What holds for the tables of penalties, environment, rights, telephones, opinion and lending alike."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from tests.city.conftest import tables, versions_grow
from xinqiao.city.draw import Ints
from xinqiao.city.environment import environment_tables
from xinqiao.city.lending import lending_tables
from xinqiao.city.opinion import opinion_tables
from xinqiao.city.penalties import penalty_tables
from xinqiao.city.register import register_tables
from xinqiao.city.rights import rights_tables
from xinqiao.city.scene import Scene
from xinqiao.city.telecom import telecom_tables

Source = Callable[[Scene, Ints], dict[str, pl.DataFrame]]
SOURCES: dict[str, Source] = {
    "penalties": penalty_tables,
    "environment": environment_tables,
    "rights": rights_tables,
    "telecom": telecom_tables,
    "opinion": opinion_tables,
    "lending": lending_tables,
}
END = "2025-12-31"


@pytest.mark.parametrize("name", SOURCES)
def test_every_table_has_rows_known_within_the_period(name: str, scene: Scene) -> None:
    for table, rows in tables(scene, SOURCES[name]).items():
        if table not in {"credit_list", "ip_pledge"}:  # rare
            assert len(rows) > 20, table
        assert rows["企业代号"].str.contains(r"^C\d{6}$").all()
        assert rows["获知日期"].null_count() == 0
        assert rows["获知日期"].max() is None or rows["获知日期"].max() <= END  # type: ignore[operator]  # texts


@pytest.mark.parametrize("name", SOURCES)
def test_a_block_gives_the_same_rows_again(name: str, scene: Scene) -> None:
    ids = scene.ids(2)
    once, again = SOURCES[name](scene, ids), SOURCES[name](scene, ids)
    assert all(once[table].equals(again[table]) for table in once)


@pytest.mark.parametrize(
    ("name", "table", "keys", "later"),
    [
        ("penalties", "penalty", ["企业代号", "决定书号"], ["修复日期"]),
        ("penalties", "credit_list", ["企业代号", "名单", "列入日期"], ["移出日期"]),
        ("environment", "environment_event", ["企业代号", "编号"], ["结束日期", "修复日期"]),
        ("rights", "ip_pledge", ["企业代号", "登记号"], ["解除日期"]),
        ("telecom", "phone_line", ["企业代号", "号码"], ["销号日期"]),
        ("lending", "guarantee", ["企业代号", "担保编号"], ["解除日期"]),
    ],
)
def test_later_versions_say_what_came_later(
    name: str, table: str, keys: list[str], later: list[str], scene: Scene
) -> None:
    versions_grow(tables(scene, SOURCES[name])[table], keys, later)


def test_penalties_are_repaired_after_the_least_time_and_before_showing_ends(scene: Scene) -> None:
    rows = (
        tables(scene, penalty_tables)["penalty"]
        .drop_nulls("修复日期")
        .with_columns(pl.col("决定日期", "修复日期", "公示截止").str.to_date())
    )
    waited = (rows["修复日期"] - rows["决定日期"]).dt.total_days()
    severe = rows["情节"] == "严重"
    assert len(rows) > 20
    assert (waited.filter(severe) >= 365).all()
    assert (rows["修复日期"] <= rows["公示截止"]).all()


def test_patents_lapse_after_they_were_granted(scene: Scene) -> None:
    rows = tables(scene, rights_tables)["ip_right"]
    lapsed = rows.drop_nulls("失效日")
    assert len(lapsed) > 10
    assert (lapsed["失效日"] > lapsed["授权日"]).all()
    assert rows.group_by("企业代号", "申请号").len()["len"].max() <= 3  # type: ignore[operator]  # a number


def test_inventors_belong_to_patents_of_the_firm(scene: Scene) -> None:
    made = tables(scene, rights_tables)
    patents = made["ip_right"].filter(pl.col("类型").is_in(["发明", "实用新型", "外观设计"]))
    keys = set(zip(patents["企业代号"], patents["申请号"], strict=True))
    assert set(zip(made["ip_inventor"]["企业代号"], made["ip_inventor"]["申请号"], strict=True)) <= keys


def test_the_contact_of_the_register_is_a_line(scene: Scene) -> None:
    lines = tables(scene, telecom_tables)["phone_line"].filter(pl.col("使用者") == "联系人")
    register = tables(scene, register_tables)["registry"].select("企业代号", "联系电话").unique()
    joined = lines.join(register, on="企业代号")
    assert len(joined) > 100
    assert (joined["号码"] == joined["联系电话"]).all()


def test_news_names_the_generated_firm_and_the_service_is_mostly_right(scene: Scene) -> None:
    news = tables(scene, opinion_tables)["news"]
    assert news["标题"].str.contains("示例").all()
    assert not news["标题"].str.contains("{", literal=True).any()
    bad = news.filter(pl.col("事件类型").is_not_null())
    right = (bad["负面概率"].cast(pl.Float64) > 0.5) == (bad["事件类型"] != "无")
    assert 0.85 < right.mean() < 0.99
    assert news["事件类型"].n_unique() >= 8


def test_loans_follow_approved_applications_and_contacts_follow_loans(scene: Scene) -> None:
    made = tables(scene, lending_tables)
    approved = made["application"].filter(pl.col("结果") == "通过")
    loans = made["loan"]
    assert len(loans) > 50
    number = loans["借据号"].str.replace("JJ", "SQ")
    assert set(number) <= set(approved["申请编号"])
    contacts = made["loan_contact"].join(loans, on="借据号")
    assert (contacts["日期"] > contacts["放款日期"]).all()
    assert made["application_document"].group_by("申请编号").len()["len"].unique().to_list() == [3]


def test_each_application_is_an_inquiry_too(scene: Scene) -> None:
    made = tables(scene, lending_tables)
    asked = (
        made["application"].unique("申请编号").select("企业代号", 查询日期="申请日期", 查询机构="受理机构")
    )
    approvals = made["credit_inquiry"].filter(pl.col("查询用途") == "贷款审批")
    assert (
        asked.join(approvals, on=["企业代号", "查询日期", "查询机构"], how="anti").height <= len(asked) // 50
    )
